"""Reactions at this rank's segments, as arrays: planned once, then currents and a step of all of
them, in place.

A place is a segment where some law acts. A field is what a law reads or changes, of all places: a
species inside or outside, the voltage, the area of a membrane, one over the molecules that are 1
mM.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecsmpi.cells.segments import node_indices, segment_areas
from ecsmpi.neuron_api.range_variable import RangeVariable
from ecsmpi.reactions.expression import Concentration, Expression
from ecsmpi.reactions.rate_law import Law
from ecsmpi.reactions.reaction import Rates, Reactions
from ecsmpi.solver import entry_kernels


@dataclass
class Held:
    """Where NEURON keeps one field. places: (n,) in the field; rows: (n,) in NEURON's column()."""

    number: int
    part: object
    places: np.ndarray = None
    rows: np.ndarray = None
    shown: RangeVariable = None  # such as ki, which NEURON sets to its states


@dataclass
class Carried:
    """The current (mA/cm2) of an ion that reactions carry. terms: [(law, mA/cm2 of 1 molecule/ms)]."""

    part: object
    current: np.ndarray
    terms: list = field(default_factory=list)
    variable: RangeVariable = None
    without: np.ndarray = None


class MembraneReactionPlan:
    """One plan; it ends with the structure of NEURON's segments."""

    def __init__(
        self,
        comm,
        terms: list,
        segments,
        numbers: dict,
        constants: tuple[float, float],
        states,
        fractions: dict,
    ):
        """Collective; ranks may have other terms, or none. numbers: {section: number of its first
        segment}. constants: molecules in a um3 at 1 mM; FARADAY (C/mol).

        fractions: {region: (segments,) volume fractions} of the regions in which a State is the
        volume fraction.
        """
        self._segments, self._numbers, self._states, self._fractions = (
            segments,
            numbers,
            states,
            fractions,
        )
        self._molecules, self._faraday = constants
        parts = list(dict.fromkeys(part for term in terms for part in term.parts()))
        self.number = {part: number for number, part in enumerate(parts)}
        masks = self._masks(terms)
        self.at = np.flatnonzero(
            np.logical_or.reduce([np.zeros(segments.count, dtype=bool), *masks.values()])
        )
        self._further = {}  # {what: its number} of fields that do not change
        self._rows = [np.zeros(self.at.size) for _ in parts]
        self._inside = [
            Held(number, part) for part, number in self.number.items() if hasattr(part, "states")
        ]
        self._voltage = next(
            (number for part, number in self.number.items() if not hasattr(part, "volumes")), None
        )
        self._find_states()
        where = {key: mask[self.at] for key, mask in masks.items()}
        laws = [self._law(term, where[_where(term)]) for term in terms]
        self._plan_currents(comm, terms, laws)
        names = [*map(str, parts), *map(str, self._further)]
        self._reactions = Reactions(
            comm, laws, self._rows, names, lambda place: f"at {segments.name(int(self.at[place]))}"
        )
        changed = {number for law in laws for number in law.changes}
        self._changed = [held for held in self._inside if held.number in changed]

    # where laws act

    def _masks(self, terms) -> dict:
        """{where: (segments,) whether laws act there}, where all of its regions of NEURON's are."""
        found = {}
        for term in terms:
            if _where(term) in found:
                continue
            mask = (
                np.ones(self._segments.count, dtype=bool)
                if term.membrane is None
                else term.areas(self._numbers, self._segments.count) > 0
            )
            for part in term.parts():
                if hasattr(part, "states"):
                    here = np.zeros(mask.size, dtype=bool)
                    here[part.states(self._numbers)[0]] = True
                    mask &= here
            found[_where(term)] = mask
        for term in terms:
            for part in term.parts():
                if hasattr(part, "region"):
                    self._require_inside(part.region.box, found[_where(term)])
        return found

    def _require_inside(self, box, mask: np.ndarray) -> None:
        acting = np.flatnonzero(mask)
        for segment in acting[box.index_of(self._segments.centre[acting]) < 0]:
            raise ValueError(
                f"{self._segments.name(int(segment))} has a reaction with the extracellular space and lies outside its box: "
                "enlarge the box, or leave the section out of the reaction's membrane"
            )

    # laws

    def _law(self, term, where: np.ndarray) -> Law:
        rate = term.expression(lambda part: Concentration(self.number[part]))
        if term.membrane is None:
            return Law(
                rate,
                {self.number[part]: count for part, count in term.counts().items()},
                term.label,
                where,
            )
        if term.per_area:
            areas = lambda: term.areas(self._numbers, self._segments.count)[self.at]  # noqa: E731
            rate = Expression(
                "*", self._fixed(f"area of {term.membrane.name}", term.membrane, areas), rate
            )
        changes = {
            self.number[part]: Expression("*", count, self._per_molecule(part))
            for part, count in term.counts().items()
        }
        return Law(rate, changes, term.label, where)

    def _fixed(self, name: str, key, values) -> Concentration:
        """A field that does not change, made at the first call."""
        if key not in self._further:
            self._further[key] = len(self._rows)
            self._rows.append(np.ascontiguousarray(values(), dtype=float))
        return Concentration(self._further[key])

    def _per_molecule(self, part) -> Concentration:
        """mM of a molecule in a part."""
        return self._fixed(f"volume of {part}", ("volume", part), lambda: self._over_volume(part))

    def _over_volume(self, part) -> np.ndarray:
        found = np.zeros(self.at.size)
        if hasattr(part, "states"):
            held = self._inside[[one.part for one in self._inside].index(part)]
            found[held.places] = 1 / (self._molecules * part.volumes(held.rows))
        else:
            inside, voxels = self._in_box(part.region)
            found[inside] = 1 / (self._molecules * self._volumes_outside(part, inside, voxels))
        return found

    def _volumes_outside(self, part, places: np.ndarray, voxels: np.ndarray) -> np.ndarray:
        """um3 free in the voxels of some places."""
        if part.region in self._fractions:
            return self._fractions[part.region][self.at[places]] * part.region.box.voxel_volume
        return part.volumes(voxels)

    # voxels

    def _in_box(self, region) -> tuple[np.ndarray, np.ndarray]:
        """(places, voxels) of the segments in a box."""
        voxels = region.box.index_of(self._segments.centre[self.at])
        inside = np.flatnonzero(voxels >= 0)
        return inside, voxels[inside]

    def outside(self, region) -> dict:
        """{key of a species outside that this rank's laws name: its field} in a region."""
        return {part.key: self._rows[number] for part, number in self._parts_outside(region)}

    def _parts_outside(self, region) -> list:
        return [
            (part, number)
            for part, number in self.number.items()
            if getattr(part, "region", None) is region
        ]

    def copies(self, region) -> tuple[np.ndarray, np.ndarray, dict]:
        """(voxels, places, {key: shares}) of the copies in a region, as `VoxelCopies` wants them."""
        (places, voxels), shares = self._in_box(region), {}
        for part, _ in self._parts_outside(region):
            shares[part.key] = np.zeros(self.at.size)
            shares[part.key][places] = (
                self._volumes_outside(part, places, voxels) / region.box.voxel_volume
            )
        return voxels, places, shares

    # NEURON's memory

    def _find_states(self) -> None:
        for held in self._inside:
            segments, rows = held.part.states(self._numbers)
            place = np.searchsorted(self.at, segments)
            acts = np.isin(segments, self.at, assume_unique=True)
            held.places, held.rows = place[acts], rows[acts]
            held.acts = acts

    def find(self) -> None:
        """Find where NEURON keeps things, as its changes of structure make needed. Local."""
        self._find_states()
        self._nodes = node_indices()[self.at]
        if self._voltage is not None:
            self._v = RangeVariable("v")
            self._v_rows, self._all = (
                self._v.rows[self.at].astype(np.int64),
                np.arange(self.at.size),
            )
        for held in self._changed:
            if held.part.variable:
                held.shown = RangeVariable(held.part.variable, held.part.sections())
                held.shown_rows = held.shown.rows[held.acts].astype(np.int64)
        for carried in self._carried:
            held = next(one for one in self._inside if one.part == carried.part)
            carried.variable = RangeVariable(f"i{carried.part.ion}", carried.part.sections())
            carried.rows, carried.places = (
                carried.variable.rows[held.acts].astype(np.int64),
                held.places,
            )
            carried.without = np.zeros(held.places.size)

    def _fetch(self) -> None:
        states = self._states()
        for held in self._inside:
            entry_kernels.move(states, held.rows, self._rows[held.number], held.places)
        if self._voltage is not None:
            entry_kernels.move(self._v.column, self._v_rows, self._rows[self._voltage], self._all)

    # the step

    def _plan_currents(self, comm, terms, laws) -> None:
        carrying = [(term, law) for term, law in zip(terms, laws) if term.carries]
        self._rates = Rates(comm, [law for _, law in carrying], self._rows, self.at.size)
        self._carried, by_part = [], {}
        per_molecule = (
            self._faraday / (1e4 * self._molecules) / segment_areas()[self.at] if carrying else None
        )
        for r, (term, law) in enumerate(carrying):
            for part, count in term.counts().items():
                if getattr(part, "ion", None):
                    if part not in by_part:
                        by_part[part] = Carried(part, np.zeros(self.at.size))
                    by_part[part].terms.append(
                        (r, np.where(law.where, -count * part.charge * per_molecule, 0.0))
                    )
        self._carried = list(by_part.values())
        self._total = np.zeros(self.at.size)

    def carried(self) -> dict[str, np.ndarray]:
        """{name of an ion: (places,) what reactions carry of it, mA/cm2, renewed by
        `add_currents`}.
        """
        return {one.part.ion: one.current for one in self._carried}

    def add_currents(self, right: np.ndarray) -> None:
        """Add what reactions carry now to the ions' currents, and take it from the voltages'
        right-hand side. Local.
        """
        if not self._carried:
            return
        self._fetch()
        rates = self._rates.take()
        self._total[:] = 0.0
        for carried in self._carried:
            carried.current[:] = 0.0
            for law, factors in carried.terms:
                entry_kernels.add_products(rates[law], factors, carried.current)
            self._total += carried.current
            np.take(carried.variable.column, carried.rows, out=carried.without, mode="clip")
        entry_kernels.charge(self._total, self._nodes, right)
        self.show_currents()

    def show_currents(self) -> None:
        """The ions' currents are with what reactions carry. Local."""
        for carried in self._carried:
            entry_kernels.set_sums(
                carried.variable.column,
                carried.rows,
                carried.without,
                carried.current,
                carried.places,
            )

    def withhold_currents(self) -> None:
        """The ions' currents are without what reactions carry, which no concentration is to gain
        from them. Local.
        """
        for carried in reversed(self._carried):
            carried.variable.column[carried.rows] = carried.without

    def advance(self, dt: float) -> None:
        """One step of dt (ms); RateNotFinite names the segment, the reaction and its rate. Local."""
        self._fetch()
        self._reactions.advance(dt)
        states = self._states()
        for held in self._changed:
            entry_kernels.move(self._rows[held.number], held.places, states, held.rows)
            if held.shown:
                entry_kernels.move(
                    self._rows[held.number], held.places, held.shown.column, held.shown_rows
                )


def _where(term) -> frozenset:
    """What tells apart where terms act: the regions of NEURON's that they need."""
    regions = {id(part.place) for part in term.parts() if hasattr(part, "states")}
    return frozenset(regions if term.membrane is None else {*regions, id(term.membrane)})
