"""Trees of rate laws, written with operators: what tests say in one line.

    kf = kb / (1 + call("exp", -(k - 15) / 1.15))

The package makes its trees from neuron.rxd's expressions, and needs no operators.
"""

from ecsmpi.reactions import expression


class _Operators:
    __slots__ = ()

    def __add__(self, other):
        return Expression("+", self, other)

    def __radd__(self, other):
        return Expression("+", other, self)

    def __sub__(self, other):
        return self + -1 * other

    def __rsub__(self, other):
        return other + -self

    def __mul__(self, other):
        return Expression("*", self, other)

    def __rmul__(self, other):
        return Expression("*", other, self)

    def __truediv__(self, other):
        return Expression("/", self, other)

    def __rtruediv__(self, other):
        return Expression("/", other, self)

    def __pow__(self, other):
        return Expression("pow", self, other)

    def __rpow__(self, other):
        return Expression("pow", other, self)

    def __neg__(self):
        return -1 * self


class Concentration(_Operators, expression.Concentration):
    """A leaf with operators."""


class Expression(_Operators, expression.Expression):
    """An expression with operators."""

    __slots__ = ()


def call(function, *arguments):
    """A function applied to concentrations, expressions or numbers."""
    return Expression(function, *arguments)
