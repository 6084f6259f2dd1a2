"""Rate laws as sympy expressions, whose functions have exact derivatives.

sympy's own functions would be simplified and multiplied out, which loses digits and takes time. So
each function of a rate law is a function of its own, of which sympy knows only the derivatives.
"""

from __future__ import annotations

import math

import sympy
from sympy.printing.precedence import PRECEDENCE
from sympy.printing.pycode import PythonCodePrinter

from ecsmpi.reactions.expression import OPERATORS, Concentration, Expression, Tree

CONSTANT_BETWEEN_JUMPS = (lambda x: sympy.Integer(0),)


class _Names:
    """The functions of rate laws as functions of sympy that it does not simplify."""

    def __getattr__(self, name: str) -> type[sympy.Function]:
        return FUNCTIONS[name]


F = _Names()

# {function: its derivatives with respect to each argument}
PARTIALS = {
    "acos": (lambda x: -1 / F.sqrt(1 - x**2),),
    "acosh": (lambda x: 1 / (F.sqrt(x - 1) * F.sqrt(x + 1)),),
    "asin": (lambda x: 1 / F.sqrt(1 - x**2),),
    "asinh": (lambda x: 1 / F.sqrt(x**2 + 1),),
    "atan": (lambda x: 1 / (x**2 + 1),),
    "atan2": (lambda y, x: x / (x**2 + y**2), lambda y, x: -y / (x**2 + y**2)),
    "ceil": CONSTANT_BETWEEN_JUMPS,
    "copysign": (lambda x, y: F.copysign(1, x) * F.copysign(1, y), lambda x, y: sympy.Integer(0)),
    "cos": (lambda x: -F.sin(x),),
    "cosh": (lambda x: F.sinh(x),),
    "degrees": (lambda x: sympy.Float(math.degrees(1), 17),),
    "digamma": (),
    "erf": (lambda x: 2 / F.sqrt(sympy.Float(sympy.pi, 17)) * F.exp(-(x**2)),),
    "erfc": (lambda x: -2 / F.sqrt(sympy.Float(sympy.pi, 17)) * F.exp(-(x**2)),),
    "exp": (lambda x: F.exp(x),),
    "expm1": (lambda x: F.exp(x),),
    "fabs": (lambda x: F.copysign(1, x),),
    "factorial": (lambda x: F.factorial(x) * F.digamma(x + 1),),
    "floor": CONSTANT_BETWEEN_JUMPS,
    "fmod": (lambda x, y: sympy.Integer(1), lambda x, y: -F.trunc(x / y)),
    "gamma": (lambda x: F.gamma(x) * F.digamma(x),),
    "hypot": (lambda x, y: x / F.hypot(x, y), lambda x, y: y / F.hypot(x, y)),
    "ldexp": (lambda x, y: F.ldexp(1, y), lambda x, y: sympy.Integer(0)),
    "lgamma": (lambda x: F.digamma(x),),
    "log": (lambda x: 1 / x,),
    "log10": (lambda x: 1 / (x * sympy.Float(math.log(10), 17)),),
    "log1p": (lambda x: 1 / (x + 1),),
    "pow": (lambda x, y: y * F.pow(x, y - 1), lambda x, y: F.log(x) * F.pow(x, y)),
    "radians": (lambda x: sympy.Float(math.radians(1), 17),),
    "sin": (lambda x: F.cos(x),),
    "sinh": (lambda x: F.cosh(x),),
    "sqrt": (lambda x: 1 / (2 * F.sqrt(x)),),
    "tan": (lambda x: F.tan(x) ** 2 + 1,),
    "tanh": (lambda x: 1 - F.tanh(x) ** 2,),
    "trunc": CONSTANT_BETWEEN_JUMPS,
    "vtrap": (
        lambda x, y: F.vtrap_slope(x / y),
        lambda x, y: (F.vtrap(x, y) - x * F.vtrap_slope(x / y)) / y,
    ),
    "vtrap_slope": (),
}


def _function(name: str, partials: tuple) -> type[sympy.Function]:
    def fdiff(self, argindex=1):
        return partials[argindex - 1](*self.args)

    return type(name, (sympy.Function,), {"fdiff": fdiff})


FUNCTIONS = {name: _function(name, partials) for name, partials in PARTIALS.items()}


class _Printer(PythonCodePrinter):
    """Python text in which functions keep their names and numbers all their digits.

    Functions take lanes (see `lanes`), so plain numbers among their arguments are spread over
    these. Whole powers, which are the only ones, name their exponent.
    """

    def __init__(self):
        super().__init__({"fully_qualified_modules": False})

    def in_lanes(self, expression):
        word = self._print(expression)
        has_lanes = expression.free_symbols or expression.has(sympy.Function)
        return word if has_lanes else f"spread({word})"

    def _print_Float(self, number):
        return repr(float(number))

    def _print_Function(self, function):
        arguments = map(self.in_lanes, function.args)
        return f"{type(function).__name__}({', '.join(arguments)})"

    def _print_Pow(self, power, rational=False):
        exponent = int(power.exp)
        if exponent == -1:
            return f"1/{self.parenthesize(power.base, PRECEDENCE['Pow'])}"
        product = f"whole_power({self._print(power.base)}, {abs(exponent)})"
        return f"1/{product}" if exponent < 0 else product


def text(expression: sympy.Expr) -> str:
    """The Python text of a sympy expression, whose value is in lanes."""
    return _Printer().in_lanes(expression)


def to_sympy(tree: Tree, symbols: dict[int, sympy.Symbol]) -> sympy.Expr:
    """The tree as a sympy expression.

    Call it under `distribute(False)`: a product that sympy multiplies out loses digits.

    Parameters
    ----------
    symbols : dict
        {number of a species: symbol of its concentration}.
    """
    if isinstance(tree, Concentration):
        return symbols[tree.number]
    if not isinstance(tree, Expression):
        return sympy.sympify(tree)
    arguments = [to_sympy(argument, symbols) for argument in tree.arguments]
    if tree.operation == "pow":
        return _power(*arguments)
    function = OPERATORS.get(tree.operation) or FUNCTIONS[tree.operation]
    return function(*arguments)


def _power(base: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    """A power; a whole exponent becomes multiplications, which hold for negative bases too."""
    if exponent.is_Number and float(exponent).is_integer():
        return base ** int(exponent)
    return F.pow(base, exponent)
