"""NEURON's own reactions inside cells, adopted where ecsmpi runs others at the segments.

All reactions at a segment are one system, so ecsmpi then runs NEURON's as well.
"""

from __future__ import annotations

import weakref
from typing import Any

from ecsmpi.neuron_api import intracellular_reactions
from ecsmpi.neuron_api.expressions import as_expression
from ecsmpi.neuron_api.intracellular_reactions import MembraneReactionFacts, RateFacts, facts_of
from ecsmpi.rxd.errors import missing
from ecsmpi.rxd.reaction_terms import Term
from ecsmpi.rxd.region_arguments import is_empty_list, region_list
from ecsmpi.rxd.schemes import changes_and_rate, forward_and_backward
from ecsmpi.rxd.segment_reactions import terms_in_regions


class AdoptedReaction:
    """A reaction of NEURON's that ecsmpi runs in NEURON's place. It is held weakly."""

    def __init__(self, reaction: Any):
        self._reference = weakref.ref(reaction)

    @property
    def reaction(self) -> Any:
        """NEURON's reaction, or None if the script has dropped it."""
        return self._reference()

    def terms(self) -> list[Term]:
        """The rates of the reaction, and what they change.

        Raises
        ------
        MissingFeature
            If ecsmpi cannot run it.
        """
        facts = facts_of(self.reaction)
        label = repr(self.reaction)
        if isinstance(facts, RateFacts):
            return _terms_of_rate(facts, label)
        rates = facts.forward, facts.backward
        if not isinstance(facts, MembraneReactionFacts):
            changes, rate = changes_and_rate(facts.scheme, *rates, facts.custom_dynamics)
            return terms_in_regions(changes, rate, region_list(facts.regions), label)
        rates = forward_and_backward(facts.scheme, *rates)
        changes, rate = changes_and_rate(facts.scheme, *rates, facts.custom_dynamics)
        membrane = facts.regions[0]
        term = Term(
            changes=list(changes.items()),
            rate=rate,
            region=membrane,
            membrane=membrane,
            per_area=facts.scale_by_area,
            carries=facts.membrane_flux,
            label=label,
        )
        return [term]


def _terms_of_rate(facts: RateFacts, label: str) -> list[Term]:
    if facts.species is None or is_empty_list(facts.regions):
        return []
    if facts.is_range_variable or facts.membrane_flux:
        raise missing(
            "a Rate of a range variable, or with membrane_flux, "
            "beside reactions across the membrane"
        )
    rate = as_expression(facts.rate)
    return terms_in_regions({facts.species: 1}, rate, region_list(facts.regions), label)


class AdoptedReactions:
    """Adopts NEURON's reactions, and hands them back to NEURON. Local."""

    def __init__(self) -> None:
        self._adopted: list[AdoptedReaction] = []

    def adopt_all(self) -> None:
        """Adopt all reactions that NEURON has, before it compiles them."""
        for reaction in intracellular_reactions.withdraw_all():
            self._adopted.append(AdoptedReaction(reaction))

    def hand_back(self) -> None:
        """Let NEURON run its reactions again, from its next initialisation on."""
        for adopted in self.reactions:
            intracellular_reactions.hand_back(adopted.reaction)
        self._adopted = []

    def forget(self) -> None:
        """Forget the reactions; NEURON does not get them back."""
        self._adopted = []

    def keys(self) -> list[tuple[int, ...]]:
        """The keys of `reactions`. Cheap enough for every step."""
        living = [one.reaction for one in self._adopted]
        return [intracellular_reactions.identity(one) for one in living if one is not None]

    @property
    def reactions(self) -> list[AdoptedReaction]:
        """The adopted reactions that the script still holds."""
        self._adopted = [one for one in self._adopted if one.reaction is not None]
        return self._adopted
