"""Profiles of a box, along an axis or a radius, of which each rank sums its share; and where a
front is in one.
"""

from __future__ import annotations

import math

import numpy as np

from ecsmpi.description.grid import AXES, Box


class AxisProfile:
    """Mean over the voxels of each plane across an axis."""

    def __init__(self, box: Box, planes: tuple[int, int], axis: str):
        a = AXES.index(axis)
        self._across, self._mine = (
            tuple(set(range(3)) - {a}),
            slice(*planes) if a == 0 else slice(None),
        )
        self.positions = box.lo[a] + box.spacing[a] * (np.arange(box.shape[a]) + 0.5)
        self.counts = np.full(box.shape[a], box.voxels / box.shape[a])

    def add(self, u: np.ndarray, sums: np.ndarray) -> None:
        """Set sums (positions,) to this slab's share of the sums over voxels."""
        sums[:] = 0.0
        sums[self._mine] = u.sum(axis=self._across)


class RadialProfile:
    """Mean over the voxels whose centres lie in each shell around a point."""

    def __init__(self, box: Box, planes: tuple[int, int], centre, width: float):
        """centre: (x, y, z) um. width: of a shell, um."""
        self._shell, self.positions = (
            self._shells(box, planes, centre, width),
            radii(box, centre, width),
        )
        self._size = self.positions.size
        self.counts = np.zeros(self._size)  # of all slabs, once they are summed
        self.my_counts = np.bincount(self._shell, minlength=self._size).astype(float)

    @staticmethod
    def _shells(box: Box, planes: tuple[int, int], centre, width: float) -> np.ndarray:
        squares = [
            (low + h * (np.arange(*ends) + 0.5) - at) ** 2
            for low, h, ends, at in zip(
                box.lo, box.spacing, (planes, (box.shape[1],), (box.shape[2],)), centre
            )
        ]
        radius = np.sqrt(squares[0][:, None, None] + squares[1][:, None] + squares[2])
        return (radius / width).astype(np.intp).reshape(-1)

    def add(self, u: np.ndarray, sums: np.ndarray) -> None:
        """Set sums (positions,) to this slab's share of the sums over voxels."""
        sums[:] = np.bincount(self._shell, weights=u.reshape(-1), minlength=self._size)


def radii(box: Box, centre, width: float) -> np.ndarray:
    """Middle radii (um) of the shells that reach the box's farthest corner."""
    corner = math.sqrt(
        sum(max(abs(at - lo), abs(hi - at)) ** 2 for at, lo, hi in zip(centre, box.lo, box.hi))
    )
    return width * (np.arange(int(corner / width) + 1) + 0.5)


def front(positions: np.ndarray, means: np.ndarray, threshold: float) -> float:
    """The last position where the means fall through the threshold, between positions by straight
    lines; NaN for none.

    Positions ascend, or descend for a front that moves down. Means that are not numbers, of empty
    shells, do not count.
    """
    filled = np.isfinite(means)
    positions, means = positions[filled], means[filled]
    above = np.flatnonzero(means >= threshold)
    if not above.size:
        return math.nan
    last = above[-1]
    if last + 1 == means.size:
        return float(positions[last])
    part = (means[last] - threshold) / (means[last] - means[last + 1])
    return float(positions[last] + part * (positions[last + 1] - positions[last]))
