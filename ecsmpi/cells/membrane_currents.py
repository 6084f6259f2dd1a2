"""Currents of ions that reactions across the membrane carry, explicit in the voltage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecsmpi.cells.segments import segment_areas
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.neuron_api.range_variable import RangeVariable
from ecsmpi.reactions.rate_law import Law
from ecsmpi.reactions.reaction import Rates

entry_kernels = kernels_of("ecsmpi.solver.entry_kernels")


@dataclass
class MembraneCurrent:
    """The current of one ion that reactions carry.

    Attributes
    ----------
    part : the intracellular species
    current : (places,) mA/cm2
    column : NEURON's column of the ion's current, such as ik
    places : (n,) places where the part has a state
    rows : (n,) their rows in the column
    without : (n,) mA/cm2, the ion's current without what reactions carry
    """

    part: Any
    current: np.ndarray
    column: np.ndarray = field(default_factory=lambda: np.zeros(0))
    places: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    without: np.ndarray = field(default_factory=lambda: np.zeros(0))


class MembraneCurrents:
    """The currents of the terms that carry any; true where this rank has one."""

    def __init__(
        self,
        comm: Any,
        terms: list,
        laws: list[Law],
        fields: list[np.ndarray],
        at: np.ndarray,
        charge_per_molecule: float,
    ):
        """Plan the currents. Collective.

        Parameters
        ----------
        terms, laws : the terms at the segments, and the law of each
        fields : what the laws read, (places,) each
        at : (places,) segment of each place
        charge_per_molecule : mA um2/cm2 of 1 molecule/ms of an elementary charge
        """
        carrying_terms = []
        carrying_laws = []
        for term, law in zip(terms, laws):
            if term.carries:
                carrying_terms.append(term)
                carrying_laws.append(law)
        self._rates = Rates(comm, carrying_laws, fields, at.size)
        parts: dict[Any, int] = {}  # {part: its row among the sums}; row 0 is the total
        laws_of_terms: list[int] = []
        sums_of_terms: list[int] = []
        factors: list[np.ndarray] = []  # mA/cm2 of 1 molecule/ms
        if carrying_laws:
            per_molecule = charge_per_molecule / segment_areas()[at]
        for row, (term, law) in enumerate(zip(carrying_terms, carrying_laws)):
            for part, count in term.counts().items():
                if getattr(part, "ion", None):
                    charge = -count * part.charge * per_molecule
                    of_part = parts.setdefault(part, len(parts) + 1)
                    laws_of_terms += [row, row]
                    sums_of_terms += [0, of_part]
                    factors += [np.where(np.asarray(law.where), charge, 0.0)] * 2
        self._laws_of_terms = np.array(laws_of_terms, dtype=np.int64)
        self._sums_of_terms = np.array(sums_of_terms, dtype=np.int64)
        self._factors = np.array(factors).reshape(len(factors), at.size)
        self._sums = np.zeros((len(parts) + 1, at.size))
        self._currents = [MembraneCurrent(part, self._sums[row]) for part, row in parts.items()]
        self._summed: list[tuple[np.ndarray, list[np.ndarray]]] = []
        self._carried = self._by_ion(at.size)

    def _by_ion(self, places: int) -> dict[str, np.ndarray]:
        """{ion: (places,) mA/cm2}, with a further array where several regions have the ion."""
        found: dict[str, np.ndarray] = {}
        for ion in dict.fromkeys(one.part.ion for one in self._currents):
            of_ion = [one.current for one in self._currents if one.part.ion == ion]
            if len(of_ion) == 1:
                found[ion] = of_ion[0]
            else:
                found[ion] = np.zeros(places)
                self._summed.append((found[ion], of_ion))
        return found

    def __bool__(self) -> bool:
        return bool(self._currents)

    def carried(self) -> dict[str, np.ndarray]:
        """{ion: (places,) mA/cm2 that reactions carry}; `add` renews the arrays."""
        return self._carried

    def find(self, states: Sequence[Any], nodes: np.ndarray) -> None:
        """Find where NEURON keeps the ions' currents now. Local.

        Parameters
        ----------
        states : the `NeuronState` of each intracellular species
        nodes : (places,) row of each place in NEURON's equations of the voltages
        """
        self._nodes = nodes
        for one in self._currents:
            state = next(state for state in states if state.part == one.part)
            variable = RangeVariable(f"i{one.part.ion}", one.part.sections())
            one.column = variable.column
            one.rows = variable.rows[state.acts].astype(np.int64)
            one.places = state.places
            one.without = np.zeros(state.places.size)

    def add(self, right: np.ndarray) -> None:
        """Add what the laws carry now to the ions' currents and the voltages' equations. Local.

        right: right-hand side of NEURON's equations of the voltages.
        """
        rates = self._rates.take()
        entry_kernels.sum_products(
            rates, self._laws_of_terms, self._factors, self._sums_of_terms, self._sums
        )
        for total, currents in self._summed:
            np.sum(currents, axis=0, out=total)
        entry_kernels.add_to_voltage_equations(self._sums[0], self._nodes, right)
        for one in self._currents:  # two may be of one ion at one segment: the second adds to both
            np.take(one.column, one.rows, out=one.without, mode="clip")
            self._show(one)

    def show(self) -> None:
        """Let the ions' currents include what reactions carry. Local."""
        for one in self._currents:
            self._show(one)

    def _show(self, one: MembraneCurrent) -> None:
        entry_kernels.set_sums(one.column, one.rows, one.without, one.current, one.places)

    def withhold(self) -> None:
        """Let the ions' currents exclude what reactions carry. Local."""
        for one in reversed(self._currents):
            one.column[one.rows] = one.without
