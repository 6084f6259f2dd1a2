"""Schemes of reactions, such as 2 A + B > C: the change of each species, and the rate."""

from __future__ import annotations

from typing import Any

from ecsmpi.neuron_api.expressions import Scheme, as_expression, direction_of, sides_of
from ecsmpi.rxd.numpy_operands import plain


def changes_and_rate(
    scheme: Scheme, forward: Any, backward: Any, custom: bool
) -> tuple[dict[Any, float], Any]:
    """The law of a scheme.

    Parameters
    ----------
    scheme
        NEURON's scheme.
    forward, backward
        Coefficients of mass action, or the rates themselves.
    custom
        Whether they are the rates themselves, without mass action.

    Returns
    -------
    ({species: number of molecules that come with one reaction}, NEURON's expression of the rate)
        The number is negative for a species that is used up.
    """
    left, right = sides_of(scheme)
    changes = {leaf: right.get(leaf, 0) - left.get(leaf, 0) for leaf in [*left, *right]}
    return changes, _rate(forward, left, custom) - _rate(backward, right, custom)


def forward_and_backward(scheme: Scheme, rate: Any, second: Any) -> tuple[Any, Any]:
    """The forward and the backward rate, of the rates in the order in which a script gives them."""
    rate = plain(rate)
    second = plain(second)
    return (0, rate) if direction_of(scheme) == "<" else (rate, second or 0)


def is_custom(custom_dynamics: bool | None, mass_action: bool | None) -> bool:
    """Whether rates are without mass action, by the two arguments that say so."""
    return bool(custom_dynamics) if mass_action is None else not mass_action


def _rate(rate: Any, side: dict[Any, int], custom: bool) -> Any:
    expression = as_expression(rate)
    if custom:
        return expression
    for leaf, count in side.items():
        expression = expression * (leaf if count == 1 else leaf**count)
    return expression
