"""Rate laws as trees of concentrations, numbers, operators and functions.

A rate is written down three times on its way to machine code:

    neuron.rxd's expression     of the script
      -> Expression             made by rxd/species_arithmetic.py
      -> sympy's expression     made by symbolic.py, for exact derivatives
      -> Python source          made by rate_code.py, compiled by numba

neuron.rxd's expressions belong to the script and change with it. sympy takes a second to import,
so it is imported where code is made and not where a model is described. The trees of this module
lie between the two: they know no library, do not change, and can be sent to another process.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TypeAlias

OPERATORS = {"+": operator.add, "*": operator.mul, "/": operator.truediv}

_OF_ONE = (
    "acos acosh asin asinh atan ceil cos cosh degrees erf erfc exp expm1 fabs factorial floor "
    "gamma lgamma log log10 log1p radians sin sinh sqrt tan tanh trunc"
)
_OF_TWO = "atan2 copysign fmod hypot ldexp pow vtrap"
ARGUMENTS = dict.fromkeys(_OF_ONE.split(), 1) | dict.fromkeys(_OF_TWO.split(), 2)
"""{function that a rate may call: number of its arguments}"""


@dataclass(frozen=True)
class Concentration:
    """The concentration (mM) of the species with this number: a leaf of a tree."""

    number: int

    def __str__(self) -> str:
        return f"c{self.number}"


class Expression:
    """An operator or a function applied to arguments.

    Parameters
    ----------
    operation : str
        A key of `OPERATORS` or of `ARGUMENTS`.
    *arguments
        Expressions, Concentrations or finite numbers.

    Raises
    ------
    ValueError
        For an argument that is something else, or a number that is infinite or NaN.
    """

    __slots__ = ("operation", "arguments")

    def __init__(self, operation: str, *arguments: object):
        self.operation = operation
        self.arguments = tuple(map(_checked, arguments))

    def __repr__(self) -> str:
        words = list(map(str, self.arguments))
        if self.operation not in OPERATORS:
            return f"{self.operation}({', '.join(words)})"
        if self.operation == "*" and words[0] == "-1":
            return f"-{_parenthesised(self.arguments[1], words[1])}"
        return f" {self.operation} ".join(map(_parenthesised, self.arguments, words))


Tree: TypeAlias = "Expression | Concentration | int | float"


def concentrations_in(tree: Tree) -> list[Concentration]:
    """The concentrations in a tree, from left to right, each as often as it occurs."""
    if isinstance(tree, Concentration):
        return [tree]
    found: list[Concentration] = []
    if isinstance(tree, Expression):
        for argument in tree.arguments:
            found += concentrations_in(argument)
    return found


def _checked(argument: object) -> Tree:
    """A tree as it is; any other number as Python's int or float."""
    if isinstance(argument, (Expression, Concentration)):
        return argument
    if not isinstance(argument, Real):
        raise ValueError(
            f"a rate can hold species, their expressions and numbers, not {argument!r}"
        )
    if not math.isfinite(argument):
        raise ValueError(f"numbers in a rate must be finite, got {argument!r}")
    return int(argument) if isinstance(argument, Integral) else float(argument)


def _parenthesised(argument: Tree, word: str) -> str:
    compound = isinstance(argument, Expression) and argument.operation in OPERATORS
    return f"({word})" if compound or word.startswith("-") else word
