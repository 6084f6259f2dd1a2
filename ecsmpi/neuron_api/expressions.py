"""NEURON's expressions of species: what they name, and the same with other things in its place.

The classes are those of neuron.rxd.rxdmath: a sum holds items and how often each counts, the others
hold operands.
"""

from __future__ import annotations

from ecsmpi.neuron_api.rxd_names import rxdmath

_OPERANDS = {
    rxdmath._Function: ("_obj",),
    rxdmath._Function2: ("_obj1", "_obj2"),
    rxdmath._Product: ("_a", "_b"),
    rxdmath._Quotient: ("_a", "_b"),
    rxdmath._Reaction: ("_lhs", "_rhs"),
}


def is_tree(thing) -> bool:
    """Whether it is an expression or a scheme of NEURON's."""
    return isinstance(thing, rxdmath._Arithmeticed) or type(thing) in _OPERANDS


def leaves(tree) -> list:
    """What an expression names: species, numbers, the voltage; each as often as it occurs."""
    if isinstance(tree, rxdmath._Arithmeticed):
        return [leaf for item in tree._items for leaf in leaves(item)]
    if type(tree) in _OPERANDS:
        return [
            leaf for operand in _OPERANDS[type(tree)] for leaf in leaves(getattr(tree, operand))
        ]
    return [tree]


def replaced(tree, leaf_to):
    """The same expression with ``leaf_to(leaf)`` for each leaf; both stay apart."""
    if isinstance(tree, rxdmath.Vm):
        return tree
    if isinstance(tree, rxdmath._Arithmeticed):
        return _sum_of(
            ((replaced(item, leaf_to), count) for item, count in tree._items.items()), tree
        )
    if type(tree) not in _OPERANDS:
        return leaf_to(tree)
    copy = object.__new__(type(tree))
    copy.__dict__.update(tree.__dict__)
    for operand in _OPERANDS[type(tree)]:
        setattr(copy, operand, replaced(getattr(tree, operand), leaf_to))
    return copy


def _sum_of(counted, like) -> rxdmath._Arithmeticed:
    """A sum of (item, how often it counts); sums among the items are opened."""
    items = {}
    for item, count in counted:
        parts = item._items if isinstance(item, rxdmath._Arithmeticed) else {item: 1}
        for part, number in parts.items():
            items[part] = items.get(part, 0) + count * number
    return rxdmath._Arithmeticed(items, like._valid_reaction_term)
