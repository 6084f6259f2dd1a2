"""NEURON's own reactions inside cells: what they are made of, and whether NEURON runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.neuron_api.rxd_names import RangeVar, initializer, registry

_RATES = ("_original_rate", "_original_rate_f", "_original_rate_b")


@dataclass(frozen=True)
class RateFacts:
    """One of NEURON's Rates: how fast a species changes (mM/ms).

    Attributes
    ----------
    species : None where the script has dropped it
    is_range_variable : whether the rate is one of NEURON's range variables
    """

    species: Any
    rate: Any
    regions: Any
    membrane_flux: bool
    is_range_variable: bool


@dataclass(frozen=True)
class ReactionFacts:
    """One of NEURON's Reactions or MultiCompartmentReactions.

    Attributes
    ----------
    forward, backward : as the script gave them
    custom_dynamics : whether the rates are without mass action
    """

    scheme: Any
    forward: Any
    backward: Any
    custom_dynamics: Any
    regions: Any


@dataclass(frozen=True)
class MembraneReactionFacts(ReactionFacts):
    """One of NEURON's MultiCompartmentReactions, whose region is the membrane.

    Attributes
    ----------
    scale_by_area : whether its rates are per um2 of the membrane
    membrane_flux : whether it carries a current
    """

    scale_by_area: bool
    membrane_flux: bool


def facts_of(reaction: Any) -> RateFacts | ReactionFacts:
    """What one of NEURON's reactions is made of."""
    if isinstance(reaction, neuron_rxd.Rate):
        rate = reaction._original_rate
        return RateFacts(
            reaction._species(),
            rate,
            reaction._regions,
            reaction._membrane_flux,
            isinstance(rate, RangeVar),
        )
    facts = (
        reaction._scheme,
        reaction._original_rate_f,
        reaction._original_rate_b,
        reaction._custom_dynamics,
        reaction._regions,
    )
    if isinstance(reaction, neuron_rxd.Reaction):
        return ReactionFacts(*facts)
    return MembraneReactionFacts(*facts, reaction._scale_by_area, reaction._membrane_flux)


def identity(reaction: Any) -> tuple:
    """Cheap key of a reaction that changes whenever one of its rates is set."""
    found = vars(reaction).get
    return id(reaction), *[id(found(rate)) for rate in _RATES]


def withdraw_all() -> list:
    """Take all reactions that NEURON has from it, before it compiles them; return them. Local."""
    found = [one for reference in registry._all_reactions if (one := reference()) is not None]
    for reaction in found:
        registry._unregister_reaction(reaction)
    if found:
        # NEURON may have planned first, where the script used neuron.rxd before it imported ecsmpi.
        registry.clear_rates()
    return found


def hand_back(reaction: Any) -> None:
    """Let NEURON run a withdrawn reaction again from its next initialisation on. Local."""
    registry._register_reaction(reaction)
    if initializer.is_initialized():
        # As when the reaction was made: NEURON has since initialised those that it had.
        reaction._do_init()
