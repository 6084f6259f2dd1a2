"""The reversal potentials of ions, computed in NEURON's place, when NEURON would compute them.

Before each evaluation of the currents NEURON computes the reversal potentials of ions whose
concentrations change, through a record of each segment. ecsmpi has NEURON call a function before
that: one vectorised pass over NEURON's columns gives the same numbers, to round-off, sooner. The
ions' style tells NEURON that it need not compute them. Currents that a script asks for
(``n.fcurrent()``) see these potentials as well.
"""

from __future__ import annotations

from ecsmpi.cells.ion_mechanism import choose_potential
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.neuron_api.before_currents import BeforeCurrents, nernst_coefficient
from ecsmpi.neuron_api.mechanisms import distributed_types
from ecsmpi.neuron_api.range_variable import RangeVariable
from ecsmpi.solver.timing import Phase

kernels = kernels_of("ecsmpi.cells.nernst")


class ReversalPotentials:
    """The reversal potentials of all segments of this rank.

    NEURON computes them until `compute_for`, and again after `hand_back`.
    """

    def __init__(self, phase: Phase) -> None:
        """phase: adds up the time that they take."""
        self._phase = phase
        self._columns: dict[str, tuple] = {}
        self._before_currents = BeforeCurrents(self.compute)

    def compute_for(self, outside: dict[str, RangeVariable]) -> None:
        """Compute the potentials of some ions from now on, where this NEURON has a place for it.

        outside : {name: outside concentrations of all segments}
        """
        self.hand_back()
        if not self._before_currents.is_possible():
            return
        types = distributed_types()
        for name, concentrations in outside.items():
            if concentrations.is_all_of_column() and choose_potential(name, computed=False):
                self._columns[name] = (
                    types[f"{name}_ion"],
                    concentrations.column_of(f"e{name}"),
                    concentrations.column_of(f"{name}i"),
                    concentrations.column,
                )
        self._before_currents.switch(bool(self._columns))

    def hand_back(self) -> None:
        """Let NEURON compute the potentials; it may move its columns then."""
        self._before_currents.switch(False)
        for name in self._columns:
            choose_potential(name, computed=True)
        self._columns.clear()

    def compute(self) -> None:
        """Compute the potentials; NEURON calls it before each evaluation of the currents."""
        with self._phase:
            for ion_type, *columns in self._columns.values():
                kernels.nernst(*columns, nernst_coefficient(ion_type))
