"""A straight line through a box: which voxels it crosses, and how far along."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecsmpi.description.grid import AXES, Box, finite

SAME = 1e-9  # of a voxel's edge: two crossings that are nearer to each other are one


@dataclass(frozen=True)
class Line:
    """A line from one point to another, cut where it leaves a voxel.

    Parameters
    ----------
    voxels : (m, 3) int
        Numbers of the voxels in their order.
    distance : (m + 1,) float
        Where the line enters the first voxel, each further one, and where it ends, in um from its
        beginning.
    """

    voxels: np.ndarray
    distance: np.ndarray

    @classmethod
    def through(cls, box: Box, ends: Any) -> Line:
        """Return the line between two points of a box.

        ends: (x0, y0, z0, x1, y1, z1) in um.

        Raises ValueError where an end is outside the box, or both are the same.
        """
        if not hasattr(ends, "__len__") or len(ends) != 6 or isinstance(ends, str):
            raise ValueError(f"a line is X0 Y0 Z0 X1 Y1 Z1 in um, got {ends!r}")
        numbers = [finite("a coordinate of the line", one) for one in ends]
        start, stop = np.array(numbers[:3]), np.array(numbers[3:])
        for point in (start, stop):
            for axis, coordinate, lo, hi in zip(AXES, point, box.lo, box.hi):
                if not lo <= coordinate <= hi:
                    raise ValueError(
                        f"{axis} = {coordinate:g} um of the line is outside the box: "
                        f"{axis} goes from {lo:g} to {hi:g} um"
                    )
        length = float(np.linalg.norm(stop - start))
        if length == 0:
            raise ValueError(f"the line begins and ends at the same point, {tuple(numbers[:3])} um")
        cuts = length * _cuts(box, start, stop)
        kept = np.diff(cuts) > SAME * min(box.spacing)
        distance = np.append(cuts[:-1][kept], length)
        distance[0] = 0.0
        middle = (distance[1:] + distance[:-1]) / 2
        places = start + np.outer(middle / length, stop - start)
        numbered = np.floor((places - box.lo) / box.spacing).astype(int)
        return cls(np.clip(numbered, 0, np.array(box.shape) - 1), distance)

    def runs(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield (first, last) voxel of the pieces in which only one of their numbers changes.

        A file can read such a piece at once.
        """
        begin = 0
        for end in range(1, len(self.voxels) + 1):
            changed = 0
            if end < len(self.voxels):
                piece = self.voxels[begin : end + 1]
                changed = int((piece != piece[0]).any(axis=0).sum())
            if end == len(self.voxels) or changed > 1:
                yield self.voxels[begin], self.voxels[end - 1]
                begin = end


def _cuts(box: Box, start: np.ndarray, stop: np.ndarray) -> np.ndarray:
    """Where the line crosses faces of voxels, 0 to 1, in order, with both ends."""
    cuts = [np.array([0.0, 1.0])]
    for a in range(3):
        faces = box.lo[a] + box.spacing[a] * np.arange(box.shape[a] + 1)
        low, high = sorted((start[a], stop[a]))
        inside = faces[(faces > low) & (faces < high)]
        if len(inside):
            cuts.append((inside - start[a]) / (stop[a] - start[a]))
    return np.sort(np.concatenate(cuts))
