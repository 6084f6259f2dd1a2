"""Ordered sets of voxels of a box, of which lists of nodes are made: integers and coordinates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecsmpi.description.grid import Box

BATCH = 65536  # voxels whose indices become Python's integers at a time


class Voxels:
    """Some voxels of a box, in an order.

    Parameters
    ----------
    box : Box
    index : range or (voxels,) int, optional
        Their flat indices (C order); None for all voxels of the box, in order. A range takes no
        memory, however long it is.
    """

    def __init__(self, box: Box, index: range | np.ndarray | None = None):
        self.box = box
        self.index = range(box.voxels) if index is None else index

    @classmethod
    def joined(cls, some: Voxels, others: Voxels) -> Voxels:
        """The voxels of one set, then those of another one of the same box."""
        return cls(some.box, np.concatenate([some.array(), others.array()]))

    def __len__(self) -> int:
        return len(self.index)

    def ijk(self) -> Iterator[tuple[int, int, int]]:
        """(i, j, k) of each voxel, one by one."""
        for begin in range(0, len(self), BATCH):
            batch = self[begin : begin + BATCH].array()
            i, j, k = np.unravel_index(batch, self.box.shape)
            yield from zip(i.tolist(), j.tolist(), k.tolist())

    def only(self, flat: int) -> Voxels:
        """The voxel with a flat index, as often as it is in this set; maybe never."""
        if isinstance(self.index, range):
            return Voxels(self.box, range(flat, flat + (flat in self.index)))
        return self[self.index == flat]

    def __getitem__(self, chosen: slice | np.ndarray) -> Voxels:
        """The voxels at a slice, or at an integer or Boolean array."""
        if not isinstance(chosen, slice):
            return Voxels(self.box, self.array()[chosen])
        return Voxels(self.box, self.index[chosen])

    @property
    def whole(self) -> bool:
        """Whether these are all voxels of the box, in order."""
        return isinstance(self.index, range) and self.index == range(self.box.voxels)

    def array(self) -> np.ndarray:
        """(voxels,) flat indices."""
        index = self.index
        return np.arange(index.start, index.stop, index.step) if isinstance(index, range) else index

    def centres(self, axis: int) -> np.ndarray:
        """(voxels,) coordinates of the centres along an axis (um)."""
        box = self.box
        line: np.ndarray = box.lo[axis] + (np.arange(box.shape[axis]) + 0.5) * box.spacing[axis]
        if self.whole:
            aligned = line.reshape([-1 if a == axis else 1 for a in range(3)])
            return np.broadcast_to(aligned, box.shape).reshape(-1)
        along_axis: np.ndarray = np.unravel_index(self.array(), box.shape)[axis]
        found: np.ndarray = line[along_axis]
        return found

    def within(self, planes: tuple[int, int]) -> tuple[slice | np.ndarray, slice | np.ndarray]:
        """The voxels in the x-planes [lo, hi).

        Returns
        -------
        places
            Where these voxels stand in this set.
        flat
            Their flat indices into the planes.
        """
        plane = self.box.plane
        first, last = planes[0] * plane, planes[1] * plane
        if self.whole:
            return slice(first, last), slice(0, last - first)
        index = self.array()
        places = np.flatnonzero((index >= first) & (index < last))
        return places, index[places] - first
