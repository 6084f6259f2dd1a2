"""NumPy's numbers and arrays as operands of species.

A NumPy number means the same as the equal Python number. An array on either side of an operator
makes an array of expressions, one for each element, as NumPy does with any object.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecsmpi.neuron_api.expressions import operator_of_species
from ecsmpi.rxd.errors import RxDException

ARITHMETIC = ["add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv", "pow"]
SCHEMES = ["gt", "lt", "ne"]
OPERATORS = [*ARITHMETIC, *SCHEMES]


def is_of_numpy(value: object) -> bool:
    """Whether a value is a NumPy array or number."""
    return isinstance(value, (np.ndarray, np.generic))


def plain(rate: Any) -> Any:
    """A rate, with a NumPy number or 0-dimensional array replaced by what it holds.

    Raises
    ------
    RxDException
        For an array with dimensions.
    """
    if not is_of_numpy(rate):
        return rate
    if rate.ndim:
        raise RxDException(
            f"a rate is one number or expression, got an array of shape {rate.shape}: "
            "choose one of its elements"
        )
    return rate.item()


def operator_with_numpy(name: str) -> Callable[[Any, Any], Any]:
    """An operator of NEURON's species, such as ``__mul__``, that takes NumPy operands, too."""
    of_neuron = operator_of_species(name)

    def operate(self: Any, other: Any) -> Any:
        if not is_of_numpy(other):
            return of_neuron(self, other)
        if other.ndim == 0:
            return of_neuron(self, other.item())
        results = np.empty(other.shape, dtype=object)
        for place in np.ndindex(other.shape):
            results[place] = of_neuron(self, plain(other[place]))
        return results

    operate.__name__ = name
    return operate


def call_on_objects(self: Any, function: Any, method: str, *operands: Any, **named: Any) -> Any:
    """``__array_ufunc__`` of species: NumPy operators get all operands as Python objects."""
    if method != "__call__" or named:
        return NotImplemented
    return function(*map(_as_objects, operands))


def _as_objects(operand: Any) -> NDArray[np.object_]:
    if isinstance(operand, np.ndarray):
        return operand.astype(object)
    if isinstance(operand, np.generic):
        operand = operand.item()
    boxed: NDArray[np.object_] = np.empty((), dtype=object)
    boxed[()] = operand
    return boxed
