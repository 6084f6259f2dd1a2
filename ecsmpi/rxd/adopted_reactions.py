"""NEURON's own reactions inside cells, which ecsmpi runs where it runs others at the segments: one
system for each segment.
"""

from __future__ import annotations

import weakref

from ecsmpi.neuron_api import intracellular_reactions
from ecsmpi.neuron_api.expressions import as_expression
from ecsmpi.neuron_api.intracellular_reactions import MembraneReactionFacts, RateFacts, facts_of
from ecsmpi.rxd.compat import missing
from ecsmpi.rxd.multicompartment import in_regions, listed
from ecsmpi.rxd.reaction_terms import Term
from ecsmpi.rxd.region_arguments import are_none
from ecsmpi.rxd.schemes import both_ways, change_and_rate


class Taken:
    """A reaction of NEURON's that NEURON does not run."""

    def __init__(self, reaction):
        self._of = weakref.ref(reaction)

    @property
    def reaction(self):
        """NEURON's, or None where the script has dropped it."""
        return self._of()

    @property
    def key(self) -> tuple:
        """Another one after each change of a rate."""
        return intracellular_reactions.identity(self.reaction)

    def terms(self) -> list[Term]:
        """Its laws; an exception where ecsmpi has none for it."""
        facts, label = facts_of(self.reaction), repr(self.reaction)
        if isinstance(facts, RateFacts):
            acts = facts.species is not None and not are_none(facts.regions)
            return _terms_of_rate(facts, label) if acts else []
        rates = facts.forward, facts.backward
        if not isinstance(facts, MembraneReactionFacts):
            changes, rate = change_and_rate(facts.scheme, *rates, facts.custom_dynamics)
            return in_regions(changes, rate, listed(facts.regions), label)
        rates = both_ways(facts.scheme, *rates)
        changes, rate = change_and_rate(facts.scheme, *rates, facts.custom_dynamics)
        membrane = facts.regions[0]
        return [
            Term(
                list(changes.items()),
                rate,
                membrane,
                membrane,
                facts.scale_by_area,
                facts.membrane_flux,
                label,
            )
        ]


def _terms_of_rate(facts: RateFacts, label: str) -> list[Term]:
    if facts.is_range_variable or facts.membrane_flux:
        raise missing(
            "a Rate of a range variable, or with membrane_flux, beside reactions across the membrane"
        )
    rate = as_expression(facts.rate)
    return in_regions({facts.species: 1}, rate, listed(facts.regions), label)


class NeuronsReactions:
    """Takes NEURON's reactions from it, and gives them back."""

    def __init__(self):
        self._taken = []

    def take(self) -> None:
        """All that NEURON has now, before it compiles them."""
        self._taken += [Taken(reaction) for reaction in intracellular_reactions.withdraw_all()]

    def give_back(self) -> None:
        """NEURON runs them again from its next initialisation on."""
        for taken in self.taken:
            intracellular_reactions.hand_back(taken.reaction)
        self._taken = []

    def forget(self) -> None:
        """There are none, and NEURON does not get them back."""
        self._taken = []

    @property
    def taken(self) -> list[Taken]:
        """Those that the script still holds."""
        self._taken = [one for one in self._taken if one.reaction is not None]
        return self._taken
