"""Base of rates and reactions in voxels: where they act, and the law that the solver runs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.reactions.expression import Concentration
from ecsmpi.reactions.rate_law import Law
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.extracellular import Extracellular
from ecsmpi.rxd.intracellular import names_extracellular
from ecsmpi.rxd.model_reset import made_inside, refuse_forgotten
from ecsmpi.rxd.named_species import replaced_species
from ecsmpi.rxd.parameter import Parameter
from ecsmpi.rxd.region_arguments import regions_or_none
from ecsmpi.rxd.segment_reactions import intracellular_reaction
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.species_arithmetic import solver_expression, species_in
from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular
from ecsmpi.rxd.stand_in import RxdStandIn
from ecsmpi.rxd.transmembrane_reactions import on_both_sides
from ecsmpi.rxd.transmembrane_species import names_both_sides

# ({leaf: number of molecules that come with one reaction}, NEURON's expression of the rate)
ChangesAndRate = tuple[dict[Any, float], Any]

_keys = itertools.count()


class VoxelReaction(RxdStandIn):
    """Base of `rxd.Rate` and `rxd.Reaction`. The simulation holds them weakly.

    Attributes
    ----------
    key : int
        Changes whenever a rate is set, so that the next step takes it in.
    """

    settable = ("key",)
    hidden = ("key", "law", "replaced_species")
    key: int

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        original = getattr(neuron_rxd, cls.original)
        if not names_extracellular(args, kwargs):
            reaction = original(*args, **kwargs)
            made_inside.add(reaction)
            return reaction
        inside = intracellular_reaction(cls.original, args, kwargs)
        if inside is not None:
            return inside
        if names_both_sides(args, kwargs):
            halves = on_both_sides(cls, original, args, kwargs)
            if halves is not None:
                return halves
        return super().__new__(cls)

    def replaced_species(self) -> list[str]:
        """The species that it names and whose place others have taken."""
        return replaced_species(self)

    @property
    def regions(self) -> list[Extracellular]:
        """Where it acts: in the given regions, else in those that have all of its species now."""
        return self._all_regions() if self._given_regions is None else self._given_regions

    def _all_regions(self) -> list[Extracellular]:
        """The regions in which it acts if the script gives none."""
        raise NotImplementedError

    def _changes_and_rate(self) -> ChangesAndRate | None:
        """The changes and the rate of now; None if the species is gone."""
        raise NotImplementedError

    def _register(self, regions: Any, where: Any) -> None:
        """Let the next step take in the reaction, once its species and rates are checked."""
        self._given_regions = regions_or_none(regions)
        self._where = where
        changes_and_rate = self._changes_and_rate()
        assert changes_and_rate is not None  # the script holds the species that it has just named
        self._check(changes_and_rate)
        self._renew_key()
        simulation.registry.add_reaction(self)

    def _renew_key(self) -> None:
        self.key = next(_keys)

    def _check(self, changes_and_rate: ChangesAndRate) -> None:
        """Raise RxDException if a species is not in all regions, ValueError for a wrong number."""
        changes, rate = changes_and_rate
        read = species_in(rate)
        for leaf in [*changes, *read]:
            refuse_forgotten(species_of(leaf))
        solver_expression(rate, lambda _: Concentration(0))
        for region in self.regions:
            if not isinstance(region, Extracellular):
                raise RxDException(
                    f"{self}: its regions must be rxd.Extracellular of ecsmpi, got {region!r}"
                )
            misplaced = [leaf for leaf in changes if region not in regions_of(leaf)]
            misplaced += [leaf for leaf in read if not _can_read(leaf, region)]
            if misplaced:
                raise RxDException(
                    f"{self}: {misplaced[0]} is not in {region!r}; all species of a reaction must "
                    "be in its region, though a rate can read species[other] of another one with "
                    "the same box and dx: add the region to them, or restrict the reaction by "
                    "regions=[...]"
                )

    def law(self, region: Extracellular, numbers: dict[tuple[int, Any], int]) -> Law | None:
        """The law that the solver runs in a region. Local.

        Parameters
        ----------
        region
            An extracellular region.
        numbers
            {(key of a species, region): its number for the solver}.

        Returns
        -------
        Law or None
            None if the reaction does not act in the region, or its species is gone.
        """
        if region not in self.regions:
            return None
        changes_and_rate = self._changes_and_rate()
        if changes_and_rate is None:
            return None
        counts, rate = changes_and_rate
        changes: dict[int, Any] = {}
        for leaf, count in counts.items():
            if not isinstance(species_of(leaf), Parameter):
                number = numbers[species_of(leaf).key, region]
                changes[number] = changes.get(number, 0) + count

        def concentration(leaf: Any) -> Concentration:
            return Concentration(numbers[species_of(leaf).key, _region_of(leaf, region)])

        expression = solver_expression(rate, concentration)
        mask = self._mask(region, next(iter(counts)))
        return Law(expression, changes, repr(self), mask)

    def _mask(self, region: Extracellular, leaf: Any) -> NDArray[np.bool_] | None:
        """(n, ny, nz) voxels of this rank's slab in which it acts; None for all."""
        if self._where is None:
            return None
        values: Any
        if isinstance(self._where, Species):
            values = simulation.field(self._where, region).owned
        else:
            profile = species_of(leaf)[region].profile(self._where, f"where of {self}")
            values = profile.planes(region.box, *simulation.space(region).planes)
        mask: NDArray[np.bool_] = values != 0
        return mask


def species_of(leaf: Any) -> Species:
    """The species of a leaf: of a species, or of a species in one region."""
    species: Species = leaf.species if isinstance(leaf, SpeciesOnExtracellular) else leaf
    return species


def regions_of(leaf: Any) -> list[Extracellular]:
    """The extracellular regions of a leaf; none if it is not an extracellular species."""
    if isinstance(leaf, SpeciesOnExtracellular):
        return [leaf.region]
    return leaf.regions if isinstance(leaf, Species) else []


def _region_of(leaf: Any, region: Extracellular) -> Any:
    """The region where a law reads a leaf: that of the law, unless the leaf names another."""
    return leaf.region if isinstance(leaf, SpeciesOnExtracellular) else region


def _can_read(leaf: Any, region: Extracellular) -> bool:
    """Whether a law in a region can read a leaf: there, or in another region on the same grid."""
    there = _region_of(leaf, region)
    return there in regions_of(leaf) and there.box == region.box
