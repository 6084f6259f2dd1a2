"""Schemes of reactions, NEURON's own objects, and what they mean: how many of each species, at
which rate.
"""

from __future__ import annotations

from ecsmpi.neuron_api.expressions import Scheme, as_expression, direction_of, sides_of
from ecsmpi.rxd.numpy_operands import plain


def change_and_rate(scheme: Scheme, forward, backward, custom: bool) -> tuple[dict, object]:
    """({species: how many come with it}, its rate) of a scheme; custom: forward and backward are
    the rates, without mass action.
    """
    left, right = sides_of(scheme)
    changes = {leaf: right.get(leaf, 0) - left.get(leaf, 0) for leaf in [*left, *right]}
    return changes, _rate(forward, left, custom) - _rate(backward, right, custom)


def both_ways(scheme: Scheme, rate, second) -> tuple[object, object]:
    """(forward, backward) of the rates as they are given to a reaction."""
    rate, second = plain(rate), plain(second)
    return (0, rate) if direction_of(scheme) == "<" else (rate, second or 0)


def is_custom(custom_dynamics, mass_action) -> bool:
    """Whether rates are without mass action, by the two arguments that say so."""
    return bool(custom_dynamics) if mass_action is None else not mass_action


def _rate(rate, side: dict, custom: bool):
    tree = as_expression(rate)
    for leaf, count in {} if custom else side.items():
        tree = tree * (leaf if count == 1 else leaf**count)
    return tree
