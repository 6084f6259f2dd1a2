"""Concentrations that a script has set on this rank, until the gate before the next change brings them into the fields.

Until then they are laid over what this rank reads, and other ranks read what was there before. At the gate, where all
ranks have made the same calls, as scripts mostly do, each sets its own planes. Where they have not, what a rank has set
in the planes of another one goes there.
"""

from __future__ import annotations

import zlib
from typing import Callable

import numpy as np

from ecsmpi.description.voxels import Voxels

Planes = tuple[int, int]
SOME = 1 << 33  # `Writes.difference` has this bit where there are writes at all


class Write:
    """Voxels of one field that were set by one call.

    Attributes
    ----------
    is_done : whether this rank's own planes have the values already
    """

    def __init__(self, voxels: Voxels, values_in: Callable):
        """values_in: (planes [lo, hi), places among the voxels, voxels there) -> mM, one number or one for each voxel there."""
        self._voxels, self._values_in, self.is_done = voxels, values_in, False

    def within(self, planes: Planes) -> tuple:
        """(flat indices into the planes, values there (mM)) of the voxels that lie in x-planes [lo, hi)."""
        places, local = self._voxels.within(planes)
        return local, self._values_in(planes, places, self._voxels[places])

    def apply(self, slab: np.ndarray, planes: Planes) -> None:
        """Set a slab (n, ny, nz), which has the planes [lo, hi) of the box."""
        local, values = self.within(planes)
        slab.reshape(-1)[local] = values

    def known_by(self) -> bytes:
        """The same for the same voxels."""
        index = self._voxels.index
        if isinstance(index, range):
            return b"%d %d %d" % (index.start, index.stop, index.step)
        return np.ascontiguousarray(index, dtype=np.int64).tobytes()


class OneByOne:
    """Voxels that were set by calls for one voxel each; otherwise as `Write`."""

    def __init__(self, plane: int, is_done: bool):
        """plane: voxels of a plane of the box."""
        self._plane, self._index, self._values, self.is_done = plane, [], [], is_done

    def add(self, flat: int, value: float) -> None:
        """One more, by its flat index into the box (C order) and its value (mM)."""
        self._index.append(flat)
        self._values.append(value)

    def within(self, planes: Planes) -> tuple:
        """As `Write.within`; of a voxel that was set twice the last value counts."""
        index, first = np.array(self._index, dtype=np.int64), planes[0] * self._plane
        inside = np.flatnonzero((index >= first) & (index < planes[1] * self._plane))
        return index[inside] - first, np.array(self._values)[inside]

    apply = Write.apply


class Writes:
    """The writes of this rank since the gate, by the field that they concern.

    Attributes
    ----------
    difference : a number that is the same on two ranks that have made the same calls; 0 where there are none
    """

    def __init__(self):
        self._of: dict[tuple, list] = {}
        self.difference = 0

    def of(self, field: tuple) -> list:
        """The writes to a field, in their order."""
        return self._of.get(field, [])

    def add(self, field: tuple, number: int | None, write: Write) -> None:
        """Keep one. number: that of the field, the same on all ranks, or None for one that other ranks may not have."""
        self._of.setdefault(field, []).append(write)
        if number is not None:
            self._note(b"%d " % number + write.known_by())

    def add_one(
        self, field: tuple, number: int | None, plane: int, flat: int, value: float, is_done: bool
    ) -> None:
        """Keep one of one voxel; plane: voxels of a plane of the box. is_done: as of `Write`."""
        writes = self._of.setdefault(field, [])
        if not writes or type(writes[-1]) is not OneByOne or writes[-1].is_done != is_done:
            writes.append(OneByOne(plane, is_done))
        writes[-1].add(flat, value)
        if number is not None:
            self._note(b"%d %d" % (number, flat))

    def _note(self, what: bytes) -> None:
        self.difference = zlib.crc32(what, self.difference & 0xFFFFFFFF) | SOME

    def clear(self, fields: list[tuple]) -> None:
        """All ranks have what was set in these fields, which are all that have numbers."""
        for field in fields:
            self._of.pop(field, None)
        self.difference = 0
