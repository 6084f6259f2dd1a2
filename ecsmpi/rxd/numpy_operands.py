"""Numbers and arrays of numpy's in the arithmetic of species.

A number of numpy's means what the same number of Python's means. An array on one side of an
operator, left or right of a species, makes an array of expressions, one for each element, as numpy
does with any object.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.neuron_api.expressions import operator_of_species
from ecsmpi.rxd.compat import RxDException

OPERATORS = "add radd sub rsub mul rmul truediv rtruediv pow gt lt ne".split()


def is_of_numpy(given) -> bool:
    """Whether it is an array or a number of numpy's."""
    return isinstance(given, (np.ndarray, np.generic))


def plain(rate):
    """A rate with a number of numpy's, or an array without dimensions, as what it holds;
    RxDException for other arrays.
    """
    if not is_of_numpy(rate):
        return rate
    if rate.ndim:
        raise RxDException(
            f"a rate is one number or expression, got an array of shape {rate.shape}: choose one of its elements"
        )
    return rate.item()


def operator_with_numpy(name: str):
    """NEURON's operator of species, such as ``__mul__``, which takes what numpy has beside what
    NEURON takes.
    """
    of_neuron = operator_of_species(name)

    def operate(self, other):
        if not is_of_numpy(other):
            return of_neuron(self, other)
        if other.ndim == 0:
            return of_neuron(self, other.item())
        made = np.empty(other.shape, dtype=object)
        for place in np.ndindex(other.shape):
            made[place] = of_neuron(self, plain(other[place]))
        return made

    operate.__name__ = name
    return operate


def call_on_objects(self, function, method: str, *operands, **named):
    """``__array_ufunc__`` of species: numpy's operators see them, and the numbers beside them, as
    Python's objects.
    """
    if method != "__call__" or named:
        return NotImplemented
    return function(*map(_as_objects, operands))


def _as_objects(operand) -> np.ndarray:
    if is_of_numpy(operand):
        return (
            operand.astype(object)
            if isinstance(operand, np.ndarray)
            else np.array(operand.item(), dtype=object)
        )
    boxed = np.empty((), dtype=object)
    boxed[()] = operand
    return boxed
