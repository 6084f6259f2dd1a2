"""NEURON's expressions of species: what they name, and the same expression with other names.

The classes are those of neuron.rxd.rxdmath. A sum holds items and how often each counts; products,
quotients and functions hold operands; a scheme holds a left and a right side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ecsmpi.neuron_api.rxd_names import SpeciesMathable, rxdmath

Scheme: Any = rxdmath._Reaction

_OPERANDS = {
    rxdmath._Function: ("_obj",),
    rxdmath._Function2: ("_obj1", "_obj2"),
    rxdmath._Product: ("_a", "_b"),
    rxdmath._Quotient: ("_a", "_b"),
    rxdmath._Reaction: ("_lhs", "_rhs"),
}


def is_tree(thing: Any) -> bool:
    """Whether a thing is an expression or a scheme of NEURON's."""
    return isinstance(thing, rxdmath._Arithmeticed) or type(thing) in _OPERANDS


def is_voltage(leaf: Any) -> bool:
    """Whether a leaf of an expression is the membrane's voltage, `rxd.v`."""
    return isinstance(leaf, rxdmath.Vm._Vm)


def as_expression(rate: Any) -> Any:
    """NEURON's expression of a number, a species or an expression; RxDException for others."""
    return rxdmath._ensure_arithmeticed(rate)


def operation_of(tree: Any) -> tuple[str, list] | None:
    """How an expression is made.

    Returns
    -------
    ``("sum", [(item, how often it counts), ...])``, ``("product", [a, b])``,
    ``("quotient", [a, b])``, ``(name of a function, its operands)``, or None for a leaf.
    """
    if isinstance(tree, rxdmath._Arithmeticed):
        return "sum", list(tree._items.items())
    if isinstance(tree, rxdmath._Function):
        return tree._fname, [tree._obj]
    if isinstance(tree, rxdmath._Function2):
        return tree._fname, [tree._obj1, tree._obj2]
    if isinstance(tree, rxdmath._Product):
        return "product", [tree._a, tree._b]
    if isinstance(tree, rxdmath._Quotient):
        return "quotient", [tree._a, tree._b]
    return None


def sides_of(scheme: Scheme) -> tuple[dict, dict]:
    """The left and the right side of a scheme, each as {species: how often it counts}."""
    return scheme._lhs._items, scheme._rhs._items


def direction_of(scheme: Scheme) -> str:
    """The direction of a scheme: ``">"``, ``"<"`` or ``"<>"``."""
    return scheme._dir


def leaves(tree: Any) -> list:
    """What an expression names: species, numbers, the voltage; each as often as it occurs."""
    if isinstance(tree, rxdmath._Arithmeticed):
        below = list(tree._items)
    elif type(tree) in _OPERANDS:
        below = [getattr(tree, operand) for operand in _OPERANDS[type(tree)]]
    else:
        return [tree]
    found = []
    for operand in below:
        found += leaves(operand)
    return found


def replaced(tree: Any, leaf_to: Callable[[Any], Any]) -> Any:
    """The same expression with ``leaf_to(leaf)`` for each leaf; the given one is unchanged."""
    if isinstance(tree, rxdmath.Vm):
        return tree
    if isinstance(tree, rxdmath._Arithmeticed):
        counted = ((replaced(item, leaf_to), count) for item, count in tree._items.items())
        return _sum_of(counted, tree)
    if type(tree) not in _OPERANDS:
        return leaf_to(tree)
    copy = object.__new__(type(tree))
    copy.__dict__.update(tree.__dict__)
    for operand in _OPERANDS[type(tree)]:
        setattr(copy, operand, replaced(getattr(tree, operand), leaf_to))
    return copy


def operator_of_species(name: str) -> Callable[..., Any]:
    """NEURON's operator of species, such as ``__mul__``."""
    return getattr(SpeciesMathable, name)


def _sum_of(counted: Iterable[tuple[Any, float]], like: Any) -> Any:
    """A sum of (item, how often it counts); sums among the items are opened."""
    items: dict = {}
    for item, count in counted:
        parts = item._items if isinstance(item, rxdmath._Arithmeticed) else {item: 1}
        for part, number in parts.items():
            items[part] = items.get(part, 0) + count * number
    return rxdmath._Arithmeticed(items, like._valid_reaction_term)
