"""Sets of voxels of a box, in an order: what lists of nodes are made of. Integers and coordinates,
nothing else.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.grid import Box

BATCH = 65536  # voxels whose indices are Python's at a time


class Voxels:
    """Some voxels of a box by their flat index (C order): a range, so that a whole box costs
    nothing, or an array.
    """

    def __init__(self, box: Box, index: range | np.ndarray | None = None):
        """index: None for all voxels of the box, in order."""
        self.box, self.index = box, range(box.voxels) if index is None else index

    @classmethod
    def joined(cls, some: Voxels, others: Voxels) -> Voxels:
        """These voxels and then those, of one box."""
        return cls(some.box, np.concatenate([some.array(), others.array()]))

    def __len__(self) -> int:
        return len(self.index)

    def ijk(self):
        """(i, j, k) of each, one by one."""
        for begin in range(0, len(self), BATCH):
            batch = np.unravel_index(self[begin : begin + BATCH].array(), self.box.shape)
            yield from zip(*(index.tolist() for index in batch))

    def only(self, flat: int) -> Voxels:
        """Those of these that are the voxel of a flat index: one or, where it is not among them,
        none.
        """
        if isinstance(self.index, range):
            return Voxels(self.box, range(flat, flat + (flat in self.index)))
        return self[self.index == flat]

    def __getitem__(self, chosen) -> Voxels:
        """Those at a slice, or at an integer or Boolean array."""
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
        line = box.lo[axis] + (np.arange(box.shape[axis]) + 0.5) * box.spacing[axis]
        if self.whole:
            aligned = line.reshape([-1 if a == axis else 1 for a in range(3)])
            return np.broadcast_to(aligned, box.shape).reshape(-1)
        return line[np.unravel_index(self.array(), box.shape)[axis]]

    def within(self, planes: tuple[int, int]) -> tuple:
        """Which of these lie in the x-planes [lo, hi): (their places in this set, flat indices into
        the planes).
        """
        plane = self.box.plane
        first, last = planes[0] * plane, planes[1] * plane
        if self.whole:
            return slice(first, last), slice(0, last - first)
        index = self.array()
        places = np.flatnonzero((index >= first) & (index < last))
        return places, index[places] - first
