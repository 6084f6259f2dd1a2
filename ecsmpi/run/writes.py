"""Concentrations that a script has set on this rank, until the gate before the next change brings
them into the fields.

Until then they are laid over what this rank reads, and other ranks read what was there before. At
the gate, where all ranks have set the same voxels to the same values, as scripts mostly do, each
sets its own planes. Where they have not, what a rank has set in the planes of another one goes
there (`apart`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from ecsmpi.description.voxels import Voxels

Planes = tuple[int, int]
SOME = 1 << 33  # `Writes.difference` has this bit where there are writes at all


class Write:
    """Voxels of one field that were set by one call.

    Attributes
    ----------
    is_done : whether this rank's own planes have the values already
    moment : how many steps of NEURON's this rank had begun by then
    """

    moment = 0

    def __init__(self, voxels: Voxels, values_in: Callable, stays: str = ""):
        """values_in: (planes [lo, hi), places among the voxels, voxels there) -> mM, one number or
        one for each voxel there.

        stays: what it is known by, where it gives the same values at any later time, as a file
        does.
        """
        self._voxels, self._values_in, self.is_done = voxels, values_in, False
        self._known_by = np.frombuffer(stays.encode(), dtype=np.uint8) if stays else None

    @classmethod
    def of(cls, voxels: Voxels, values: np.ndarray) -> Write:
        """values: mM, () or (voxels,); they stay as they are."""
        made = cls(
            voxels, lambda _planes, places, _there: values[places] if values.ndim else values
        )
        made._known_by = values
        return made

    def at_once(self) -> Write:
        """The same, with the values that a function of the script gives now: it may give others
        later. Local.
        """
        if self._known_by is not None:
            return self
        box = self._voxels.box
        everywhere = slice(0, len(self._voxels))
        return Write.of(self._voxels, self._values_in((0, box.shape[0]), everywhere, self._voxels))

    def within(self, planes: Planes) -> tuple:
        """(flat indices into the planes, values there (mM)) of the voxels that lie in x-planes [lo,
        hi).
        """
        places, local = self._voxels.within(planes)
        return local, self._values_in(planes, places, self._voxels[places])

    def among(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(voxels, their values (mM)) of some voxels, by their flat indices, that were set; the
        last one of a voxel counts.
        """
        index, values = self.within((0, self._voxels.box.shape[0]))
        if isinstance(index, slice):
            return flat, np.broadcast_to(values, self._voxels.box.voxels)[flat]
        inside = np.flatnonzero(np.isin(index, flat))
        return index[inside], np.broadcast_to(values, index.shape)[inside]

    def apply(self, slab: np.ndarray, planes: Planes) -> None:
        """Set a slab (n, ny, nz), which has the planes [lo, hi) of the box."""
        local, values = self.within(planes)
        slab.reshape(-1)[local] = values

    def digest(self, start: int) -> int:
        """Goes on from the digest ``start``; the same for the same values in the same voxels."""
        index = self._voxels.index
        if isinstance(index, range):
            index = np.array([index.start, index.stop, index.step])
        return _digest(start, index, self._known_by)


class OneByOne:
    """Voxels that were set by calls for one voxel each; otherwise as `Write`."""

    def __init__(self, plane: int, is_done: bool, moment: int):
        """plane: voxels of a plane of the box."""
        self._plane, self._index, self._values, self.is_done = plane, [], [], is_done
        self.moment = moment

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

    def digest(self, start: int) -> int:
        """As `Write.digest`."""
        return _digest(start, np.array(self._index), np.array(self._values))


class Writes:
    """The writes of this rank since the gate, by the field that they concern."""

    def __init__(self):
        self._of: dict[tuple, list] = {}

    def of(self, field: tuple) -> list:
        """The writes to a field, in their order."""
        return self._of.get(field, [])

    def add(self, field: tuple, write: Write) -> None:
        """Keep one."""
        self._of.setdefault(field, []).append(write)

    def add_one(
        self, field: tuple, plane: int, flat: int, value: float, is_done: bool, moment: int
    ) -> None:
        """Keep one of one voxel; plane: voxels of a plane of the box. is_done, moment: as of
        `Write`.
        """
        writes = self._of.setdefault(field, [])
        last = writes[-1] if writes else None
        if type(last) is not OneByOne or (last.is_done, last.moment) != (is_done, moment):
            writes.append(OneByOne(plane, is_done, moment))
        writes[-1].add(flat, value)

    def difference(self, fields: list[tuple]) -> int:
        """A number that is the same on two ranks that have set the same in some fields; 0 where
        nothing was set. Local.

        fields: in an order that is the same on all ranks. What was set in others is of this rank
        alone.
        """
        if not self._of:
            return 0
        found = 0
        for number, field in enumerate(fields):
            for write in self._of.get(field, ()):
                found = write.digest(_digest(found, np.array([number]), np.zeros(0))) | SOME
        return found

    def keep(self, fields: list[tuple]) -> None:
        """Forget what was set in other fields than these, which are gone. Local."""
        self._of = {field: writes for field, writes in self._of.items() if field in fields}

    def clear(self, fields: list[tuple]) -> None:
        """All ranks have what was set in these fields, which are all of the plan."""
        for field in fields:
            self._of.pop(field, None)


def _digest(start: int, index: np.ndarray, values: np.ndarray) -> int:
    """Goes on from the digest ``start`` with voxels and their values."""
    where = np.ascontiguousarray(index, dtype=np.int64)
    what = np.ascontiguousarray(values, dtype=float)
    return zlib.crc32(what, zlib.crc32(where, start & 0xFFFFFFFF))
