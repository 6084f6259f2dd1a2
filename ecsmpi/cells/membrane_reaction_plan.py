"""Reactions at this rank's segments as arrays: planned once, then stepped in place.

A place is a segment where some law acts. A field is an array of something that laws read or change,
at all places: an intracellular or extracellular species, the voltage, the area of a membrane,
1 / (molecules that are 1 mM). A part is what a law names: a species in a region inside cells, an
extracellular species in its region, or the voltage; see `rxd.reaction_terms`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecsmpi.cells.alike_terms import SharedMembrane, SharedTerm, is_intracellular, joined
from ecsmpi.cells.membrane_currents import MembraneCurrents
from ecsmpi.cells.segments import node_indices
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.neuron_api.range_variable import RangeVariable
from ecsmpi.reactions.expression import Concentration, Expression
from ecsmpi.reactions.rate_law import Law
from ecsmpi.reactions.reaction import Reactions

entry_kernels = kernels_of("ecsmpi.solver.entry_kernels")


def _none() -> np.ndarray:
    return np.zeros(0, dtype=np.int64)


@dataclass
class NeuronState:
    """A field that NEURON keeps: the states of one species in one region inside cells.

    Attributes
    ----------
    number : of the field
    part : the species in its region
    acts : (states of the part,) whether a law acts at the state's segment
    places : (n,) place of each state where a law acts
    rows : (n,) its row in NEURON's array of states
    shown : the variable, such as ki, that NEURON sets to its states; None without one
    shown_rows : (n,) its row in the column of ``shown``
    """

    number: int
    part: Any
    acts: np.ndarray = field(default_factory=_none)
    places: np.ndarray = field(default_factory=_none)
    rows: np.ndarray = field(default_factory=_none)
    shown: RangeVariable | None = None
    shown_rows: np.ndarray = field(default_factory=_none)


def _is_extracellular(part: Any) -> bool:
    return hasattr(part, "region")


def _is_voltage(part: Any) -> bool:
    return not hasattr(part, "volumes")


class MembraneReactionPlan:
    """The reactions at segments for as long as NEURON's segments stay what they are.

    Attributes
    ----------
    number : {part: number of its field}
    at : (places,) segment of each place
    """

    def __init__(
        self,
        comm: Any,
        terms: list,
        segments: Any,
        numbers: dict,
        constants: tuple[float, float],
        states: Callable[[], np.ndarray],
        fractions: dict,
    ):
        """Plan the laws of some terms. Collective; ranks may have other terms, or none.

        Parameters
        ----------
        segments : the `Segments` of this rank
        numbers : {section: number of its first segment}
        constants : molecules in a um3 at 1 mM; FARADAY (C/mol)
        states : returns NEURON's array of states
        fractions : {region: (segments,) volume fractions} of the regions in which a State is the
            volume fraction
        """
        self._segments = segments
        self._numbers = numbers
        self._states = states
        self._fractions = fractions
        self._molecules, faraday = constants
        joined_terms = joined(terms, numbers, segments.count)
        self.number: dict[Any, int] = {}
        for term in joined_terms:
            for part in term.reactants():
                self.number.setdefault(part, len(self.number))
        self._require_in_boxes(joined_terms)
        acts = np.zeros(segments.count, dtype=bool)
        for term in joined_terms:
            acts |= term.where
        self.at = np.flatnonzero(acts)
        self._fixed_numbers: dict[Any, int] = {}  # {owner: its number} of what does not change
        self._fields = []
        self._owners: list[tuple[str, Any]] = []  # (what of it, part or membrane) of the fields
        self._units = []
        self._neuron_states = []
        self._voltage = None
        table = np.zeros((len(self.number), self.at.size))
        self._flat = table.reshape(-1)
        for part, number in self.number.items():
            self._fields.append(table[number])
            self._owners.append(("", part))
            self._units.append("mV" if _is_voltage(part) else "mM")
            if is_intracellular(part):
                self._neuron_states.append(NeuronState(number, part))
            elif _is_voltage(part):
                self._voltage = number
        self._find_states()
        self._terms = {}  # {id of a law: its term}
        laws = []
        masks: dict[bytes, np.ndarray] = {}  # laws that act in the same places share a mask
        for joined_term in joined_terms:
            mask = joined_term.where[self.at]
            law = self._law(joined_term, masks.setdefault(mask.tobytes(), mask))
            laws.append(law)
            self._terms[id(law)] = joined_term
        self._currents = MembraneCurrents(
            comm, joined_terms, laws, self._fields, self.at, faraday / (1e4 * self._molecules)
        )
        names = [what + str(owner) for what, owner in self._owners]
        self._reactions = Reactions(
            comm, laws, self._fields, names, self._in_words, self._units, self._name_at
        )
        changed: set[int] = set()
        for law in laws:
            changed.update(law.changes)
        self._changed = [state for state in self._neuron_states if state.number in changed]

    def _in_words(self, place: int) -> str:
        return f"at {self._segments.name(int(self.at[place]))}"

    def _name_at(self, named: Law | int, place: int) -> str:
        """What messages call a law, or the field with a number, at a place."""
        segment = int(self.at[place])
        if isinstance(named, Law):
            return self._terms[id(named)].label_at(segment)
        what, owner = self._owners[named]
        return what + (owner.word_at(segment) if hasattr(owner, "word_at") else str(owner))

    def _require_in_boxes(self, terms: list[SharedTerm]) -> None:
        for term in terms:
            for part in term.reactants():
                if _is_extracellular(part):
                    self._require_in_box(part.region.box, term.where)

    def _require_in_box(self, box: Any, mask: np.ndarray) -> None:
        acting = np.flatnonzero(mask)
        for segment in acting[box.index_of(self._segments.centre[acting]) < 0]:
            raise ValueError(
                f"{self._segments.name(int(segment))} has a reaction with the extracellular space "
                "and lies outside its box: enlarge the box, or leave the section out of the "
                "reaction's membrane"
            )

    # laws

    def _law(self, term: SharedTerm, where: np.ndarray) -> Law:
        rate = term.expression(lambda part: Concentration(self.number[part]))
        changes: dict[int, int | Expression] = {}
        if term.membrane is None:
            for part, count in term.counts().items():
                changes[self.number[part]] = count
            return Law(rate, changes, term.label, where)
        if term.per_area:
            rate = Expression("*", self._area(term.membrane), rate)
        for part, count in term.counts().items():
            changes[self.number[part]] = Expression("*", count, self._per_molecule(part))
        return Law(rate, changes, term.label, where)

    def _area(self, membrane: SharedMembrane) -> Concentration:
        """um2 of a membrane."""
        owner = "area of ", membrane
        return self._fixed(owner, lambda: membrane.areas[self.at], "um2")

    def _per_molecule(self, part: Any) -> Concentration:
        """mM of one molecule in a part."""
        owner = "a molecule of ", part
        return self._fixed(owner, lambda: self._one_over_molecules(part), "mM")

    def _fixed(
        self, owner: tuple[str, Any], values: Callable[[], np.ndarray], unit: str
    ) -> Concentration:
        """A field that does not change, made at the first call for its owner.

        owner: what it is, and of which part or membrane.
        """
        if owner not in self._fixed_numbers:
            self._fixed_numbers[owner] = len(self._fields)
            self._owners.append(owner)
            self._units.append(unit)
            self._fields.append(np.ascontiguousarray(values(), dtype=float))
        return Concentration(self._fixed_numbers[owner])

    def _one_over_molecules(self, part: Any) -> np.ndarray:
        """(places,) 1 / (molecules that are 1 mM in a part); 0 where the part is not."""
        found = np.zeros(self.at.size)
        if is_intracellular(part):
            state = next(one for one in self._neuron_states if one.part == part)
            found[state.places] = 1 / (self._molecules * part.volumes(state.rows))
        else:
            places, voxels = self._in_box(part.region)
            volumes = self._free_volumes(part, places, voxels)
            found[places] = 1 / (self._molecules * volumes)
        return found

    def _free_volumes(self, part: Any, places: np.ndarray, voxels: np.ndarray) -> np.ndarray:
        """um3 free in the voxels of some places."""
        if part.region in self._fractions:
            return self._fractions[part.region][self.at[places]] * part.region.box.voxel_volume
        return part.volumes(voxels)

    # voxels

    def _in_box(self, region: Any) -> tuple[np.ndarray, np.ndarray]:
        """(places, voxels) of the segments in a box."""
        voxels = region.box.index_of(self._segments.centre[self.at])
        in_box = np.flatnonzero(voxels >= 0)
        return in_box, voxels[in_box]

    def extracellular(self, region: Any) -> dict:
        """{key of a species: its field} of the extracellular species that laws name in a region."""
        found = {}
        for part, number in self._extracellular_parts(region):
            found[part.key] = self._fields[number]
        return found

    def _extracellular_parts(self, region: Any) -> list:
        found = []
        for part, number in self.number.items():
            if getattr(part, "region", None) is region:
                found.append((part, number))
        return found

    def copies(self, region: Any) -> tuple[np.ndarray, np.ndarray, dict]:
        """(voxels, places, {key: relative volumes}) of copies in a region, for `VoxelCopies`."""
        places, voxels = self._in_box(region)
        relative_volumes = {}
        for part, _ in self._extracellular_parts(region):
            volumes = self._free_volumes(part, places, voxels)
            relative_volumes[part.key] = np.zeros(self.at.size)
            relative_volumes[part.key][places] = volumes / region.box.voxel_volume
        return voxels, places, relative_volumes

    # NEURON's memory

    def _find_states(self) -> None:
        for state in self._neuron_states:
            segments, rows = state.part.states(self._numbers)
            state.acts = np.isin(segments, self.at, assume_unique=True)
            state.places = np.searchsorted(self.at, segments)[state.acts]
            state.rows = rows[state.acts]

    def find(self) -> None:
        """Find where NEURON keeps its variables, after each change of its structure. Local."""
        self._find_states()
        if self._voltage is not None:
            self._v = RangeVariable("v")
            self._v_rows = self._v.rows[self.at].astype(np.int64)
            self._all_places = np.arange(self.at.size)
        for state in self._changed:
            if state.part.variable:
                state.shown = RangeVariable(state.part.variable, state.part.sections())
                state.shown_rows = state.shown.rows[state.acts].astype(np.int64)
        self._read_rows, self._read_places = self._rows_and_places(self._neuron_states)
        self._set_rows, self._set_places = self._rows_and_places(self._changed)
        self._currents.find(self._neuron_states, node_indices()[self.at])

    def _rows_and_places(self, states: list[NeuronState]) -> tuple[np.ndarray, np.ndarray]:
        """Rows of NEURON's states, and where these are among all fields, one after another."""
        rows = [state.rows for state in states]
        places = [state.number * self.at.size + state.places for state in states]
        return np.concatenate([_none(), *rows]), np.concatenate([_none(), *places])

    def _fetch(self) -> None:
        """Copy NEURON's states and voltages into the fields."""
        entry_kernels.move(self._states(), self._read_rows, self._flat, self._read_places)
        if self._voltage is not None:
            voltages = self._fields[self._voltage]
            entry_kernels.move(self._v.column, self._v_rows, voltages, self._all_places)

    # the step

    def carried(self) -> dict[str, np.ndarray]:
        """{ion: (places,) mA/cm2 that reactions carry}; `add_currents` renews the arrays."""
        return self._currents.carried()

    def add_currents(self, right: np.ndarray) -> None:
        """Add what reactions carry now to the ions' currents, and charge the membrane. Local.

        right: right-hand side of NEURON's equations of the voltages.
        """
        if self._currents:
            self._fetch()
            self._currents.add(right)

    def show_currents(self) -> None:
        """Let the ions' currents include what reactions carry. Local."""
        self._currents.show()

    def withhold_currents(self) -> None:
        """Let the ions' currents exclude what reactions carry. Local.

        No concentration is to gain from a current that a reaction carries.
        """
        self._currents.withhold()

    def advance(self, dt: float) -> None:
        """Step the reactions by dt (ms). Local.

        Raises RateNotFinite, which names the segment, the reaction and its rate.
        """
        self._fetch()
        self._reactions.advance(dt)
        entry_kernels.move(self._flat, self._set_places, self._states(), self._set_rows)
        for state in self._changed:
            if state.shown:
                values = self._fields[state.number]
                entry_kernels.move(values, state.places, state.shown.column, state.shown_rows)
