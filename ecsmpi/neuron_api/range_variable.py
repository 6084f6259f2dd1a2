"""A range variable of all segments, such as ``ko``, read and written where NEURON keeps it.

NEURON holds a variable of all instances of a mechanism in one column of memory. It moves instances,
and the column, only where its structure changes, which `membrane.structure_counts` tells; segments
then have other rows.
"""

from __future__ import annotations

import ctypes
import functools

import numpy as np

from ecsmpi.cells import recorder
from ecsmpi.neuron_api.interpreter import n, neuron

VALUE = ctypes.sizeof(ctypes.c_double)


def neurons_function(name: str, result, *arguments):
    """A function of NEURON's by its name in the library, such as those of its C interface
    (neuronapi.h). Raises AttributeError without it.
    """
    function = neuron.nrn_dll_sym(name)
    function.restype, function.argtypes = result, arguments
    return function


def neurons_function_when_called(name: str, result, *arguments):
    """As `neurons_function`, looked up at its first call: a NEURON without it can do all else."""
    find = functools.cache(lambda: neurons_function(name, result, *arguments))
    return lambda *values: find()(*values)


_symbol = neurons_function("nrn_symbol", ctypes.c_void_p, ctypes.c_char_p)
_accessed_section = neurons_function("nrn_cas", ctypes.c_void_p)
_push_variable = neurons_function(
    "nrn_rangevar_push", None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_double
)
_pop_address = neurons_function("nrn_double_ptr_pop", ctypes.c_void_p)


class RangeVariable:
    """One range variable of all segments of this rank, in the order of `recorder.sections`, or of
    those of some sections.

    It keeps no section alive, and is dead once `structure_counts` move: then make it anew.

    Attributes
    ----------
    column : NEURON's memory, from the first of the segments' values to the last; writing to it sets
    the variable
    rows : (segments,) where in the column each segment's value lies

    Raises
    ------
    ValueError where a section has no such variable.
    """

    def __init__(self, name: str, sections=None):
        places = list(_places(name, recorder.sections() if sections is None else sections))
        symbol = (
            _symbol(name.encode()) if places else None
        )  # NEURON takes the longer, the more ions there are
        address = np.array([_address(symbol, *place) for place in places], dtype=np.int64)
        first, last = address.min(initial=2**63 - 1), address.max(initial=0)
        self.rows = ((address - first) // VALUE).astype(np.uint32)
        self.column = memory(int(first), int(last - first) // VALUE + 1) if places else np.zeros(0)

    def values(self) -> np.ndarray:
        """(segments,) the values now, a copy."""
        return self.column[self.rows]

    def part(self, segments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """NEURON's memory, and where in it the numbered segments are; or their piece of it, and
        nothing, where they follow each other.
        """
        rows = self.rows[segments]
        if rows.size and (np.diff(rows.astype(np.int64)) == 1).all():
            return self.column[rows[0] : rows[0] + rows.size], rows[:0]
        return self.column, rows

    def is_all_of_column(self) -> bool:
        """Whether the column holds the segments' values and no others."""
        return 0 < self.rows.size == self.column.size

    def beside(self, name: str) -> np.ndarray:
        """The column of another variable of the same mechanism, whose instances have the same rows."""
        section, x = next(_places(name, recorder.sections()))
        first = _address(_symbol(name.encode()), section, x)
        return memory(first - VALUE * int(self.rows[0]), self.column.size)

    def fill(self, value: float) -> None:
        """Set the variable of every segment."""
        self.column[self.rows] = value


def _address(symbol: int, section: int, x: float) -> int:
    """Where the variable of a symbol is, at a place along a section."""
    _push_variable(symbol, section, x)
    return _pop_address()


def _places(name: str, sections):
    """(section, x) of every segment: NEURON's pointer to the section, and the segment's place along
    it.
    """
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
    """So many doubles of NEURON's memory, as an array over them."""
    return np.ctypeslib.as_array((ctypes.c_double * count).from_address(address))
