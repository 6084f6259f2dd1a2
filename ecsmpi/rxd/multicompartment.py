"""Reactions across the membrane, and those inside cells that read voxels: ecsmpi runs them at the
segments, with all of NEURON's there.
"""

from __future__ import annotations

import itertools

from ecsmpi.neuron_api.expressions import as_expression, leaves
from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.neuron_api.intracellular_species import (
    is_membrane,
    regions_of,
    species_and_region_of,
)
from ecsmpi.neuron_api.rxd_names import InsidePart, InsideSpecies, read_arguments
from ecsmpi.rxd.compat import RxDException, RxdStandIn, missing
from ecsmpi.rxd.forgetting import made_inside
from ecsmpi.rxd.intracellular import names_extracellular
from ecsmpi.rxd.numpy_operands import plain
from ecsmpi.rxd.reaction_terms import Term
from ecsmpi.rxd.region_arguments import are_none
from ecsmpi.rxd.schemes import both_ways, change_and_rate, is_custom
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.signatures import shows
from ecsmpi.rxd.transmembrane_species import is_half, within

_keys = itertools.count()


class AtSegments(RxdStandIn):
    """What ecsmpi runs at segments. The simulation holds it weakly: ``del reaction`` ends it.
    ``key`` is another after each change.
    """

    settable = ("key",)

    def _take_part(self) -> None:
        for term in self.terms():
            term.expression(lambda part: 1)
        self.key = next(_keys)
        simulation.membrane_reactions.add_reaction(self)


@shows(
    membrane=None,
    border=None,
    scale_by_area=True,
    membrane_flux=False,
    custom_dynamics=None,
    mass_action=None,
)
class MultiCompartmentReaction(AtSegments):
    """A reaction between regions that a membrane separates, of which some may be extracellular, per
    area of the membrane.

    As in NEURON: a scheme of species[region], rates in molecules/(um2 ms), or in molecules/ms with
    scale_by_area=False, in which species without [region] are those on the membrane;
    membrane (or border): the membrane's region, on whose sections it runs; membrane_flux: it
    carries a current, which enters the cell once. What it takes from a voxel and brings to it is
    summed over the voxel's segments. Where nothing is extracellular, it is NEURON's own. Raises
    RxDException naming the argument.
    """

    original = "MultiCompartmentReaction"

    def __new__(cls, *arguments, **named):
        if not names_extracellular(arguments, named) and not _carries_of_both_sides(
            arguments, named
        ):
            reaction = neuron_rxd.MultiCompartmentReaction(*arguments, **named)
            made_inside.add(reaction)
            return reaction
        return super().__new__(cls)

    def __init__(
        self,
        *arguments,
        membrane=None,
        border=None,
        scale_by_area=True,
        membrane_flux=False,
        **named,
    ):
        self._membrane = membrane or border
        if not isinstance(self._membrane, neuron_rxd.Region) or not is_membrane(self._membrane):
            raise RxDException(
                f"a reaction across the membrane needs membrane=..., a membrane's region of cells, got {self._membrane!r}"
            )
        self._scheme, rate, second, _, custom, mass_action = read_arguments(arguments, named)
        self._custom = is_custom(custom, mass_action)
        self._per_area, self._carries = bool(scale_by_area), bool(membrane_flux)
        self._forward, self._backward = both_ways(self._scheme, rate, second)
        self._take_part()

    def terms(self) -> list[Term]:
        """The one law that it is."""
        changes, rate = change_and_rate(self._scheme, self._forward, self._backward, self._custom)
        self._refuse_unclear(changes, rate)
        return [
            Term(
                list(changes.items()),
                within(rate),
                self._membrane,
                self._membrane,
                self._per_area,
                self._carries,
                repr(self),
            )
        ]

    def _refuse_unclear(self, changes, rate) -> None:
        """What the scheme names says its region; what the rate names is else on the membrane, or in
        the one region that it has.
        """
        several = [
            leaf for leaf in [*changes, *leaves(rate)] if len(getattr(leaf, "regions", ())) > 1
        ]
        for leaf in several:
            if leaf in changes or self._membrane not in leaf.regions:
                raise RxDException(f"say which region of {leaf} the reaction is in: {leaf}[region]")

    @property
    def f_rate(self):
        """The forward rate. Set it on every rank: the next step takes it in."""
        return self._forward

    @f_rate.setter
    def f_rate(self, rate) -> None:
        self._forward = rate
        self._take_part()

    @property
    def b_rate(self):
        """The backward rate. Set it on every rank: the next step takes it in."""
        return self._backward

    @b_rate.setter
    def b_rate(self, rate) -> None:
        self._backward = rate
        self._take_part()

    def __repr__(self):
        return f"MultiCompartmentReaction({self._scheme})"


class InCells(AtSegments):
    """A rate or reaction of NEURON's species inside cells that reads the voxels in which these lie.
    NEURON's own cannot.
    """

    original = "Reaction"

    def __init__(self, changes_and_rate, regions, label):
        self._changes, self._rate = changes_and_rate
        self._regions, self._label = regions, label
        self._take_part()

    def terms(self) -> list[Term]:
        """A law for each of its regions."""
        return in_regions(self._changes, self._rate, self._regions, self._label)

    def __repr__(self):
        return self._label


def in_cells(kind: str, arguments: tuple, named: dict):
    """A Rate or a Reaction, as given, that changes something inside cells alone and reads voxels;
    None where it is no such one.
    """
    if not _changes_cells(arguments[0] if arguments else named.get("species", named.get("scheme"))):
        return None
    arguments, named = (
        tuple(map(within, arguments)),
        {name: within(one) for name, one in named.items()},
    )
    return (_rate if kind == "Rate" else _reaction)(arguments, named)


def _rate(arguments, named) -> InCells:
    species, rate, regions, flux = (*arguments, None, None, None, None)[:4]
    if flux or named.get("membrane_flux"):
        raise missing("membrane_flux of a Rate")
    species, rate = species or named["species"], plain(named.get("rate", rate))
    regions = named.get("regions") if regions is None else regions
    changes = {} if are_none(regions) else {species: 1}
    return InCells((changes, as_expression(rate)), listed(regions), f"Rate({species}, {rate})")


def _reaction(arguments, named) -> InCells:
    scheme, rate, second, regions, custom, mass_action = read_arguments(arguments, named)
    rates = both_ways(scheme, rate, second)
    return InCells(
        change_and_rate(scheme, *rates, is_custom(custom, mass_action)),
        listed(regions),
        f"Reaction({scheme})",
    )


def in_regions(changes: dict, rate, regions: list, label: str) -> list[Term]:
    """The laws of a rate or reaction of NEURON's species: where all are that do not say so; where
    none is, where the changed ones are.

    None where nothing is changed.
    """
    if not changes:
        return []
    where = _regions_of(next(iter(changes)))
    where = [region for region in where if region in regions] if regions else where
    whole = [leaf for leaf in [*changes, *leaves(rate)] if isinstance(leaf, InsideSpecies)]
    shared = [region for region in where if all(region in leaf.regions for leaf in whole)]
    return [Term(list(changes.items()), rate, region, label=label) for region in shared or where]


def listed(regions) -> list:
    """Regions as they are given: one, several or None."""
    return (
        []
        if regions is None or regions == [None]
        else list(regions)
        if hasattr(regions, "__len__")
        else [regions]
    )


def _regions_of(leaf) -> list:
    return [species_and_region_of(leaf)[1]] if isinstance(leaf, InsidePart) else regions_of(leaf)


def _changes_cells(changed) -> bool:
    named = leaves(changed)
    return bool(named) and all(isinstance(leaf, (InsideSpecies, InsidePart)) for leaf in named)


def _carries_of_both_sides(arguments, named) -> bool:
    """Whether a reaction inside the cell carries a current of an ion that is outside, too: no voxel
    gets that current.
    """
    return bool(named.get("membrane_flux")) and any(
        is_half(leaf) for one in arguments for leaf in leaves(one)
    )
