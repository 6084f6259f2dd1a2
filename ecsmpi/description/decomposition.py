"""Who owns which planes: pure integer arithmetic.

The box is cut along x into blocks of whole planes, as even as they can be, and each rank owns consecutive blocks:
its slab. Normally there is one block to a rank:

    plane   0   1   2   3 | 4   5   6 | 7   8   9          10 planes on 3 ranks
    rank          0       |     1     |     2

With a grain, the blocks depend on the box alone, at most ``grain`` planes each, and so do the results' last bits:

    plane   0   1   2 | 3   4   5 | 6   7 | 8   9          10 planes, grain 3, on 3 ranks
    block       0     |     1     |   2   |   3
    rank             0            |   1   |   2

Ranks beyond the number of blocks own none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

GRAIN = 16  # planes of a reproducible block: thick enough for neighbours to settle their interface up to r = 0.12


def share(count: int, parts: int, part: int) -> tuple[int, int]:
    """[lo, hi) of a part of ``count`` things; the first ``count % parts`` parts have one more."""
    size, rest = divmod(count, parts)
    lo = part * size + min(part, rest)
    return lo, lo + size + (part < rest)


@dataclass(frozen=True)
class Slabs:
    """The partition of ``n_planes`` planes over ``n_ranks`` ranks, in blocks of at most ``grain`` planes if given."""

    n_planes: int
    n_ranks: int
    grain: int | None = None

    def __post_init__(self):
        if self.n_planes < 1 or self.n_ranks < 1:
            raise ValueError(f"need at least one plane and one rank, got {self.n_planes} and {self.n_ranks}")
        if self.grain is not None and self.grain < 1:
            raise ValueError(f"grain must be at least 1 plane, got {self.grain}")

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return min(self.n_planes, self.n_ranks) if self.grain is None else -(-self.n_planes // self.grain)

    @property
    def owners(self) -> int:
        """Number of ranks that own planes: ranks 0 .. owners-1."""
        return min(self.n_blocks, self.n_ranks)

    def block(self, number: int) -> tuple[int, int]:
        """Planes [lo, hi) of a block."""
        return share(self.n_planes, self.n_blocks, number)

    def blocks(self, rank: int) -> range:
        """The blocks of a rank."""
        return range(*share(self.n_blocks, self.n_ranks, rank))

    def planes(self, rank: int) -> tuple[int, int]:
        """Planes [lo, hi) of a rank; lo == hi for a rank that owns none."""
        mine = self.blocks(rank)
        return (self.block(mine[0])[0], self.block(mine[-1])[1]) if mine else (self.n_planes, self.n_planes)

    def thicknesses(self) -> list[int]:
        """Planes of each owner, in order."""
        return [hi - lo for lo, hi in map(self.planes, range(self.owners))]

    def owner(self, plane) -> np.ndarray:
        """Rank that owns each plane; plane: integer or array of them."""
        ends = np.array([self.planes(rank)[1] for rank in range(self.owners)])
        return np.searchsorted(ends, plane, side="right")
