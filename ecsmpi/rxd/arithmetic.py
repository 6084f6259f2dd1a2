"""Arithmetic of extracellular species: NEURON's own expressions and schemes hold them as they hold
NEURON's species.
"""

from __future__ import annotations

from functools import reduce
from numbers import Real

from ecsmpi.neuron_api.expressions import leaves
from ecsmpi.neuron_api.rxd_names import SpeciesMathable, rxdmath
from ecsmpi.reactions.expression import ARGUMENTS, Expression, call
from ecsmpi.rxd.errors import RxDException, missing
from ecsmpi.rxd.numpy_operands import OPERATORS, call_on_objects, operator_with_numpy, plain
from ecsmpi.rxd.stand_in import RxdStandIn


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
    tree = rxdmath._ensure_arithmeticed(plain(rate))
    for leaf in leaves(tree):
        if isinstance(leaf, rxdmath.Vm._Vm):
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
    if isinstance(tree, rxdmath._Arithmeticed):
        counted = [
            _counted(count, expression_of(item, leaf_to))
            for item, count in tree._items.items()
            if count
        ]
        return reduce(lambda a, b: Expression("+", a, b), counted) if counted else 0
    if isinstance(tree, (rxdmath._Function, rxdmath._Function2)):
        operands = [tree._obj] if isinstance(tree, rxdmath._Function) else [tree._obj1, tree._obj2]
        return _called(tree._fname, *(expression_of(operand, leaf_to) for operand in operands))
    if isinstance(tree, (rxdmath._Product, rxdmath._Quotient)):
        operation = "*" if isinstance(tree, rxdmath._Product) else "/"
        return Expression(
            operation, expression_of(tree._a, leaf_to), expression_of(tree._b, leaf_to)
        )
    return tree if isinstance(tree, Real) else leaf_to(tree)


def _counted(count: int, item):
    return item if count == 1 else Expression("*", count, item)


def _called(name: str, *arguments):
    if name == "-":
        return _counted(-1, *arguments)
    if name not in ARGUMENTS:
        raise missing(f"rxdmath.{name} in rates of the extracellular space")
    return call(name, *arguments)
