"""Arithmetic of extracellular species: NEURON's own expressions and schemes hold them as they hold
NEURON's species.
"""

from __future__ import annotations

from functools import reduce
from numbers import Real

from ecsmpi.neuron_api.expressions import as_expression, is_voltage, leaves, operation_of
from ecsmpi.neuron_api.rxd_names import SpeciesMathable
from ecsmpi.reactions.expression import ARGUMENTS, Expression
from ecsmpi.rxd.compat import RxDException, RxdStandIn, missing
from ecsmpi.rxd.numpy_operands import OPERATORS, call_on_objects, operator_with_numpy, plain


class Arithmetic(SpeciesMathable):
    """NEURON's operators, for what stands for a species: numbers and functions make expressions, >
    < != make schemes.
    """

    __slots__ = ()
    __array_ufunc__ = call_on_objects


for _name in OPERATORS:
    setattr(Arithmetic, f"__{_name}__", operator_with_numpy(f"__{_name}__"))


def tree_of(rate):
    """NEURON's expression of a number, a species or an expression; RxDException names what is none
    of them.
    """
    tree = as_expression(plain(rate))
    for leaf in leaves(tree):
        if is_voltage(leaf):
            raise missing("the voltage in rates of the extracellular space")
        if not isinstance(leaf, (Arithmetic, Real)):
            raise RxDException(
                f"a rate in the extracellular space cannot hold {leaf!r}, only its species and numbers"
            )
    return tree


def species_in(tree) -> list:
    """The extracellular species, or their parts in a region, that an expression names, each as
    often as it occurs.
    """
    return [leaf for leaf in leaves(tree) if isinstance(leaf, RxdStandIn)]


def expression_of(tree, leaf_to):
    """The solver's expression of NEURON's, with ``leaf_to(species)`` for each species."""
    operation = operation_of(tree)
    if operation is None:
        return tree if isinstance(tree, Real) else leaf_to(tree)
    name, operands = operation
    if name == "sum":
        counted = [
            _counted(count, expression_of(item, leaf_to)) for item, count in operands if count
        ]
        return reduce(lambda a, b: Expression("+", a, b), counted) if counted else 0
    operands = [expression_of(operand, leaf_to) for operand in operands]
    if name in ("product", "quotient"):
        return Expression("*" if name == "product" else "/", *operands)
    return _called(name, *operands)


def _counted(count: int, item):
    return item if count == 1 else Expression("*", count, item)


def _called(name: str, *arguments):
    if name == "-":
        return _counted(-1, *arguments)
    if name not in ARGUMENTS:
        raise missing(f"rxdmath.{name} in rates of the extracellular space")
    return Expression(name, *arguments)
