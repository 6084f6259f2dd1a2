"""Rate laws as trees of concentrations, numbers, operators and functions.

    kf = kb / (1 + call("exp", -(k - 15) / 1.15))

Trees know no library: rate_code.py makes code of them.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from numbers import Integral, Real

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "**": operator.pow,
}

ARGUMENTS = {
    name: 1
    for name in (
        "acos acosh asin asinh atan ceil cos cosh degrees erf erfc exp expm1 fabs factorial floor gamma lgamma log log10 "
        "log1p radians sin sinh sqrt tan tanh trunc"
    ).split()
} | {name: 2 for name in "atan2 copysign fmod hypot ldexp pow vtrap".split()}


class Arithmetic:
    """What can stand in a rate law: operators with it and with finite numbers make an Expression."""

    __slots__ = ()
    __array_ufunc__ = None  # numpy's numbers leave the operators to this class

    def __add__(self, other):
        return _combined("+", self, other)

    def __radd__(self, other):
        return _combined("+", other, self)

    def __sub__(self, other):
        return _combined("-", self, other)

    def __rsub__(self, other):
        return _combined("-", other, self)

    def __mul__(self, other):
        return _combined("*", self, other)

    def __rmul__(self, other):
        return _combined("*", other, self)

    def __truediv__(self, other):
        return _combined("/", self, other)

    def __rtruediv__(self, other):
        return _combined("/", other, self)

    def __pow__(self, other):
        return _combined("**", self, other)

    def __rpow__(self, other):
        return _combined("**", other, self)

    def __neg__(self):
        return _combined("*", -1, self)

    def __pos__(self):
        return self

    def __abs__(self):
        return call("fabs", self)


class Expression(Arithmetic):
    """An operator of `OPERATORS`, or a function of `ARGUMENTS`, applied to arguments: numbers,
    Expressions or leaves.
    """

    __slots__ = ("operation", "arguments")

    def __init__(self, operation: str, *arguments):
        self.operation, self.arguments = (
            operation,
            tuple(_checked(argument) for argument in arguments),
        )

    def __repr__(self):
        words = [str(argument) for argument in self.arguments]
        if self.operation not in OPERATORS:
            return f"{self.operation}({', '.join(words)})"
        if self.operation == "*" and words[0] == "-1":
            return f"-{_parenthesised(self.arguments[1], words[1])}"
        return f" {self.operation} ".join(map(_parenthesised, self.arguments, words))


@dataclass(frozen=True)
class Concentration(Arithmetic):
    """The concentration (mM) of the species with this number: a leaf."""

    number: int

    def __str__(self):
        return f"c{self.number}"


def call(function: str, *arguments) -> Expression:
    """A function of `ARGUMENTS` applied to concentrations, expressions or numbers."""
    return Expression(function, *arguments)


def leaves(tree) -> list:
    """The concentrations in a tree, each as often as it occurs."""
    if isinstance(tree, Expression):
        return [leaf for argument in tree.arguments for leaf in leaves(argument)]
    return [tree] if isinstance(tree, Arithmetic) else []


def _combined(operation, a, b):
    if not all(isinstance(one, (Arithmetic, Real)) for one in (a, b)):
        return NotImplemented
    return Expression(operation, a, b)


def _checked(argument):
    """An Arithmetic as it is; a number as Python's int or float."""
    if isinstance(argument, Arithmetic):
        return argument
    if not isinstance(argument, Real):
        raise ValueError(
            f"a rate can hold species, their expressions and numbers, not {argument!r}"
        )
    if not math.isfinite(argument):
        raise ValueError(f"numbers in a rate must be finite, got {argument!r}")
    return int(argument) if isinstance(argument, Integral) else float(argument)


def _parenthesised(argument, word: str) -> str:
    compound = isinstance(argument, Expression) and argument.operation in OPERATORS
    return f"({word})" if compound or word.startswith("-") else word
