"""Selections of voxels: which voxels of a box are written, where they lie, which each rank has.

No file and no MPI here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecsmpi.description.grid import AXES, Box


@dataclass(frozen=True)
class Selection:
    """Some voxels of a box: those of a range along each axis, or their mean over one axis.

    The selected voxels form a grid again, which may be coarser; a mean has one voxel along its
    axis.

    Parameters
    ----------
    box : Box
        The box.
    ranges : tuple of range
        Numbers of the selected voxels along x, y and z.
    mean : str, optional
        The axis over which to take the mean: "x", "y" or "z".
    """

    box: Box
    ranges: tuple[range, range, range]
    mean: str | None = None

    @classmethod
    def whole(cls, box: Box) -> Selection:
        """Select all voxels."""
        nx, ny, nz = box.shape
        return cls(box, (range(nx), range(ny), range(nz)))

    @cached_property
    def grid(self) -> Box:
        """The grid of the selected voxels; with every second voxel, its voxels are twice as long.

        A selected voxel lies in the middle of its voxel of the grid.
        """
        lo, spacing, shape = [], [], []
        for a, chosen in enumerate(self.ranges):
            h = self.box.spacing[a]
            edge = h * chosen.step
            count = len(chosen)
            lo.append(self.box.lo[a] + h * (chosen.start + 0.5 * (1 - chosen.step)))
            is_mean = self.mean == AXES[a]
            spacing.append(edge * count if is_mean else edge)
            shape.append(1 if is_mean else count)
        return Box(
            (lo[0], lo[1], lo[2]),
            (spacing[0], spacing[1], spacing[2]),
            (shape[0], shape[1], shape[2]),
        )

    def planes(self, lo: int, hi: int) -> tuple[int, int]:
        """Return the planes of the grid that come from planes [lo, hi) of the box.

        The one plane of a mean over x belongs to the slab that has its first selected plane.
        """
        first, last = self._selected_between(lo, hi)
        if self.mean == "x":
            return 0, int(first == 0 and last > 0)
        return first, last

    def _selected_between(self, lo: int, hi: int) -> tuple[int, int]:
        """Return which of the selected planes, [first, last), are planes [lo, hi) of the box."""
        return self._selected_before(lo), self._selected_before(hi)

    def _selected_before(self, plane: int) -> int:
        chosen = self.ranges[0]
        count = -((chosen.start - plane) // chosen.step)
        return min(max(0, count), len(chosen))

    def extract(self, owned: np.ndarray, lo: int) -> np.ndarray:
        """Return the selected voxels of a slab.

        Parameters
        ----------
        owned : ndarray
            (n, ny, nz) of the box: the slab.
        lo : int
            Number of the slab's first plane.

        Returns
        -------
        ndarray
            (planes, ny, nz) of the grid: a view, or the mean. For a mean over x it is one plane,
            this slab's share of the mean: the mean is the sum over all slabs.
        """
        first, last = self._selected_between(lo, lo + len(owned))
        x, y, z = self.ranges
        planes = slice(0)
        if last > first:
            planes = slice(x.start + first * x.step - lo, x.start + last * x.step - lo, x.step)
        chosen = owned[planes, y.start : y.stop : y.step, z.start : z.stop : z.step]
        if self.mean is None:
            return chosen
        axis = AXES.index(self.mean)
        return chosen.sum(axis=axis, keepdims=True) / len(self.ranges[axis])

    def describe(self) -> str:
        """Describe the selection in words, such as ``mean over z``."""
        if self.mean is not None:
            return f"mean over {self.mean}"
        if math.prod(self.grid.shape) == self.box.voxels:
            return "all voxels"
        flat = [a for a in range(3) if len(self.ranges[a]) == 1 < self.box.shape[a]]
        if len(flat) != 1:
            return "part of the box"
        x, y, z = self.ranges
        centre = self.box.centre(x.start, y.start, z.start)
        return f"slice at {AXES[flat[0]]} = {centre[flat[0]]:g} um"
