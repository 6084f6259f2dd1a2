"""One frame of a species as the scene draws it: its voxels, some of them, and their faces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.description.grid import Box


@dataclass(frozen=True)
class Field:
    """Concentrations in the voxels of a box.

    Parameters
    ----------
    box : Box
        The grid, in um.
    values : ndarray
        (x, y, z) in mM; NaN where there is none.
    """

    box: Box
    values: np.ndarray

    @property
    def has_depth(self) -> bool:
        """Whether there are at least two voxels along each axis."""
        return min(self.box.shape) > 1

    def centre(self, axis: int, layer: int) -> float:
        """Return the coordinate (um) of the centres of a layer of voxels."""
        return self.box.lo[axis] + (layer + 0.5) * self.box.spacing[axis]

    def voxel_at(self, point) -> tuple[int, int, int]:
        """Return the indices of the voxel that holds a point (um), or of the nearest one."""
        found = []
        for a in range(3):
            index = int(np.floor((point[a] - self.box.lo[a]) / self.box.spacing[a]))
            found.append(min(max(index, 0), self.box.shape[a] - 1))
        return found[0], found[1], found[2]

    def thinned(self, most: int) -> tuple[Field, int]:
        """Return the field with at most ``most`` voxels, and its stride.

        With a stride of 2 it has every second voxel along each axis. A voxel that is kept lies in
        the middle of its larger voxel.
        """
        stride = 1
        while self._count(stride) > most:
            stride += 1
        if stride == 1:
            return self, 1
        lo, spacing = [], []
        for a in range(3):
            h = self.box.spacing[a]
            lo.append(self.box.lo[a] + 0.5 * h * (1 - stride))
            spacing.append(h * stride)
        values = self.values[::stride, ::stride, ::stride]
        nx, ny, nz = values.shape
        box = Box((lo[0], lo[1], lo[2]), (spacing[0], spacing[1], spacing[2]), (nx, ny, nz))
        return Field(box, values), stride

    def _count(self, stride: int) -> int:
        count = 1
        for edge in self.box.shape:
            count *= -(-edge // stride)
        return count


def faces_of(mask: np.ndarray, box: Box) -> tuple[np.ndarray, np.ndarray]:
    """Return the squares that enclose the voxels of a mask.

    Parameters
    ----------
    mask : ndarray
        (x, y, z): the voxels.
    box : Box
        Their grid.

    Returns
    -------
    corners : ndarray
        (faces, 4, 3) in um, around each face.
    voxels : ndarray
        (faces, 3): the voxel of the mask behind each face.
    """
    corners, voxels = [], []
    for axis in range(3):
        ends = [(1, 1) if a == axis else (0, 0) for a in range(3)]
        steps = np.diff(np.pad(mask, ends).astype(np.int8), axis=axis)
        entering = np.argwhere(steps == 1)
        leaving = np.argwhere(steps == -1)
        behind = leaving.copy()
        behind[:, axis] -= 1
        corners.append(_squares(np.concatenate([entering, leaving]), axis, box))
        voxels.append(np.concatenate([entering, behind]))
    return np.concatenate(corners), np.concatenate(voxels)


def _squares(at: np.ndarray, axis: int, box: Box) -> np.ndarray:
    """Corners (n, 4, 3) of the squares across an axis whose least corners have indices (n, 3)."""
    first, second = (a for a in range(3) if a != axis)
    around = np.zeros((4, 3), dtype=int)
    around[1:3, first] = 1
    around[2:4, second] = 1
    indices = at[:, None, :] + around
    return np.asarray(box.lo) + indices * np.asarray(box.spacing)
