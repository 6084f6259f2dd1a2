"""NEURON's own reactions inside cells, which ecsmpi runs where it runs others at the segments: one
system for each segment.
"""

from __future__ import annotations

import weakref

from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.neuron_api.rxd_names import RangeVar, initializer, registry, rxdmath
from ecsmpi.rxd.errors import missing
from ecsmpi.rxd.multicompartment import in_regions
from ecsmpi.rxd.reaction_terms import Term
from ecsmpi.rxd.region_arguments import is_empty_list, region_list
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
        rates = ("_original_rate", "_original_rate_f", "_original_rate_b")
        return id(self.reaction), *(id(getattr(self.reaction, rate, None)) for rate in rates)

    def terms(self) -> list[Term]:
        """Its laws; an exception where ecsmpi has none for it."""
        one = self.reaction
        if isinstance(one, neuron_rxd.Rate):
            acts = one._species() is not None and not is_empty_list(one._regions)
            return self._of_rate(one) if acts else []
        rates = one._original_rate_f, one._original_rate_b
        if isinstance(one, neuron_rxd.Reaction):
            return in_regions(
                *change_and_rate(one._scheme, *rates, one._custom_dynamics),
                region_list(one._regions),
                repr(one),
            )
        changes, rate = change_and_rate(
            one._scheme, *both_ways(one._scheme, *rates), one._custom_dynamics
        )
        return [
            Term(
                list(changes.items()),
                rate,
                one._regions[0],
                one._regions[0],
                one._scale_by_area,
                one._membrane_flux,
                repr(one),
            )
        ]

    def _of_rate(self, rate) -> list[Term]:
        if isinstance(rate._original_rate, RangeVar) or rate._membrane_flux:
            raise missing(
                "a Rate of a range variable, or with membrane_flux, beside reactions across the membrane"
            )
        return in_regions(
            {rate._species(): 1},
            rxdmath._ensure_arithmeticed(rate._original_rate),
            region_list(rate._regions),
            repr(rate),
        )


class NeuronsReactions:
    """Takes NEURON's reactions from it, and gives them back."""

    def __init__(self):
        self._taken = []

    def take(self) -> None:
        """All that NEURON has now, before it compiles them."""
        found = [
            reaction
            for reference in registry._all_reactions
            if (reaction := reference()) is not None
        ]
        for reaction in found:
            registry._unregister_reaction(reaction)
            self._taken.append(Taken(reaction))
        if found:
            # NEURON may have planned first, where the script has used its rxd before it imported
            # ecsmpi
            registry.clear_rates()

    def give_back(self) -> None:
        """NEURON runs them again from its next initialisation on."""
        for taken in self.taken:
            registry._register_reaction(taken.reaction)
            if initializer.is_initialized():
                # as at its making: NEURON has since made ready those that it had
                taken.reaction._do_init()
        self._taken = []

    def forget(self) -> None:
        """There are none, and NEURON does not get them back."""
        self._taken = []

    @property
    def taken(self) -> list[Taken]:
        """Those that the script still holds."""
        self._taken = [one for one in self._taken if one.reaction is not None]
        return self._taken
