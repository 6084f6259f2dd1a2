"""Rates and reactions of extracellular species, in the regions in which all of them are; NEURON's
own inside cells.
"""

from __future__ import annotations

import itertools

import numpy as np

from ecsmpi.neuron_api.expressions import direction_of, sides_of
from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.neuron_api.rxd_names import read_arguments
from ecsmpi.reactions.expression import Concentration
from ecsmpi.reactions.rate_law import Law
from ecsmpi.rxd.arithmetic import expression_of, species_in, tree_of
from ecsmpi.rxd.compat import RxDException, RxdStandIn, missing
from ecsmpi.rxd.extracellular import Extracellular
from ecsmpi.rxd.forgetting import made_inside, refuse_forgotten
from ecsmpi.rxd.intracellular import names_extracellular
from ecsmpi.rxd.multicompartment import in_cells
from ecsmpi.rxd.parameter import Parameter
from ecsmpi.rxd.region_arguments import are_none, listed, warn_of_none
from ecsmpi.rxd.schemes import both_ways, change_and_rate, is_custom
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.signatures import shows, shows_arguments
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular
from ecsmpi.rxd.transmembrane_species import names_both_sides, on_both_sides, without
from ecsmpi.solver.slab_field import SlabField

_keys = itertools.count()


class Reacting(RxdStandIn):
    """What a Rate and a Reaction share. The simulation holds them weakly: ``del reaction`` ends it.

    ``key`` is another after each change of a rate, so that the next step takes it in.
    """

    settable = ("key",)

    def __new__(cls, *args, **kwargs):
        original = getattr(neuron_rxd, cls.original)
        if not names_extracellular(args, kwargs):
            reaction = original(*args, **kwargs)
            made_inside.add(reaction)
            return reaction
        if (reaction := in_cells(cls.original, args, kwargs)) is not None:
            return reaction
        halves = (
            on_both_sides(cls, original, args, kwargs) if names_both_sides(args, kwargs) else None
        )
        return super().__new__(cls) if halves is None else halves

    @property
    def regions(self) -> list[Extracellular]:
        """Where it acts: the regions that the script gives, else those in which all of its species
        are now.
        """
        return self._everywhere() if self._given is None else self._given

    def _take_part(self, regions, where) -> None:
        self._given, self._where = listed(regions), where
        self._check(self._law())
        self.key = next(_keys)
        simulation.registry.add_reaction(self)

    def _check(self, law) -> None:
        """Raise RxDException where a species is not in all of the regions, ValueError for numbers
        that are none.
        """
        changes, rate = law
        for leaf in [*changes, *species_in(rate)]:
            refuse_forgotten(species_of(leaf))
        expression_of(rate, lambda _: Concentration(0))
        for region in self.regions:
            if not isinstance(region, Extracellular):
                raise RxDException(
                    f"{self}: its regions must be rxd.Extracellular of ecsmpi, got {region!r}"
                )
            misplaced = [leaf for leaf in changes if region not in regions_of(leaf)]
            for leaf in [
                *misplaced,
                *(leaf for leaf in species_in(rate) if not _can_read(leaf, region)),
            ]:
                raise RxDException(
                    f"{self}: {leaf} is not in {region!r}; all species of a reaction must be in its region, though a rate can read "
                    "species[other] of another one with the same box and dx: add the region to them, or restrict the reaction by "
                    "regions=[...]"
                )

    def law(self, region: Extracellular, numbers: dict) -> Law | None:
        """The law in this region, or None; numbers: {(species' key, region): its number there}.
        Local.
        """
        if region not in self.regions or (law := self._law()) is None:
            return None
        counts, rate = law
        changes = {}
        for leaf, count in counts.items():
            if not isinstance(species_of(leaf), Parameter):
                number = numbers[species_of(leaf).key, region]
                changes[number] = changes.get(number, 0) + count
        expression = expression_of(
            rate,
            lambda leaf: Concentration(numbers[species_of(leaf).key, _region_of(leaf, region)]),
        )
        return Law(expression, changes, repr(self), self._mask(region, next(iter(counts))))

    def _mask(self, region, leaf) -> np.ndarray | None:
        """(n, ny, nz) where it acts in this rank's slab."""
        if self._where is None:
            return None
        if isinstance(self._where, Species):
            return simulation.field(self._where, region).owned != 0
        field = SlabField(region.box, simulation.space(region).planes)
        species_of(leaf)[region].fill(field, self._where)
        return field.owned != 0


@shows_arguments
class Rate(Reacting):
    """A contribution to the rate of change of a species, in mM/ms: d species / dt = rate.

    species: a species or its part in a region, species[region]. rate: an expression of species,
    parameters, numbers and
    functions of rxdmath. regions: where, else wherever the species is. where: in which voxels, by
    an array of the box's shape, a function of a node, or a Parameter, taken in at finitialize:
    those that are not 0. Several rates of a species add up. Raises RxDException or ValueError
    naming the argument. Inside cells it is NEURON's own.
    """

    original = "Rate"

    def __init__(self, species, rate, regions=None, membrane_flux=False, where=None):
        species, rate, where = map(without, (species, rate, where))
        if membrane_flux:
            raise missing("membrane_flux of a Rate in the extracellular space")
        if not isinstance(species, (Species, SpeciesOnExtracellular)):
            raise RxDException(
                f"this Rate is that of an extracellular species or of species[region], got {species!r}"
            )
        self._tree = tree_of(rate)
        self._species = species_of(species)._held  # weakly: a rate ends with its species
        if regions is None and isinstance(species, SpeciesOnExtracellular):
            regions = [species.region]
        self._take_part(regions, where)
        if are_none(regions):
            warn_of_none(f"{self}", frames=1)

    def _everywhere(self) -> list[Extracellular]:
        return regions_of(self._species())

    def _law(self):
        """({species: how many come with it}, rate), or None where the species is gone."""
        return None if self._species() is None else ({self._species(): 1}, self._tree)

    def __repr__(self):
        return f"Rate({self._species()}, {self._tree})"


@shows(regions=None, custom_dynamics=None, mass_action=None, where=None)
class Reaction(Reacting):
    """A reaction of a scheme, such as k + A <> AK, at rates in mM/ms.

        Reaction(k + A, AK, kf, kb)         k + A <> AK, forward kf [k] [A], backward kb [AK]
        Reaction(2 * A + B, C, kf)          2 A + B > C
        Reaction(A > B, kf)                 also A < B, and A != B for <>
        Reaction(A, B, f, mass_action=False)    custom_dynamics: f itself is the rate

    kf, kb: numbers or expressions. regions: where, else wherever all species of the scheme are.
    where: as for Rate. Raises RxDException or ValueError naming the argument. Inside cells it is
    NEURON's own.
    """

    original = "Reaction"

    def __init__(self, *args, where=None, **kwargs):
        _refuse_unknown(kwargs)
        where = without(where)
        self._scheme, rate, second, regions, custom, mass_action = read_arguments(
            tuple(map(without, args)), kwargs
        )
        if custom is not None and mass_action is not None:
            raise RxDException("give custom_dynamics or mass_action of a Reaction, not both")
        if (second is None) != (direction_of(self._scheme) != "<>"):
            raise RxDException(
                f"{self._scheme} needs {'two rates' if second is None else 'one rate'}, got {len(args)} arguments"
            )
        self._custom = is_custom(custom, mass_action)
        self._forward, self._backward = both_ways(self._scheme, rate, second)
        if regions is None:
            _require_shared_region(self._scheme)
        self._take_part(regions, where)
        if are_none(regions):
            warn_of_none(f"{self}", frames=1)

    def _everywhere(self) -> list[Extracellular]:
        return _shared_regions(self._scheme)

    @property
    def f_rate(self):
        """The forward rate. Set it on every rank: the next step takes it in."""
        return self._forward

    @f_rate.setter
    def f_rate(self, rate) -> None:
        self._change(">", rate, self._backward)

    @property
    def b_rate(self):
        """The backward rate. Set it on every rank: the next step takes it in."""
        return self._backward

    @b_rate.setter
    def b_rate(self, rate) -> None:
        self._change("<", self._forward, rate)

    def _change(self, direction: str, forward, backward) -> None:
        if direction not in direction_of(self._scheme):
            raise RxDException(
                f"{self._scheme} has no {'forward' if direction == '>' else 'backward'} reaction"
            )
        self._check(self._law_of(forward, backward))
        self._forward, self._backward, self.key = forward, backward, next(_keys)

    def _law(self):
        return self._law_of(self._forward, self._backward)

    def _law_of(self, forward, backward):
        """({species: how many come with it}, rate)."""
        return change_and_rate(self._scheme, tree_of(forward), tree_of(backward), self._custom)

    def __repr__(self):
        rates = [
            str(rate)
            for sign, rate in ((">", self._forward), ("<", self._backward))
            if sign in direction_of(self._scheme)
        ]
        return (
            f"Reaction({self._scheme}, {', '.join(rates)}{', custom_dynamics=True' * self._custom})"
        )


AT_A_MEMBRANE = {
    "membrane",
    "membrane_flux",
    "scale_by_area",
}  # NEURON's Reaction takes these too, and has no use for them


def _refuse_unknown(named) -> None:
    if named.get("membrane") is not None or named.get("membrane_flux"):
        raise RxDException(
            "a Reaction is one within a region: use MultiCompartmentReaction for what crosses a membrane"
        )
    if unknown := set(named) - {"regions", "custom_dynamics", "mass_action"} - AT_A_MEMBRANE:
        raise TypeError(f"Reaction has no argument {', '.join(sorted(unknown))}")


def species_of(leaf) -> Species:
    """The species of a species or of its part in a region."""
    return leaf.species if isinstance(leaf, SpeciesOnExtracellular) else leaf


def _region_of(leaf, region: Extracellular) -> Extracellular:
    """Where a law in a region reads a species: there, but for its part in another region."""
    return leaf.region if isinstance(leaf, SpeciesOnExtracellular) else region


def _can_read(leaf, region: Extracellular) -> bool:
    """Whether a species has values in the voxels of a region: there, or in another region on the
    same grid.
    """
    there = _region_of(leaf, region)
    return there in regions_of(leaf) and there.box == region.box


def regions_of(leaf) -> list[Extracellular]:
    """The regions of a species or of its part in a region; none of what is not in the extracellular
    space.
    """
    if isinstance(leaf, SpeciesOnExtracellular):
        return [leaf.region]
    return leaf.regions if isinstance(leaf, Species) else []


def _shared_regions(scheme) -> list[Extracellular]:
    """The regions that all species of a scheme have in common."""
    left, right = sides_of(scheme)
    leaves = [*left, *right]
    return [
        region
        for region in regions_of(leaves[0])
        if all(region in regions_of(leaf) for leaf in leaves)
    ]


def _require_shared_region(scheme) -> None:
    """Raise RxDException where no region has all species of a scheme, unless some of them have no
    region yet.
    """
    left, right = sides_of(scheme)
    leaves = [*left, *right]
    if not _shared_regions(scheme) and all(regions_of(leaf) for leaf in leaves):
        raise RxDException(
            f"the species of {scheme} have no region in common: a reaction is one of species in the same box"
        )
