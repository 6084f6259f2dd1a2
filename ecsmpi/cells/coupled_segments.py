"""This rank's segments, and the ions of the script's species at them, as of the last plan."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ecsmpi.cells.ion_mechanism import refuse_other_writers, use_ion
from ecsmpi.cells.neuron_modes import refuse_unsupported_modes
from ecsmpi.cells.reversal_potentials import ReversalPotentials
from ecsmpi.cells.segment_ion import SegmentIon
from ecsmpi.cells.segments import Segments
from ecsmpi.neuron_api.structure import structure_counts
from ecsmpi.solver.timing import Phases

SHOWN = 3  # changes of sections that an error names


class CoupledSegments:
    """The segments that boxes may hold, and their ions. Local.

    Attributes
    ----------
    all : every segment; None before the first plan
    ions : {name: SegmentIon} of the species with a name
    """

    def __init__(self, phases: Phases) -> None:
        """phases: where the time of the reversal potentials is added up."""
        self.all: Any = None
        self.ions: dict[str, SegmentIon] = {}
        self._counts: tuple[int, int, int] | None = None
        self._potentials = ReversalPotentials(phases["potentials"])

    def plan(self, charges: dict[str, int]) -> None:
        """Insert ions of these charges everywhere and read the segments.

        Raises ValueError where a mechanism writes the outside concentration of one of them.
        """
        for name, charge in charges.items():
            use_ion(name, charge)
        refuse_other_writers(*charges)
        self.all = Segments()
        self.ions = {name: SegmentIon(name, charge) for name, charge in charges.items()}

    def release(self, names: Iterable[str]) -> None:
        """Leave all ions but these to NEURON."""
        self.let_move()
        kept = set(names)
        self.ions = {name: ion for name, ion in self.ions.items() if name in kept}

    def find(self) -> None:
        """Find where NEURON, whose structure is settled, keeps the variables of the ions."""
        for ion in self.ions.values():
            ion.find()
        charged = {ion.name: ion.outside for ion in self.ions.values() if ion.charge}
        self._potentials.compute_for(charged)
        self._counts = structure_counts()

    def let_move(self) -> None:
        """Let NEURON move its variables: until `find` is called, ecsmpi does not touch them."""
        self._potentials.hand_back()

    def moved(self) -> bool:
        """Whether NEURON's structure has changed since `find`: its variables may have moved."""
        return structure_counts() != self._counts

    def check(self) -> None:
        """Raise RuntimeError where the segments have changed. After a change of structure."""
        refuse_unsupported_modes()
        changes = self.all.changes_to(Segments())
        if changes:
            shown = "; ".join(changes[:SHOWN])
            more = f"; and {len(changes) - SHOWN} more" if len(changes) > SHOWN else ""
            raise RuntimeError(
                f"sections have changed since n.finitialize(): {shown}{more}: "
                "call it again before the run goes on"
            )
        refuse_other_writers(*self.ions)

    def odd_currents(self) -> list[str]:
        """A sentence for each ion with a current that is NaN or infinite."""
        lines = []
        for ion in self.ions.values():
            currents = ion.current.values() if ion.current else np.zeros(0)
            odd = np.flatnonzero(~np.isfinite(currents))
            if odd.size:
                segment = self.all.name(int(odd[0]))
                lines.append(f"i{ion.name} of {segment} is {currents[odd[0]]:g} mA/cm2")
        return lines
