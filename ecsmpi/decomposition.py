"""Who owns which planes: pure integer arithmetic.

The box is cut along x into slabs of whole planes, one slab to a rank, as even as they can be: the
first ``n_planes % n_ranks`` slabs are one plane thicker. Ranks beyond the number of planes own none.

    plane   0   1   2   3 | 4   5   6 | 7   8   9          10 planes on 3 ranks
    rank          0       |     1     |     2
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Slabs:
    """The partition of ``n_planes`` planes over ``n_ranks`` ranks."""

    n_planes: int
    n_ranks: int

    def __post_init__(self):
        if self.n_planes < 1 or self.n_ranks < 1:
            raise ValueError(f"need at least one plane and one rank, got {self.n_planes} and {self.n_ranks}")

    @property
    def owners(self) -> int:
        """Number of ranks that own planes: ranks 0 .. owners-1."""
        return min(self.n_planes, self.n_ranks)

    def planes(self, rank: int) -> tuple[int, int]:
        """Planes [lo, hi) of a rank; lo == hi for a rank that owns none."""
        share, rest = divmod(self.n_planes, self.n_ranks)
        lo = rank * share + min(rank, rest)
        return lo, lo + share + (rank < rest)

    def thicknesses(self) -> list[int]:
        """Planes of each owner, in order."""
        return [hi - lo for lo, hi in map(self.planes, range(self.owners))]

    def owner(self, plane) -> np.ndarray:
        """Rank that owns each plane; plane: integer or array of them."""
        ends = np.array([self.planes(rank)[1] for rank in range(self.owners)])
        return np.searchsorted(ends, plane, side="right")
