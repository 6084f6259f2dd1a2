"""Kinds of the values that compiled code takes, and their layout in memory.

A kind is a number, an array or a tuple of kinds. Compiled code has a value as words of 8 bytes:

    whole number, float, bool    one word
    array                        owner, parent, elements, bytes of one, address, shape, strides
    tuple                        the words of its fields, one after the other

Nobody owns the array and nothing is its parent, so compiled code counts no references to it.
Neither numba nor LLVM is imported here: a rank that loads compiled code needs neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np


@dataclass(frozen=True)
class Number:
    """A whole number, a float or a bool, by numpy's name of its type of 8 bytes or of ``bool``."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Array:
    """An array of one type and number of axes. layout: C, F or A as in NumPy, A for any strides."""

    dtype: str
    ndim: int
    layout: str = "C"
    writable: bool = True

    def __str__(self) -> str:
        only = "" if self.writable else "read-only "
        return f"{only}array({np.dtype(self.dtype)}, {self.ndim}d, {self.layout})"


@dataclass(frozen=True)
class Fields:
    """A tuple of values; ``cls`` is the named tuple, or ``tuple``."""

    kinds: tuple[Kind, ...]
    cls: type = tuple

    def __str__(self) -> str:
        return f"{self.cls.__name__}({', '.join(map(str, self.kinds))})"


Kind: TypeAlias = Number | Array | Fields

INTEGER, NUMBER, FLAG = Number("int64"), Number("float64"), Number("bool")
NUMBERS, INTEGERS = Array("<f8", 1), Array("<i8", 1)
PLACES, FLAGS = Array("<u4", 1), Array("|b1", 1)
TABLE, PLANES = Array("<f8", 2), Array("<f8", 3)
SHAPE = Fields((INTEGER,) * 3)


def triple(kind: Kind) -> Fields:
    """The kind of three values of that kind."""
    return Fields((kind,) * 3)


def named(cls: type, *kinds: Kind) -> Fields:
    """The kind of a named tuple whose fields are of these kinds."""
    return Fields(kinds, cls)


def kind_of(value: Any) -> Kind:
    """The kind of a value. Raises TypeError where compiled code takes no such value."""
    if isinstance(value, np.ndarray):
        flags = value.flags
        layout = "C" if flags.c_contiguous else "F" if flags.f_contiguous else "A"
        return Array(value.dtype.str, value.ndim, layout, flags.writeable)
    if isinstance(value, tuple):
        return Fields(tuple(map(kind_of, value)), type(value))
    if isinstance(value, (bool, np.bool_)):
        return FLAG
    if isinstance(value, (int, np.integer)):
        return INTEGER
    if isinstance(value, (float, np.float64)):
        return NUMBER
    raise TypeError(f"compiled code takes numbers, arrays and tuples of them, not {value!r}")


def words_of(value: Any, kind: Kind) -> list[int]:
    """A value as the words of its kind. Raises TypeError where the value is of another kind."""
    if isinstance(kind, Fields):
        fields: Any = value
        if not isinstance(value, kind.cls) or len(fields) != len(kind.kinds):
            raise TypeError(f"not a {kind}, but {value!r}")
        words: list[int] = []
        for field, field_kind in zip(fields, kind.kinds):
            words += words_of(field, field_kind)
        return words
    if isinstance(kind, Array):
        if not isinstance(value, np.ndarray) or not is_array_of(value, kind):
            raise TypeError(f"not an {kind}, but {_described(value)}")
        return array_words(value)
    if kind == NUMBER and isinstance(value, float):
        return [int(np.float64(value).view(np.int64))]
    if kind == INTEGER and isinstance(value, (int, np.integer)):
        return [int(value)]
    if kind == FLAG and isinstance(value, (bool, np.bool_)):
        return [int(value)]
    raise TypeError(f"not of kind {kind}, but {value!r}")


def array_words(array: np.ndarray) -> list[int]:
    """The words of an array."""
    data = array.__array_interface__["data"][0]
    return [0, 0, array.size, array.itemsize, data, *array.shape, *array.strides]


def is_array_of(array: np.ndarray, kind: Array) -> bool:
    """Whether an array is of an array's kind; one that may be written passes as read-only."""
    flags = array.flags
    return (
        array.ndim == kind.ndim
        and array.dtype.str == kind.dtype
        and (kind.layout != "C" or flags.c_contiguous)
        and (kind.layout != "F" or flags.f_contiguous)
        and flags.aligned
        and (flags.writeable or not kind.writable)
    )


def _described(value: Any) -> str:
    try:
        return str(kind_of(value))
    except TypeError:
        return repr(value)


class Record:
    """Values of a kind, laid out as compiled code has them. ``address``: where they are.

    The record keeps the arrays alive, and compiled code reads them while the record lives.

    Raises
    ------
    TypeError
        Where the values are of another kind.
    """

    def __init__(self, kind: Kind, values: tuple):
        self.values = values
        try:
            words = words_of(values, kind)
        except TypeError as error:
            raise TypeError(f"compiled loops take a record of {kind}: {error}") from None
        self._words = np.array(words, dtype=np.int64)
        self.address = self._words.ctypes.data
