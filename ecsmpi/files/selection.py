"""Which voxels of a box are written, where they lie, and which of them each rank has: no file here
and no MPI.
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

    What is selected is again a grid, which may be coarser; a mean has one voxel along its axis.
    """

    box: Box
    ranges: tuple[range, range, range]
    mean: str | None = None

    @classmethod
    def whole(cls, box: Box) -> Selection:
        """All voxels."""
        return cls(box, tuple(map(range, box.shape)))

    @property
    def mean_axis(self) -> int | None:
        """0, 1 or 2, or None where nothing is averaged."""
        return None if self.mean is None else AXES.index(self.mean)

    @cached_property
    def grid(self) -> Box:
        """The box that the selected voxels fill; a voxel of every second one is twice as long."""
        edges = [h * chosen.step for h, chosen in zip(self.box.spacing, self.ranges)]
        counts = [len(chosen) for chosen in self.ranges]
        if self.mean is not None:
            a = self.mean_axis
            edges[a], counts[a] = edges[a] * counts[a], 1
        lo = [
            low + h * (chosen.start + 0.5 * (1 - chosen.step))
            for low, h, chosen in zip(self.box.lo, self.box.spacing, self.ranges)
        ]
        return Box(tuple(lo), tuple(edges), tuple(counts))

    def planes(self, lo: int, hi: int) -> tuple[int, int]:
        """The planes of the grid that come from planes [lo, hi) of the box; a mean over x belongs
        to its first plane.
        """
        first, last = self._within(lo, hi)
        return (0, int(first == 0 and last > 0)) if self.mean == "x" else (first, last)

    def _within(self, lo: int, hi: int) -> tuple[int, int]:
        chosen = self.ranges[0]
        return tuple(
            min(max(0, -((chosen.start - plane) // chosen.step)), len(chosen)) for plane in (lo, hi)
        )

    def take(self, owned: np.ndarray, lo: int) -> np.ndarray:
        """The selected voxels of a slab: (planes, ny, nz) of the grid, from owned (n, box ny, box
        nz), from plane lo on.

        A view, or the mean. A mean over x is this slab's part of it, of one plane: the mean is the
        sum of all slabs' parts.
        """
        first, last = self._within(lo, lo + len(owned))
        x, y, z = self.ranges
        x = (
            slice(x.start + first * x.step - lo, x.start + last * x.step - lo, x.step)
            if last > first
            else slice(0)
        )
        chosen = owned[x, y.start : y.stop : y.step, z.start : z.stop : z.step]
        if self.mean is None:
            return chosen
        return chosen.sum(axis=self.mean_axis, keepdims=True) / len(self.ranges[self.mean_axis])

    def describe(self) -> str:
        """In words, such as ``mean over z``."""
        if self.mean is not None:
            return f"mean over {self.mean}"
        if math.prod(self.grid.shape) == self.box.voxels:
            return "all voxels"
        flat = [a for a in range(3) if len(self.ranges[a]) == 1 < self.box.shape[a]]
        if len(flat) == 1:
            a = flat[0]
            return (
                f"slice at {AXES[a]} = {self.box.centre(*[r.start for r in self.ranges])[a]:g} um"
            )
        return "part of the box"
