"""What reactions at segments read and change: NEURON's states inside cells, voxels outside, the
voltage.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np

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
from ecsmpi.reactions.expression import Expression
from ecsmpi.rxd.arithmetic import expression_of
from ecsmpi.rxd.compat import RxDException
from ecsmpi.rxd.parameter import Parameter
from ecsmpi.rxd.species import Species
from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular

SIGN = {"i": 1, "o": -1, None: 0}  # of a current that what leaves a region of NEURON's carries


@dataclass(frozen=True)
class Voltage:
    """Of the membrane, mV."""

    constant = True

    def __str__(self):
        return "v"


class Inside:
    """A species of NEURON's in one of its regions."""

    def __init__(self, species, region):
        self.species, self.place = species, region
        self.constant = isinstance(species, neuron_rxd.Parameter)
        side = region.nrn_region
        self.ion = species.name if species.name and species.charge and side else None
        self.charge = species.charge * SIGN[side]
        self.variable = f"{species.name}{side}" if species.name and side else None

    def states(self, numbers: dict) -> tuple[np.ndarray, np.ndarray]:
        """(segments, rows): segments' numbers, {section: that of its first}, and where NEURON keeps
        their states now.
        """
        segments, rows = [], []
        for sec, rows_of_section in sections_with_rows(self.species, self.place):
            segments += range(numbers[sec], numbers[sec] + len(rows_of_section))
            rows += rows_of_section
        return np.array(segments, dtype=np.int64), np.array(rows, dtype=np.int64)

    def sections(self) -> list:
        """NEURON's sections, in the order of `states`."""
        return sections_with(self.species, self.place)

    def volumes(self, rows: np.ndarray) -> np.ndarray:
        """um3 (or um2, on a membrane) of states."""
        return volumes_of_states()[rows]

    def __eq__(self, other):
        return (
            isinstance(other, Inside)
            and self.species is other.species
            and self.place is other.place
        )

    def __hash__(self):
        return hash((id(self.species), id(self.place)))

    def __str__(self):
        return f"{self.species.name or 'unnamed species'} in {self.place.name}"


class Outside:
    """A species of ours in an extracellular region."""

    def __init__(self, part: SpeciesOnExtracellular):
        self._part, self.region, self.key = part, part.region, part.species.key
        self.constant = isinstance(part.species, Parameter)

    def volumes(self, voxels: np.ndarray) -> np.ndarray:
        """(voxels,) um3 free in voxels given by flat index."""
        return self.region.volume_fractions(voxels) * self.region.box.voxel_volume

    def __eq__(self, other):
        return isinstance(other, Outside) and self._part == other._part

    def __hash__(self):
        return hash(self._part)

    def __str__(self):
        return f"{self._part.species.name or 'unnamed species'} outside"


@dataclass(frozen=True)
class Term:
    """A law at segments. changes: [(leaf, how many come with it)]; region: where species that do
    not say so themselves are.

    membrane: of a reaction across it, whose rate is in molecules/ms, of a um2 of it if per_area;
    None: mM/ms.
    """

    changes: list
    rate: object
    region: object
    membrane: object = None
    per_area: bool = True
    carries: bool = False
    label: str = ""

    def counts(self) -> dict:
        """{part: how many come with it}, of what can change."""
        found = {}
        for leaf, count in self.changes:
            part = part_of(leaf, self.region)
            if not part.constant:
                found[part] = found.get(part, 0) + count
        return found

    def parts(self) -> list:
        """What it reads and changes, each once."""
        named = [
            *(leaf for leaf, _ in self.changes),
            *(leaf for leaf in leaves(self.rate) if not isinstance(leaf, Real)),
        ]
        return list(dict.fromkeys(part_of(leaf, self.region) for leaf in named))

    def expression(self, of) -> Expression:
        """Its rate, with of(part) for each part."""
        return expression_of(self.rate, lambda leaf: of(part_of(leaf, self.region)))

    def areas(self, numbers: dict, count: int) -> np.ndarray:
        """(count,) um2 of the membrane at each segment, 0 where it is not."""
        found = np.zeros(count)
        for sec, areas in membrane_areas(self.membrane):
            first = numbers[sec]
            found[first : first + sec.nseg] = areas
        return found


def part_of(leaf, region):
    """The part of a species that a law in a region of NEURON's means by a leaf; RxDException where
    it could be several.
    """
    if is_voltage(leaf):
        return Voltage()
    if isinstance(leaf, SpeciesOnExtracellular):
        return Outside(leaf)
    if isinstance(leaf, InsidePart):
        return Inside(*species_and_region_of(leaf))
    if not isinstance(leaf, (InsideSpecies, Species)):
        raise RxDException(
            f"a rate at segments cannot hold {leaf!r}, only species, the voltage and numbers"
        )
    there = leaf.regions
    if region not in there and len(there) != 1:
        raise RxDException(f"say which region of {leaf} the reaction is in: {leaf}[region]")
    there = region if region in there else there[0]
    return Outside(leaf[there]) if isinstance(leaf, Species) else Inside(leaf, there)
