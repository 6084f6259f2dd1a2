"""Profiles of a box, along an axis or a radius, and where a front is in one.

Each rank sums its share of a profile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ecsmpi.description.grid import AXES, Box


class AxisProfile:
    """Mean over the voxels of each plane across an axis.

    Attributes
    ----------
    positions : (planes,)
        um.
    counts : (planes,)
        Voxels of each plane.
    """

    def __init__(self, box: Box, planes: tuple[int, int], axis: str):
        a = AXES.index(axis)
        self._across = tuple(other for other in range(3) if other != a)
        self._mine = slice(*planes) if a == 0 else slice(None)
        self.positions = box.lo[a] + box.spacing[a] * (np.arange(box.shape[a]) + 0.5)
        self.counts = np.full(box.shape[a], box.voxels / box.shape[a])

    def add(self, u: np.ndarray, sums: np.ndarray) -> None:
        """Set sums (planes,) to this slab's share of the sums over voxels."""
        sums[:] = 0.0
        sums[self._mine] = u.sum(axis=self._across)


class RadialProfile:
    """Mean over the voxels whose centres lie in each shell around a point.

    Parameters
    ----------
    box, planes : Box, (int, int)
        The box and the planes of this slab.
    centre : (x, y, z)
        um.
    width : float
        Of a shell, um.

    Attributes
    ----------
    positions : (shells,)
        um.
    my_counts : (shells,)
        Voxels of this slab in each shell.
    counts : (shells,)
        Voxels of all slabs, to be summed over the ranks.
    """

    def __init__(self, box: Box, planes: tuple[int, int], centre: Sequence[float], width: float):
        self.positions = radii(box, centre, width)
        self._size = self.positions.size
        self._shell = _shells(box, planes, centre, width)
        self.my_counts = np.bincount(self._shell, minlength=self._size).astype(float)
        self.counts = np.zeros(self._size)

    def add(self, u: np.ndarray, sums: np.ndarray) -> None:
        """Set sums (shells,) to this slab's share of the sums over voxels."""
        sums[:] = np.bincount(self._shell, weights=u.reshape(-1), minlength=self._size)


def _shells(box: Box, planes: tuple[int, int], centre: Sequence[float], width: float) -> np.ndarray:
    """(voxels of the slab,) the shell of each voxel."""
    ranges = (planes, (0, box.shape[1]), (0, box.shape[2]))
    squares = []
    for low, h, (first, end), at in zip(box.lo, box.spacing, ranges, centre):
        squares.append((low + h * (np.arange(first, end) + 0.5) - at) ** 2)
    radius = np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2])
    return (radius / width).astype(np.intp).reshape(-1)


def radii(box: Box, centre: Sequence[float], width: float) -> np.ndarray:
    """Middle radii (um) of the shells that reach the box's farthest corner."""
    square = 0.0
    for at, lo, hi in zip(centre, box.lo, box.hi):
        square += max(abs(at - lo), abs(hi - at)) ** 2
    return width * (np.arange(int(math.sqrt(square) / width) + 1) + 0.5)


def front(positions: np.ndarray, means: np.ndarray, threshold: float) -> float:
    """The last position where the means fall through the threshold; NaN for none.

    Between positions the means are straight lines. Positions ascend, or descend for a front that
    moves down. Means that are NaN, of empty shells, do not count.
    """
    filled = np.isfinite(means)
    positions = positions[filled]
    means = means[filled]
    above = np.flatnonzero(means >= threshold)
    if not above.size:
        return math.nan
    last = above[-1]
    if last + 1 == means.size:
        return float(positions[last])
    share = (means[last] - threshold) / (means[last] - means[last + 1])
    return float(positions[last] + share * (positions[last + 1] - positions[last]))
