"""One ion at all segments of this rank, in NEURON's memory."""

from __future__ import annotations

from ecsmpi.neuron_api.range_variable import RangeVariable


class SegmentIon:
    """The currents (mA/cm2; None without a charge) and outside concentrations (mM) of one ion at
    the segments.

    Boxes read and write theirs in place; segments in no box keep the default concentration that
    NEURON's initialisation sets.
    """

    def __init__(self, name: str, charge: int):
        self.name, self.charge = name, charge
        self.current = self.outside = None

    def find(self) -> None:
        """Find NEURON's memory anew, as its changes of structure make needed."""
        self.outside = RangeVariable(f"{self.name}o")
        self.current = RangeVariable(f"i{self.name}") if self.charge else None
