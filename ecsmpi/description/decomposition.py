"""Who owns which planes: pure integer arithmetic.

The box is cut along x into blocks of whole planes, as even as they can be, and each rank owns
consecutive blocks: its slab. Normally there is one block to a rank:

    plane   0   1   2   3 | 4   5   6 | 7   8   9          10 planes on 3 ranks
    rank          0       |     1     |     2

With a grain, the blocks depend on the box alone, at most ``grain`` planes each, and so do the
results' last bits:

    plane   0   1   2 | 3   4   5 | 6   7 | 8   9          10 planes, grain 3, on 3 ranks
    block       0     |     1     |   2   |   3
    rank             0            |   1   |   2

Without a grain, slabs are thinner where many segments are, if that makes the slowest rank's work a
tenth less: a voxel costs its owner more for each rank with segments in it.

    plane   0   1 | 2   3   4 | 5   6   7   8   9          10 planes on 3 ranks, cells in the first three
    rank      0   |     1     |         2

Ranks beyond the number of blocks own none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# voxels: what it costs to serve a voxel to a rank with segments in it, for each ion, beside a
# voxel's step
ASKED = 2.0
WORTH = 1.1  # what the heaviest slab must be lightened by
# planes of a reproducible block: thick enough for neighbours to settle their interface up to r =
# 0.12
GRAIN = 16


def share(count: int, parts: int, part: int) -> tuple[int, int]:
    """[lo, hi) of a part of ``count`` things; the first ``count % parts`` parts have one more."""
    size, rest = divmod(count, parts)
    lo = part * size + min(part, rest)
    return lo, lo + size + (part < rest)


@dataclass(frozen=True)
class Slabs:
    """The partition of ``n_planes`` planes over ``n_ranks`` ranks, in blocks of at most ``grain``
    planes if given.

    ends: the planes where slabs end, where these are not as even as they can be.
    """

    n_planes: int
    n_ranks: int
    grain: int | None = None
    ends: tuple[int, ...] | None = None

    @classmethod
    def weighed(cls, weights: np.ndarray, n_ranks: int) -> Slabs:
        """A partition whose heaviest slab is as light as can be, if that is worth it; weights:
        (planes,), see `plane_weights`.

        A slab has half to twice the planes of an even one: thin ones cost messages, thick ones
        memory.
        """
        even = cls(len(weights), n_ranks)
        planes = max(1, even.thicknesses()[-1] // 2), 2 * even.thicknesses()[0]
        upto = np.concatenate([[0.0], np.cumsum(weights)])
        best = heaviest = max(
            upto[hi] - upto[lo] for lo, hi in map(even.planes, range(even.owners))
        )
        ends, low = None, upto[-1] / even.owners
        while best > 1.001 * low:
            tried = 0.5 * (low + best)
            if found := _filled(upto, even.owners, planes, tried):
                ends, best = found, tried
            else:
                low = tried
        ends = ends and _filled(upto, even.owners, planes, best, evenly=True) or ends
        return cls(len(weights), n_ranks, None, ends) if ends and heaviest > WORTH * best else even

    def __post_init__(self):
        if self.n_planes < 1 or self.n_ranks < 1:
            raise ValueError(
                f"need at least one plane and one rank, got {self.n_planes} and {self.n_ranks}"
            )
        if self.grain is not None and self.grain < 1:
            raise ValueError(f"grain must be at least 1 plane, got {self.grain}")

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return (
            min(self.n_planes, self.n_ranks)
            if self.grain is None
            else -(-self.n_planes // self.grain)
        )

    @property
    def owners(self) -> int:
        """Number of ranks that own planes: ranks 0 .. owners-1."""
        return min(self.n_blocks, self.n_ranks)

    def block(self, number: int) -> tuple[int, int]:
        """Planes [lo, hi) of a block."""
        if self.ends is not None:
            return (self.ends[number - 1] if number else 0), self.ends[number]
        return share(self.n_planes, self.n_blocks, number)

    def blocks(self, rank: int) -> range:
        """The blocks of a rank."""
        return range(*share(self.n_blocks, self.n_ranks, rank))

    def planes(self, rank: int) -> tuple[int, int]:
        """Planes [lo, hi) of a rank; lo == hi for a rank that owns none."""
        mine = self.blocks(rank)
        return (
            (self.block(mine[0])[0], self.block(mine[-1])[1])
            if mine
            else (self.n_planes, self.n_planes)
        )

    def thicknesses(self) -> list[int]:
        """Planes of each owner, in order."""
        return [hi - lo for lo, hi in map(self.planes, range(self.owners))]

    def __str__(self) -> str:
        thin, thick = min(self.thicknesses()), max(self.thicknesses())
        planes = f"{thin} to {thick} planes" if thin < thick else f"{thin} plane{'s' * (thin > 1)}"
        return f"{self.owners} slab{'s' * (self.owners > 1)} of {planes}"

    def owner(self, plane) -> np.ndarray:
        """Rank that owns each plane; plane: integer or array of them."""
        ends = np.array([self.planes(rank)[1] for rank in range(self.owners)])
        return np.searchsorted(ends, plane, side="right")


def _filled(
    upto: np.ndarray, owners: int, planes: tuple[int, int], most: float, evenly: bool = False
) -> tuple[int, ...] | None:
    """Where slabs end, each as heavy as it can be up to ``most``; None where that leaves planes
    over.

    upto: (planes + 1,) weight of the planes before. planes: least and most of a slab. evenly: each
    takes its share of what is left, rather.
    """
    ends, lo, n_planes, (least, thickest) = [], 0, len(upto) - 1, planes
    for left in range(owners - 1, -1, -1):
        hi = int(np.searchsorted(upto, upto[lo] + most, side="right")) - 1
        if evenly:
            hi = min(hi, int(np.searchsorted(upto, upto[lo] + (upto[-1] - upto[lo]) / (left + 1))))
        hi = min(max(hi, lo + least), lo + thickest, n_planes - least * left)
        if upto[hi] - upto[lo] > most:
            return None
        ends.append(hi)
        lo = hi
    return tuple(ends) if lo == n_planes else None


def plane_weights(plane_size: int, asked: np.ndarray) -> np.ndarray:
    """(planes,) what a step of each costs, in voxels; asked: (planes,) voxels that hold segments,
    once for each rank of these.
    """
    return plane_size + ASKED * asked
