"""A range variable of all segments, such as ``ko``, read and written where NEURON keeps it.

NEURON holds a variable of all instances of a mechanism in one column of memory. It moves instances,
and the column, only where its structure changes, which `structure.structure_counts` tells. Segments
then have other rows.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from ecsmpi.neuron_api import library, symbols
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.sections import model_sections

VALUE = ctypes.sizeof(ctypes.c_double)  # bytes

_hoc_symbol = library.function(symbols.HOC_SYMBOL, ctypes.c_void_p, ctypes.c_char_p)
_accessed_section = library.function(symbols.ACCESSED_SECTION, ctypes.c_void_p)
_push_variable = library.function(
    symbols.PUSH_RANGE_VARIABLE, None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_double
)
_pop_address = library.function(symbols.POP_ADDRESS, ctypes.c_void_p)


class RangeVariable:
    """One range variable of all segments of this rank, or of the segments of some sections.

    It keeps no section alive. It is dead once `structure_counts` move: then make a new one.

    Parameters
    ----------
    name : such as ``ko``
    sections : whose segments; None for all, in the order of `sections.model_sections`

    Attributes
    ----------
    column : NEURON's memory, from the first of the segments' values to the last; writing to it sets
        the variable
    rows : (segments,) where in the column each segment's value lies

    Raises
    ------
    ValueError where a section has no such variable.
    """

    def __init__(self, name: str, sections: Iterable[Any] | None = None):
        places = list(_places(name, model_sections() if sections is None else sections))
        # Looked up once: NEURON's search takes the longer, the more ions there are.
        hoc_symbol = _hoc_symbol(name.encode()) if places else None
        address = np.array([_address(hoc_symbol, *place) for place in places], dtype=np.int64)
        first = int(address.min(initial=2**63 - 1))
        last = int(address.max(initial=0))
        self.rows = ((address - first) // VALUE).astype(np.uint32)
        self.column = memory(first, (last - first) // VALUE + 1) if places else np.zeros(0)

    def values(self) -> np.ndarray:
        """(segments,) the values now, a copy."""
        return self.column[self.rows]

    def memory_of(self, segments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """NEURON's memory, and the rows in it, of some segments given by number.

        Where the segments' values follow each other, the memory is that piece of the column and the
        rows are empty.
        """
        rows = self.rows[segments]
        if rows.size and (np.diff(rows.astype(np.int64)) == 1).all():
            return self.column[rows[0] : rows[0] + rows.size], rows[:0]
        return self.column, rows

    def is_all_of_column(self) -> bool:
        """Whether the column holds the segments' values and no others."""
        return 0 < self.rows.size == self.column.size

    def column_of(self, name: str) -> np.ndarray:
        """The column of another variable of the same mechanism; instances have the same rows."""
        section, x = next(_places(name, model_sections()))
        first = _address(_hoc_symbol(name.encode()), section, x)
        return memory(first - VALUE * int(self.rows[0]), self.column.size)

    def fill(self, value: float) -> None:
        """Set the variable of every segment."""
        self.column[self.rows] = value


def _address(hoc_symbol: int | None, section: int, x: float) -> int:
    """Where NEURON keeps the variable of a hoc Symbol, at a place along a section."""
    _push_variable(hoc_symbol, section, x)
    return _pop_address()


def _places(name: str, sections: Iterable[Any]) -> Iterator[tuple[int, float]]:
    """(pointer to the section, place along it) of every segment."""
    for sec in sections:
        first = next(iter(sec))
        if not hasattr(first, name):
            raise ValueError(f"{first} has no {name}: insert its mechanism in {sec}")
        sec.push()
        pointer = _accessed_section()
        n.pop_section()
        for i in range(sec.nseg):
            yield pointer, (i + 0.5) / sec.nseg


def memory(address: int, count: int) -> np.ndarray:
    """``count`` doubles of NEURON's memory, as an array over them."""
    return np.ctypeslib.as_array((ctypes.c_double * count).from_address(address))
