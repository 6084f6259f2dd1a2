"""Terms of reactions at segments: a rate, and what it changes.

A term reads and changes species inside cells (NEURON's states), species in voxels, and reads the
voltage of the membrane.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecsmpi.description.profiles import FloatArray
from ecsmpi.neuron_api.expressions import is_voltage, leaves
from ecsmpi.neuron_api.interpreter import neuron_rxd
from ecsmpi.neuron_api.intracellular_species import (
    membrane_areas,
    sections_with,
    sections_with_rows,
    species_and_region_of,
    volumes_of_states,
)
from ecsmpi.neuron_api.rxd_names import InsidePart, InsideSpecies
from ecsmpi.rxd.errors import RxDException
from ecsmpi.rxd.parameter import Parameter
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.species_arithmetic import solver_expression
from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular

# Sign of the current of a positive ion that leaves a region of NEURON's, by the region's side.
SIGN = {"i": 1, "o": -1, None: 0}

IndexArray = NDArray[np.int64]


@dataclass(frozen=True)
class Voltage:
    """The voltage of the membrane (mV)."""

    constant = True

    def __str__(self) -> str:
        return "v"


class SpeciesInCells:
    """A species of NEURON's in one of its regions.

    Attributes
    ----------
    species, region_inside
        NEURON's species and region.
    constant : bool
        Whether no reaction changes it.
    ion, charge
        Name and charge of the ion whose current it may carry; None and 0 if there is none.
    variable
        The range variable that shows it, such as "ki", or None.
    """

    def __init__(self, species: Any, region: Any):
        self.species = species
        self.region_inside = region
        self.constant = isinstance(species, neuron_rxd.Parameter)
        side = region.nrn_region
        is_ion = species.name and species.charge and side
        self.ion = species.name if is_ion else None
        self.charge = species.charge * SIGN[side]
        self.variable = f"{species.name}{side}" if species.name and side else None

    def states(self, numbers: dict[Any, int]) -> tuple[IndexArray, IndexArray]:
        """Where the segments and their states are now. Local.

        Parameters
        ----------
        numbers
            {section: number of its first segment}.

        Returns
        -------
        (segments,) numbers of the segments; (segments,) rows of NEURON's array of states
        """
        segments: list[int] = []
        rows: list[int] = []
        for section, rows_of_section in sections_with_rows(self.species, self.region_inside):
            segments += range(numbers[section], numbers[section] + len(rows_of_section))
            rows += rows_of_section
        return np.array(segments, dtype=np.int64), np.array(rows, dtype=np.int64)

    def sections(self) -> list[Any]:
        """NEURON's sections, in the order of `states`."""
        return sections_with(self.species, self.region_inside)

    def volumes(self, rows: IndexArray) -> FloatArray:
        """(rows,) volumes (um3) of states, or areas (um2) on a membrane."""
        return volumes_of_states()[rows]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SpeciesInCells):
            return False
        return self.species is other.species and self.region_inside is other.region_inside

    def __hash__(self) -> int:
        return hash((id(self.species), id(self.region_inside)))

    def __str__(self) -> str:
        return f"{self.species.name or 'unnamed species'} in {self.region_inside.name}"


class SpeciesInVoxels:
    """An extracellular species in one region.

    Attributes
    ----------
    region
        The extracellular region.
    key
        The key of the species.
    constant : bool
        Whether no reaction changes it.
    """

    def __init__(self, on_region: SpeciesOnExtracellular):
        self._on_region = on_region
        self.region = on_region.region
        self.key = on_region.species.key
        self.constant = isinstance(on_region.species, Parameter)

    def volumes(self, voxels: IndexArray) -> FloatArray:
        """(voxels,) free volumes (um3) of voxels given by their flat index."""
        return self.region.volume_fractions(voxels) * self.region.box.voxel_volume

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SpeciesInVoxels) and self._on_region == other._on_region

    def __hash__(self) -> int:
        return hash(self._on_region)

    def __str__(self) -> str:
        return f"{self._on_region.species.name or 'unnamed species'} outside"


Reactant = Voltage | SpeciesInCells | SpeciesInVoxels


@dataclass(frozen=True)
class Term:
    """A rate at segments, and the species that it changes.

    Attributes
    ----------
    changes
        [(leaf of an expression, number of molecules that come with one reaction)].
    rate
        NEURON's expression: mM/ms if there is no membrane; else molecules/(um2 ms) if
        ``per_area``, else molecules/ms.
    region
        NEURON's region, for species that are named without one.
    membrane
        The membrane's region, or None.
    per_area
        Whether the rate is that of 1 um2 of the membrane.
    carries
        Whether the reaction carries a current.
    label
        What messages call the reaction.
    """

    changes: list[tuple[Any, float]]
    rate: Any
    region: Any
    membrane: Any = None
    per_area: bool = True
    carries: bool = False
    label: str = ""

    def counts(self) -> dict[Reactant, float]:
        """{reactant: number of molecules that come with one reaction}, of those that change."""
        counts: dict[Reactant, float] = {}
        for leaf, count in self.changes:
            reactant = reactant_of(leaf, self.region)
            if not reactant.constant:
                counts[reactant] = counts.get(reactant, 0) + count
        return counts

    def reactants(self) -> list[Reactant]:
        """The reactants that the term reads or changes, each once."""
        changed = [leaf for leaf, _ in self.changes]
        read = [leaf for leaf in leaves(self.rate) if not isinstance(leaf, Real)]
        reactants = [reactant_of(leaf, self.region) for leaf in [*changed, *read]]
        return list(dict.fromkeys(reactants))

    def expression(self, leaf_of: Callable[[Reactant], Any]) -> Any:
        """The solver's expression of the rate, with ``leaf_of(reactant)`` for each reactant."""
        return solver_expression(self.rate, lambda leaf: leaf_of(reactant_of(leaf, self.region)))

    def areas(self, numbers: dict[Any, int]) -> tuple[IndexArray, FloatArray]:
        """The membrane's segments and its areas there. Local.

        Parameters
        ----------
        numbers
            {section: number of its first segment}.

        Returns
        -------
        (segments,) numbers of the segments; (segments,) um2 of each
        """
        segments: list[int] = []
        areas: list[float] = []
        for section, of_section in membrane_areas(self.membrane):
            segments += range(numbers[section], numbers[section] + section.nseg)
            areas += list(of_section)
        return np.array(segments, dtype=np.int64), np.array(areas, dtype=float)


def reactant_of(leaf: Any, region: Any) -> Reactant:
    """What a leaf of an expression means in a reaction in one of NEURON's regions.

    Raises
    ------
    RxDException
        If the leaf is no species and no voltage, or a species in several other regions.
    """
    if is_voltage(leaf):
        return Voltage()
    if isinstance(leaf, SpeciesOnExtracellular):
        return SpeciesInVoxels(leaf)
    if isinstance(leaf, InsidePart):
        return SpeciesInCells(*species_and_region_of(leaf))
    if not isinstance(leaf, (InsideSpecies, Species)):
        raise RxDException(
            f"a rate at segments cannot hold {leaf!r}, only species, the voltage and numbers"
        )
    regions = leaf.regions
    if region not in regions:
        if len(regions) != 1:
            raise RxDException(f"say which region of {leaf} the reaction is in: {leaf}[region]")
        [region] = regions
    if isinstance(leaf, Species):
        return SpeciesInVoxels(leaf[region])
    return SpeciesInCells(leaf, region)
