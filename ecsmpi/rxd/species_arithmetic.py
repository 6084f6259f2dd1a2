"""Arithmetic of extracellular species: NEURON's expressions hold them like NEURON's own species."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from numbers import Real
from typing import Any

from ecsmpi.neuron_api.expressions import as_expression, is_voltage, leaves, operation_of
from ecsmpi.neuron_api.rxd_names import SpeciesMathable
from ecsmpi.reactions.expression import ARGUMENTS, Expression
from ecsmpi.rxd.errors import RxDException, missing
from ecsmpi.rxd.numpy_operands import OPERATORS, call_on_objects, operator_with_numpy, plain
from ecsmpi.rxd.stand_in import RxdStandIn


class SpeciesArithmetic(SpeciesMathable):
    """NEURON's operators for extracellular species.

    With numbers, species and functions of rxdmath they make expressions; > < != make schemes.
    """

    __slots__ = ()
    __array_ufunc__ = call_on_objects


for _name in OPERATORS:
    setattr(SpeciesArithmetic, f"__{_name}__", operator_with_numpy(f"__{_name}__"))


def rate_expression(rate: Any) -> Any:
    """NEURON's expression of a rate in the extracellular space.

    Parameters
    ----------
    rate
        A number, a species or an expression.

    Raises
    ------
    RxDException
        If the rate holds anything but extracellular species and numbers.
    """
    expression = as_expression(plain(rate))
    for leaf in leaves(expression):
        if is_voltage(leaf):
            raise missing("the voltage in rates of the extracellular space")
        if not isinstance(leaf, (SpeciesArithmetic, Real)):
            raise RxDException(
                f"a rate in the extracellular space cannot hold {leaf!r}, "
                "only its species and numbers"
            )
    return expression


def species_in(expression: Any) -> list[Any]:
    """The extracellular species that an expression names, each as often as it occurs."""
    return [leaf for leaf in leaves(expression) if isinstance(leaf, RxdStandIn)]


def solver_expression(expression: Any, leaf_to: Callable[[Any], Any]) -> Any:
    """The solver's expression that equals NEURON's.

    Parameters
    ----------
    expression
        NEURON's expression.
    leaf_to
        Gives the solver's leaf for a species.

    Raises
    ------
    MissingFeature
        For a function that the solver does not have.
    """
    operation = operation_of(expression)
    if operation is None:
        return expression if isinstance(expression, Real) else leaf_to(expression)
    name, operands = operation
    if name == "sum":
        terms = []
        for item, count in operands:
            if count:
                terms.append(_times(count, solver_expression(item, leaf_to)))
        return reduce(_plus, terms) if terms else 0
    arguments = [solver_expression(operand, leaf_to) for operand in operands]
    if name == "product":
        return Expression("*", *arguments)
    if name == "quotient":
        return Expression("/", *arguments)
    if name == "-":
        return _times(-1, *arguments)
    if name not in ARGUMENTS:
        raise missing(f"rxdmath.{name} in rates of the extracellular space")
    return Expression(name, *arguments)


def _plus(left: Any, right: Any) -> Any:
    return Expression("+", left, right)


def _times(count: float, item: Any) -> Any:
    return item if count == 1 else Expression("*", count, item)
