"""Concentrations that a script sets on this rank, kept until all ranks have them.

Each rank sets its own planes at once. Where all ranks make the same calls, as scripts mostly do, that is all. Where they do
not, the gate before the next step finds that out, and what a rank has set in planes of another one goes there.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Callable

import numpy as np

from ecsmpi.description.voxels import Voxels

Planes = tuple[int, int]


@dataclass(frozen=True)
class Write:
    """Voxels that were set by one call.

    voxels: of one species in one region. values_in: (planes [lo, hi), places among the voxels, voxels there) -> mM, one number or
    one for each voxel there.
    """

    voxels: Voxels
    values_in: Callable

    def within(self, planes: Planes) -> tuple:
        """(flat indices into the planes, values there (mM)) of the voxels that lie in x-planes [lo, hi)."""
        places, local = self.voxels.within(planes)
        return local, self.values_in(planes, places, self.voxels[places])

    def apply(self, slab: np.ndarray, planes: Planes) -> None:
        """Set a slab (n, ny, nz), which has the planes [lo, hi) of the box."""
        local, values = self.within(planes)
        slab.reshape(-1)[local] = values


class Writes:
    """The writes of this rank since the gate, by the field that they concern.

    difference: a number that is the same on two ranks that have made the same calls.
    """

    def __init__(self):
        self._of: dict[tuple, list[Write]] = {}
        self.difference = 0

    def __bool__(self) -> bool:
        return bool(self._of)

    def of(self, field: tuple) -> list[Write]:
        """The writes to a field, in their order."""
        return self._of.get(field, [])

    def add(self, field: tuple, number: int | None, write: Write) -> None:
        """Keep one. number: that of the field, alike on all ranks, or None for one that other ranks may not have."""
        self._of.setdefault(field, []).append(write)
        if number is not None:
            self.difference = zlib.crc32(_known_by(number, write.voxels), self.difference)

    def clear(self) -> None:
        """All ranks have them."""
        self._of.clear()
        self.difference = 0


def _known_by(number: int, voxels: Voxels) -> bytes:
    index = voxels.index
    if isinstance(index, range):
        return b"%d %d %d %d" % (number, index.start, index.stop, index.step)
    return b"%d " % number + np.ascontiguousarray(index, dtype=np.int64).tobytes()
