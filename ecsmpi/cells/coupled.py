"""The segments of this rank that boxes may hold, and their ions, as NEURON has them since the last
plan.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.cells import membrane
from ecsmpi.cells.potentials import ReversalPotentials
from ecsmpi.cells.segment_ion import SegmentIon


class CoupledSegments:
    """Local. ``all``: every segment, None before the first plan; ``ions``: {name: SegmentIon} of
    the named species.
    """

    def __init__(self):
        self.all, self.ions, self._counts = None, {}, None
        self._potentials = ReversalPotentials()

    def plan(self, charges: dict[str, int]) -> None:
        """Insert ions of these charges everywhere and read the segments. Raises where a mechanism
        writes their outside.
        """
        for name, charge in charges.items():
            membrane.use_ion(name, charge)
        membrane.refuse_other_writers(*charges)
        if any(charges.values()):
            self._potentials.register()
        self.all = membrane.Segments()
        self.ions = {name: SegmentIon(name, charge) for name, charge in charges.items()}

    def release(self, names) -> None:
        """Ions other than these are NEURON's own again."""
        self.let_move()
        self.ions = {name: ion for name, ion in self.ions.items() if name in set(names)}

    def find(self) -> None:
        """Find where NEURON, whose structure is settled, keeps the variables of the ions."""
        for ion in self.ions.values():
            ion.find()
        self._potentials.take_over(
            {name: ion.outside for name, ion in self.ions.items() if ion.charge}
        )
        self._counts = membrane.structure_counts()

    def let_move(self) -> None:
        """NEURON may move what it keeps now, of which all is NEURON's own until `find` is called."""
        self._potentials.hand_back()

    def moved(self) -> bool:
        """Whether NEURON's structure has changed since, without which its variables stay where they
        are.
        """
        return membrane.structure_counts() != self._counts

    def check(self) -> None:
        """After a change of NEURON's structure: raises RuntimeError where the segments are others
        now.
        """
        membrane.refuse_unsupported_modes()
        if membrane.Segments() != self.all:
            raise RuntimeError(
                "sections, nseg or 3-D points have changed since n.finitialize(): call it again before the run goes on"
            )
        membrane.refuse_other_writers(*self.ions)

    def odd_currents(self) -> list[str]:
        """A sentence for each ion with a current that is no number."""
        lines = []
        for ion in self.ions.values():
            currents = ion.current.values() if ion.current else np.zeros(0)
            odd = np.flatnonzero(~np.isfinite(currents))
            if odd.size:
                lines.append(
                    f"i{ion.name} of {self.all.name(int(odd[0]))} is {currents[odd[0]]:g} mA/cm2"
                )
        return lines
