"""Which colour a concentration has, and how opaque it is in the volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyvista
from vtkmodules.vtkCommonDataModel import vtkPiecewiseFunction
from vtkmodules.vtkRenderingCore import vtkColorTransferFunction

from ecsmpi.view.ticks import round_ticks

FIRST_MAP = "inferno"  # of a page that is dark at first
NAN_COLOUR = "#8c8c8c"
SAMPLES = 128  # of the functions that colour a volume


@dataclass(frozen=True)
class ColourScale:
    """The colours from one concentration to another.

    Parameters
    ----------
    lo, hi : float
        Its ends in mM, lo < hi.
    colours : str
        One of `plots.options.SEQUENTIAL`.
    logarithmic : bool
        Equal ratios are equal steps of colour; lo > 0.
    opaque_end : str
        "high" or "low": which end is opaque in the volume. The other one is clear.
    opacity : float
        Of the opaque end, 0 to 1.
    """

    lo: float
    hi: float
    colours: str = FIRST_MAP
    logarithmic: bool = False
    opaque_end: str = "high"
    opacity: float = 0.6

    def __post_init__(self):
        if not (np.isfinite([self.lo, self.hi]).all() and self.lo < self.hi):
            raise ValueError(f"the colours go from {self.lo:g} to {self.hi:g} mM: give lo < hi")
        if self.logarithmic and self.lo <= 0:
            raise ValueError(f"a logarithmic scale begins above 0, got {self.lo:g} mM")

    def fractions(self, values):
        """Return where values lie on the scale: 0 at lo, 1 at hi, not limited to these."""
        values = np.asarray(values, dtype=float)
        if not self.logarithmic:
            return (values - self.lo) / (self.hi - self.lo)
        positive = np.maximum(values, self.lo * 1e-6)
        return np.log(positive / self.lo) / np.log(self.hi / self.lo)

    def at(self, fraction):
        """Return the value at a fraction of the scale (mM)."""
        if self.logarithmic:
            return self.lo * (self.hi / self.lo) ** fraction
        return self.lo + (self.hi - self.lo) * fraction

    def ticks(self) -> list[float]:
        """Return round values (mM) for the colour bar."""
        if not self.logarithmic:
            return round_ticks(self.lo, self.hi, 6)
        decades = np.log10(self.hi / self.lo)
        factors = (1, 2, 5) if decades < 3 else (1,)
        powers = range(int(np.floor(np.log10(self.lo))), int(np.ceil(np.log10(self.hi))) + 1)
        values = [factor * 10.0**power for power in powers for factor in factors]
        return [value for value in values if self.lo <= value <= self.hi] or [self.lo, self.hi]

    def table(self) -> pyvista.LookupTable:
        """Return the colours as VTK's mappers want them."""
        return pyvista.LookupTable(
            cmap=self.colours,
            n_values=256,
            scalar_range=(self.lo, self.hi),
            log_scale=self.logarithmic,
            nan_color=NAN_COLOUR,
        )

    def volume_colours(self) -> vtkColorTransferFunction:
        """Return the colours as a volume wants them."""
        table = self.table()
        function = vtkColorTransferFunction()
        for value in self.at(np.linspace(0, 1, SAMPLES)):
            red, green, blue = table.map_value(value)[:3]
            function.AddRGBPoint(value, red, green, blue)
        return function

    def volume_opacities(self) -> vtkPiecewiseFunction:
        """Return the opacities along the scale: they rise as the power 1.3 from the clear end."""
        function = vtkPiecewiseFunction()
        for fraction in np.linspace(0, 1, SAMPLES):
            along = fraction if self.opaque_end == "high" else 1 - fraction
            function.AddPoint(self.at(fraction), self.opacity * along**1.3)
        return function

    @property
    def clear(self) -> float:
        """A value (mM) that is clear in the volume: NaN takes it there."""
        return self.lo if self.opaque_end == "high" else self.hi
