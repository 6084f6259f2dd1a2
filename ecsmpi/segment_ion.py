"""One ion at all segments of this rank, between NEURON and the boxes that the segments lie in."""

from __future__ import annotations

import numpy as np

from ecsmpi import membrane
from ecsmpi.membrane import RangeVariable, Segments


class SegmentIon:
    """Currents from NEURON's segments, outside concentrations to them.

    currents: (segments,) mA/cm2, as of the last `gather`. outside: (segments,) mM, what `scatter` writes: boxes set
    theirs, and segments in no box keep NEURON's default.
    """

    def __init__(self, name: str, charge: int, segments: Segments):
        self.name, self.charge = name, charge
        self.currents = np.zeros(segments.count)
        self.outside = np.zeros(segments.count)
        self.take_handles(segments)

    def take_handles(self, segments: Segments) -> None:
        """Take NEURON's handles anew: they die when its structure changes."""
        self._current = RangeVariable(segments, f"i{self.name}") if self.charge else None
        self._outside = RangeVariable(segments, f"{self.name}o")

    def reset(self, segments: Segments) -> None:
        """Concentrations as NEURON's initialisation resets them."""
        inside, outside = membrane.default_concentrations(self.name)
        RangeVariable(segments, f"{self.name}i").scatter(inside)
        self.outside[:] = outside

    def gather(self) -> None:
        """Read the currents, of an ion that has a charge."""
        if self._current is not None:
            self.currents = self._current.gather()

    def scatter(self) -> None:
        """Write the outside concentrations."""
        self._outside.scatter(self.outside)
