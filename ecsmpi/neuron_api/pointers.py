"""NEURON's pointers (``seg._ref_v``) that a script hands over: what they lead to, and many at once.

NEURON shows a pointer as text: ``data_handle`` or ``<hoc ref`` begin a valid one, and ``row=``
stands in one that leads to a variable of a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecsmpi.neuron_api.interpreter import hoc, n

_VALID = "data_handle", "<hoc ref"
_IN_CELL = "row="


def is_pointer(thing: Any) -> bool:
    """Whether a thing is one of NEURON's objects, as its pointers are."""
    return isinstance(thing, hoc.HocObject)


def leads_into_a_cell(pointer: Any) -> bool:
    """Whether a pointer leads to a variable of this rank's cells."""
    return _IN_CELL in repr(pointer)


def exists(pointer: Any) -> bool:
    """Whether the variable that a pointer leads to exists."""
    try:
        if repr(pointer).startswith(_VALID):
            pointer[0]
            return True
    except ValueError:
        pass
    return False


class PointerValues:
    """The values of several pointers, read by one call of NEURON."""

    def __init__(self, pointers: Sequence[Any]):
        self._handles: Any = None
        self._values = np.zeros(0)
        if pointers:
            self._handles = n.PtrVector(len(pointers))
            self._vector = n.Vector(len(pointers))
            self._values = self._vector.as_numpy()
        for place, pointer in enumerate(pointers):
            self._handles.pset(place, pointer)

    def read(self) -> np.ndarray:
        """(pointers,) values now; the same buffer each time."""
        if self._handles is not None:
            self._handles.gather(self._vector)
        return self._values


def pointer_to(variable: str):
    """NEURON's pointer to a variable of hoc, such as ``t``, whose [0] is the value. Local."""
    return getattr(n, f"_ref_{variable}")
