"""Reactions that ecsmpi runs at the segments of cells, as one system with NEURON's own there."""

from __future__ import annotations

import itertools
from typing import Any

from ecsmpi.neuron_api.expressions import as_expression, leaves
from ecsmpi.neuron_api.intracellular_species import regions_of, species_and_region_of
from ecsmpi.neuron_api.rxd_names import InsidePart, InsideSpecies, read_arguments
from ecsmpi.rxd.errors import missing
from ecsmpi.rxd.named_species import replaced_species
from ecsmpi.rxd.numpy_operands import plain
from ecsmpi.rxd.reaction_terms import Term
from ecsmpi.rxd.region_arguments import is_empty_list, region_list
from ecsmpi.rxd.schemes import changes_and_rate, forward_and_backward, is_custom
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.stand_in import RxdStandIn
from ecsmpi.rxd.transmembrane_species import within

_keys = itertools.count()


class SegmentReaction(RxdStandIn):
    """Base of reactions at segments. The simulation holds them weakly: ``del reaction`` ends one.

    Attributes
    ----------
    key : int
        Changes whenever a rate is set.
    """

    settable = ("key",)
    hidden = ("key", "replaced_species", "terms")
    key: int

    def terms(self) -> list[Term]:
        """The rates of the reaction, and what they change."""
        raise NotImplementedError

    def replaced_species(self) -> list[str]:
        """The species that it names and whose place others have taken."""
        return replaced_species(self)

    def _register(self) -> None:
        """Let the next step take in the reaction; RxDException if a rate cannot be computed."""
        for term in self.terms():
            term.expression(lambda reactant: 1)
        self.key = next(_keys)
        simulation.membrane_reactions.add_reaction(self)


class IntracellularReaction(SegmentReaction):
    """A rate or reaction inside cells that reads the voxels around them, which NEURON's cannot."""

    original = "Reaction"

    def __init__(self, changes: dict[Any, float], rate: Any, regions: list[Any], label: str):
        self._changes = changes
        self._rate = rate
        self._regions = regions
        self._label = label
        self._register()

    def terms(self) -> list[Term]:
        """One term for each of the regions."""
        return terms_in_regions(self._changes, self._rate, self._regions, self._label)

    def __repr__(self) -> str:
        return self._label


def intracellular_reaction(
    kind: str, arguments: tuple[Any, ...], named: dict[str, Any]
) -> IntracellularReaction | None:
    """A Rate or Reaction that changes species inside cells alone and reads voxels.

    Parameters
    ----------
    kind
        "Rate" or "Reaction".
    arguments, named
        Its arguments.

    Returns
    -------
    IntracellularReaction or None
        None if it changes anything that is not inside cells.
    """
    changed = arguments[0] if arguments else named.get("species", named.get("scheme"))
    if not _is_inside(changed):
        return None
    arguments = tuple(map(within, arguments))
    named = {name: within(argument) for name, argument in named.items()}
    return _rate(arguments, named) if kind == "Rate" else _reaction(arguments, named)


def _rate(arguments: tuple[Any, ...], named: dict[str, Any]) -> IntracellularReaction:
    species, rate, regions, membrane_flux = (*arguments, None, None, None, None)[:4]
    if membrane_flux or named.get("membrane_flux"):
        raise missing("membrane_flux of a Rate")
    species = species or named["species"]
    rate = plain(named.get("rate", rate))
    if regions is None:
        regions = named.get("regions")
    changes: dict[Any, float] = {} if is_empty_list(regions) else {species: 1}
    label = f"Rate({species}, {rate})"
    return IntracellularReaction(changes, as_expression(rate), region_list(regions), label)


def _reaction(arguments: tuple[Any, ...], named: dict[str, Any]) -> IntracellularReaction:
    scheme, first, second, regions, custom, mass_action = read_arguments(arguments, named)
    rates = forward_and_backward(scheme, first, second)
    changes, rate = changes_and_rate(scheme, *rates, is_custom(custom, mass_action))
    return IntracellularReaction(changes, rate, region_list(regions), f"Reaction({scheme})")


def terms_in_regions(
    changes: dict[Any, float], rate: Any, regions: list[Any], label: str
) -> list[Term]:
    """The terms of a rate or reaction of NEURON's species inside cells, one for each region.

    It acts where all species are that are named without a region; if there is no such region,
    where the first changed species is. With ``regions`` it acts in these only.
    """
    if not changes:
        return []
    where = _regions_of(next(iter(changes)))
    if regions:
        where = [region for region in where if region in regions]
    named = [*changes, *leaves(rate)]
    whole = [leaf for leaf in named if isinstance(leaf, InsideSpecies)]
    shared = [region for region in where if all(region in leaf.regions for leaf in whole)]
    pairs = list(changes.items())
    return [Term(pairs, rate, region, label=label) for region in shared or where]


def _regions_of(leaf: Any) -> list[Any]:
    if isinstance(leaf, InsidePart):
        _, region = species_and_region_of(leaf)
        return [region]
    return regions_of(leaf)


def _is_inside(changed: Any) -> bool:
    """Whether all that a species or a scheme names is inside cells."""
    named = leaves(changed)
    return bool(named) and all(isinstance(leaf, (InsideSpecies, InsidePart)) for leaf in named)
