"""One ion at all segments of this rank, in NEURON's memory."""

from __future__ import annotations

from typing import Any

from ecsmpi.neuron_api.range_variable import RangeVariable


class SegmentIon:
    """The current and the outside concentration of one ion at the segments.

    Boxes read and write them in place. Segments in no box keep the default concentration that
    NEURON's initialisation sets.

    Attributes
    ----------
    current : mA/cm2; None without a charge
    outside : mM; a RangeVariable once `find` was called
    """

    def __init__(self, name: str, charge: int):
        self.name = name
        self.charge = charge
        self.current: RangeVariable | None = None
        self.outside: Any = None

    def find(self) -> None:
        """Find where NEURON keeps the variables now; needed after each change of its structure."""
        self.outside = RangeVariable(f"{self.name}o")
        self.current = RangeVariable(f"i{self.name}") if self.charge else None
