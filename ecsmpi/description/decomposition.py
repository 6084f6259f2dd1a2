"""Who owns which planes: pure integer arithmetic.

The box is cut along x into blocks of whole planes, as even as they can be. Each rank owns
consecutive blocks: its slab. Normally each rank has one block:

    plane   0   1   2   3 | 4   5   6 | 7   8   9          10 planes on 3 ranks
    rank          0       |     1     |     2

With a grain, the blocks depend on the box alone, with at most ``grain`` planes each, and so do the
last bits of the results:

    plane   0   1   2 | 3   4   5 | 6   7 | 8   9          10 planes, grain 3, on 3 ranks
    block       0     |     1     |   2   |   3
    rank             0            |   1   |   2

Without a grain, slabs are thinner where many segments are, if that makes the slowest rank's work a
tenth less: a voxel costs its owner more for each rank with segments in it.

    plane   0   1 | 2   3   4 | 5   6   7   8   9          10 planes on 3 ranks
    rank      0   |     1     |         2                  segments in planes 0 to 2

Where there are more ranks than blocks, the last ranks own none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# What serving a voxel to one rank with segments in it costs its owner, for each species, in units
# of a voxel's step
COST_OF_REQUEST = 2.0
WORTHWHILE = 1.1  # by what factor uneven slabs must lighten the heaviest slab
GRAIN = 16  # planes of a reproducible block: so thick that its interfaces settle up to r = 0.12


def share(count: int, parts: int, part: int) -> tuple[int, int]:
    """[lo, hi) of one part of ``count`` things; the first ``count % parts`` have one more."""
    size, rest = divmod(count, parts)
    lo = part * size + min(part, rest)
    return lo, lo + size + (part < rest)


@dataclass(frozen=True)
class Slabs:
    """The partition of the planes of a box over ranks.

    Parameters
    ----------
    n_planes, n_ranks : int
        At least one each.
    grain : int, optional
        Most planes of a block; None for one block a rank.
    ends : tuple of int, optional
        The plane after the last one of each slab, where slabs are not as even as they can be.

    Raises
    ------
    ValueError
        For a number below 1.
    """

    n_planes: int
    n_ranks: int
    grain: int | None = None
    ends: tuple[int, ...] | None = None

    @classmethod
    def weighed(cls, weights: np.ndarray, n_ranks: int) -> Slabs:
        """A partition whose heaviest slab is as light as can be, if that is worthwhile.

        A slab has half to twice the planes of an even one: thin slabs cost messages, thick ones
        memory.

        Parameters
        ----------
        weights : (planes,) float
            What a step of each plane costs, see `plane_weights`.
        n_ranks : int
        """
        even = cls(len(weights), n_ranks)
        thick, thin = even.thicknesses()[0], even.thicknesses()[-1]
        allowed = (max(1, thin // 2), 2 * thick)
        before = np.concatenate([[0.0], np.cumsum(weights)])
        heaviest = 0.0
        for rank in range(even.owners):
            lo, hi = even.planes(rank)
            heaviest = max(heaviest, before[hi] - before[lo])
        ends, weight = _lightest(before, even.owners, allowed, heaviest)
        if ends is None or heaviest <= WORTHWHILE * weight:
            return even
        evenly = _filled(before, even.owners, allowed, weight, evenly=True)
        return cls(len(weights), n_ranks, None, evenly or ends)

    def __post_init__(self) -> None:
        if self.n_planes < 1 or self.n_ranks < 1:
            raise ValueError(
                f"need at least one plane and one rank, got {self.n_planes} and {self.n_ranks}"
            )
        if self.grain is not None and self.grain < 1:
            raise ValueError(f"grain must be at least 1 plane, got {self.grain}")

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        if self.grain is None:
            return min(self.n_planes, self.n_ranks)
        return -(-self.n_planes // self.grain)

    @property
    def owners(self) -> int:
        """Number of ranks that own planes: ranks 0 to owners - 1."""
        return min(self.n_blocks, self.n_ranks)

    def block(self, number: int) -> tuple[int, int]:
        """Planes [lo, hi) of a block."""
        if self.ends is None:
            return share(self.n_planes, self.n_blocks, number)
        lo = self.ends[number - 1] if number else 0
        return lo, self.ends[number]

    def blocks(self, rank: int) -> range:
        """The blocks of a rank."""
        return range(*share(self.n_blocks, self.n_ranks, rank))

    def planes(self, rank: int) -> tuple[int, int]:
        """Planes [lo, hi) of a rank; lo == hi for a rank that owns none."""
        blocks = self.blocks(rank)
        if not blocks:
            return self.n_planes, self.n_planes
        return self.block(blocks[0])[0], self.block(blocks[-1])[1]

    def thicknesses(self) -> list[int]:
        """Number of planes of each owner."""
        return [hi - lo for lo, hi in map(self.planes, range(self.owners))]

    def __str__(self) -> str:
        thin, thick = min(self.thicknesses()), max(self.thicknesses())
        planes = "plane" if thick == 1 else "planes"
        slabs = "slab" if self.owners == 1 else "slabs"
        count = f"{thin} to {thick}" if thin < thick else f"{thin}"
        return f"{self.owners} {slabs} of {count} {planes}"

    def owner(self, plane: int | np.ndarray) -> np.ndarray:
        """Rank that owns each of some planes."""
        ends = np.array([self.planes(rank)[1] for rank in range(self.owners)])
        return np.searchsorted(ends, plane, side="right")


def plane_weights(plane_size: int, requests_per_plane: np.ndarray) -> np.ndarray:
    """(planes,) what a step of each plane costs, in units of a voxel's step.

    Parameters
    ----------
    plane_size : int
        Voxels of a plane.
    requests_per_plane : (planes,) int
        Pairs of a voxel and a rank with segments in it.
    """
    weights: np.ndarray = plane_size + COST_OF_REQUEST * requests_per_plane
    return weights


def _lightest(
    before: np.ndarray, owners: int, allowed: tuple[int, int], heaviest: float
) -> tuple[tuple[int, ...] | None, float]:
    """(ends of slabs whose heaviest is as light as can be, its weight), by bisection.

    Parameters are those of `_filled`. heaviest: a weight that is known to be possible, which is
    returned with None where nothing lighter is found.
    """
    ends = None
    weight = heaviest
    too_light = before[-1] / owners
    while weight > 1.001 * too_light:
        tried = 0.5 * (too_light + weight)
        found = _filled(before, owners, allowed, tried)
        if found:
            ends, weight = found, tried
        else:
            too_light = tried
    return ends, weight


def _filled(
    before: np.ndarray,
    owners: int,
    allowed: tuple[int, int],
    most: float,
    evenly: bool = False,
) -> tuple[int, ...] | None:
    """Where slabs end that are as heavy as they can be up to a weight; None if planes are left.

    Parameters
    ----------
    before : (planes + 1,) float
        Weight of all planes before each one, and of all.
    owners : int
        Number of slabs.
    allowed : (2,) int
        Least and most planes of a slab.
    most : float
        Largest weight of a slab.
    evenly : bool
        Let each slab rather take its share of the weight that is left.
    """
    ends = []
    lo = 0
    n_planes = len(before) - 1
    least, thickest = allowed
    for left in range(owners - 1, -1, -1):
        hi = int(np.searchsorted(before, before[lo] + most, side="right")) - 1
        if evenly:
            its_share = (before[-1] - before[lo]) / (left + 1)
            hi = min(hi, int(np.searchsorted(before, before[lo] + its_share)))
        hi = min(max(hi, lo + least), lo + thickest, n_planes - least * left)
        if before[hi] - before[lo] > most:
            return None
        ends.append(hi)
        lo = hi
    return tuple(ends) if lo == n_planes else None
