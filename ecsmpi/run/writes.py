"""Concentrations that a script has set on this rank and that are not in the fields yet.

The gate before the next change brings them there. Until then they are laid over what this rank
reads, and other ranks read what was there before. Where all ranks have set the same voxels to the
same values, as scripts mostly do, each rank sets its own planes at the gate. Otherwise, what a rank
has set in the planes of another rank goes there (`differing_writes`).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

from ecsmpi.description.voxels import Voxels

Planes = tuple[int, int]
# (planes [lo, hi), places among the voxels, voxels there) -> mM, one number or one for each voxel
Values = Callable[[Planes, Any, Voxels], np.ndarray]
SOME = 1 << 33  # `Writes.difference` has this bit if there are writes at all
NOTHING = np.zeros(0)


class Write:
    """Voxels of one field that were set by one call.

    Parameters
    ----------
    voxels : Voxels
        Those that are set.
    values_in : callable
        (planes [lo, hi), places among the voxels, voxels there) -> mM, one number or one for each
        voxel there.
    name : str
        Name of values that stay the same at any later time, such as those of a file.

    Attributes
    ----------
    is_done : bool
        Whether this rank's own planes have the values already.
    moment : int
        How many of NEURON's steps this rank had begun by then.
    """

    moment = 0

    def __init__(self, voxels: Voxels, values_in: Values, name: str = ""):
        self._voxels = voxels
        self._values_in = values_in
        self.is_done = False
        self._known_by: np.ndarray | None = None  # tells different values apart
        if name:
            self._known_by = np.frombuffer(name.encode(), dtype=np.uint8)

    @classmethod
    def of(cls, voxels: Voxels, values: np.ndarray) -> Write:
        """A write of values () or (voxels,) in mM, which stay as they are."""
        if values.ndim:
            made = cls(voxels, lambda _planes, places, _there: values[places])
        else:
            made = cls(voxels, lambda _planes, _places, _there: values)
        made._known_by = values
        return made

    def at_once(self) -> Write:
        """The write with the values that the script's function gives now. Local.

        The function may give other values later.
        """
        if self._known_by is not None:
            return self
        box = self._voxels.box
        everywhere = slice(0, len(self._voxels))
        return Write.of(self._voxels, self._values_in((0, box.shape[0]), everywhere, self._voxels))

    def within(self, planes: Planes) -> tuple:
        """(flat indices into the planes, values (mM)) of the voxels in the x-planes [lo, hi)."""
        places, local = self._voxels.within(planes)
        return local, self._values_in(planes, places, self._voxels[places])

    def among(self, flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(voxels, values (mM)) of those voxels of some flat indices that were set.

        The last value of a voxel counts.
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
        """Go on from the digest ``start``; equal for equal values in the same voxels."""
        index = self._voxels.index
        if isinstance(index, range):
            index = np.array([index.start, index.stop, index.step])
        return _digest(start, index, self._known_by)


class OneByOne:
    """Voxels that were set by calls for one voxel each; otherwise like a `Write`.

    plane: voxels of a plane of the box.
    """

    def __init__(self, plane: int, is_done: bool, moment: int):
        self._plane = plane
        self.is_done = is_done
        self.moment = moment
        self._index: list[int] = []
        self._values: list[float] = []

    def add(self, flat: int, value: float) -> None:
        """Add one voxel by its flat index into the box (C order) and its value (mM)."""
        self._index.append(flat)
        self._values.append(value)

    def within(self, planes: Planes) -> tuple:
        """See `Write.within`; of a voxel that was set twice the last value counts."""
        index = np.array(self._index, dtype=np.int64)
        first = planes[0] * self._plane
        end = planes[1] * self._plane
        inside = np.flatnonzero((index >= first) & (index < end))
        return index[inside] - first, np.array(self._values)[inside]

    def apply(self, slab: np.ndarray, planes: Planes) -> None:
        """Set a slab (n, ny, nz), which has the planes [lo, hi) of the box."""
        local, values = self.within(planes)
        slab.reshape(-1)[local] = values

    def digest(self, start: int) -> int:
        """See `Write.digest`."""
        return _digest(start, np.array(self._index), np.array(self._values))


class Writes:
    """The writes of this rank since the gate, by the field that they concern."""

    def __init__(self):
        self._of: dict[Hashable, list] = {}

    def of(self, field: Hashable) -> list:
        """The writes to a field, in their order."""
        return self._of.get(field, [])

    def add(self, field: Hashable, write: Write) -> None:
        """Keep a write."""
        self._of.setdefault(field, []).append(write)

    def add_one(
        self, field: Hashable, plane: int, flat: int, value: float, is_done: bool, moment: int
    ) -> None:
        """Keep a write of one voxel.

        plane: voxels of a plane of the box. For is_done and moment see `Write`.
        """
        writes = self._of.setdefault(field, [])
        last = writes[-1] if writes else None
        if type(last) is not OneByOne or (last.is_done, last.moment) != (is_done, moment):
            writes.append(OneByOne(plane, is_done, moment))
        writes[-1].add(flat, value)

    def difference(self, fields: list) -> int:
        """A number that is equal on ranks that have set the same; 0 if nothing was set. Local.

        fields: in an order that is the same on all ranks. What was set in other fields concerns
        this rank alone.
        """
        if not self._of:
            return 0
        found = 0
        for number, field in enumerate(fields):
            for write in self._of.get(field, ()):
                found = write.digest(_digest(found, np.array([number]), NOTHING)) | SOME
        return found

    def keep(self, fields: list) -> None:
        """Forget what was set in other fields than these, which are gone. Local."""
        self._of = {field: writes for field, writes in self._of.items() if field in fields}

    def clear(self, fields: list) -> None:
        """Forget what was set in these fields of the plan: all ranks have it. Local."""
        for field in fields:
            self._of.pop(field, None)


def _digest(start: int, index: np.ndarray, values: np.ndarray | None) -> int:
    """Go on from the digest ``start`` with voxels and their values."""
    where: Any = np.ascontiguousarray(index, dtype=np.int64)
    what: Any = np.ascontiguousarray(values, dtype=float)
    return zlib.crc32(what, zlib.crc32(where, start & 0xFFFFFFFF))
