"""Colours of concentrations: ends of the scale, matplotlib's norm and map, and what must be told.

below the scale   white with a threshold, light blue where a log scale has no place for it,
                  else the first colour of the map; the colour bar then has an arrow
above the scale   the last colour of the map, and an arrow
not finite        grey
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecsmpi.plots.library import matplotlib
from ecsmpi.plots.limits import ROUND_OFF, limits_of
from ecsmpi.plots.options import Colouring

NOT_FINITE = {False: ("light grey", "0.8"), True: ("grey", "0.5")}  # of a change: True
NOT_POSITIVE = ("light blue", "#9fd8ff")
BELOW_THRESHOLD = "white"
TINY = 1e-12  # mM


LogNorm: Any = matplotlib("colors").LogNorm


class LogScaleNorm(LogNorm):
    """matplotlib's LogNorm, but values of at most 0 lie below the scale instead of nowhere."""

    def __call__(self, value: Any, clip: bool | None = None) -> Any:
        """Return where values lie between the ends, 0 to 1; less than 0 below the scale."""
        values = np.ma.asarray(value)
        return super().__call__(np.ma.where(values <= 0, self.vmin / 10, values), clip)


@dataclass(frozen=True)
class Extremes:
    """What decides the ends of a colour scale, of some values.

    Parameters
    ----------
    low, high : float
        The least and the greatest finite value; inf and -inf without any.
    positive : float
        The least value above 0; inf without any.
    size : int
        How many values there are.
    not_finite, not_positive : int
        How many are NaN or infinite; how many are finite and at most 0.
    """

    low: float = math.inf
    high: float = -math.inf
    positive: float = math.inf
    size: int = 0
    not_finite: int = 0
    not_positive: int = 0

    @classmethod
    def of(cls, values: np.ndarray) -> Extremes:
        """Return the extremes of an array."""
        finite = values[np.isfinite(values)]
        positive = finite[finite > 0]
        return cls(
            float(finite.min(initial=math.inf)),
            float(finite.max(initial=-math.inf)),
            float(positive.min(initial=math.inf)),
            values.size,
            values.size - finite.size,
            finite.size - positive.size,
        )

    def with_others(self, other: Extremes) -> Extremes:
        """Return the extremes of both."""
        return Extremes(
            min(self.low, other.low),
            max(self.high, other.high),
            min(self.positive, other.positive),
            self.size + other.size,
            self.not_finite + other.not_finite,
            self.not_positive + other.not_positive,
        )

    def notes(self, label: str, colouring: Colouring) -> list[str]:
        """Return what the user must be told of the values of a species."""
        found = []
        if self.not_finite:
            colour, _ = NOT_FINITE[colouring.change]
            found.append(
                f"{self.not_finite:,} of {self.size:,} values of {label} are not finite (NaN): "
                f"drawn in {colour}"
            )
        if colouring.log and self.not_positive and colouring.threshold is None:
            found.append(
                f"{self.not_positive:,} of {self.size:,} values of {label} are at most 0, where a "
                f"log scale has no place: drawn in {NOT_POSITIVE[0]}"
            )
        for level in colouring.contours:
            if self.low <= self.high and not self.low < level < self.high:
                found.append(
                    f"no contour of {label} at {level:g} mM: "
                    f"the values go from {self.low:g} to {self.high:g} mM"
                )
        return found


@dataclass(frozen=True)
class ColourScale:
    """A colour scale.

    Parameters
    ----------
    low, high : float
        Its ends (mM).
    colouring : Colouring
        What was asked for.
    extend : str
        At which ends the colour bar has an arrow: "neither", "min", "max" or "both".
    """

    low: float
    high: float
    colouring: Colouring
    extend: str

    @classmethod
    def of(
        cls,
        label: str,
        extremes: Extremes | None,
        colouring: Colouring,
        magnitude: float = 0.0,
    ) -> ColourScale:
        """Return the scale of a species' values.

        Parameters
        ----------
        label : str
            The species.
        extremes : Extremes or None
            Of the values; None where limits are given and the values are not known yet.
        colouring : Colouring
            What was asked for.
        magnitude : float
            Of a change: the greatest concentration (mM) of which it is a change.

        Raises
        ------
        ValueError
            Where no value has a place on the scale.
        """
        if extremes is None:
            low, high = colouring.limits or (0.0, 1.0)
            return cls(low, high, colouring, "both")
        if colouring.change and colouring.limits is None:
            low, high = _around_zero(extremes, magnitude)
        else:
            low, high = _ends(label, extremes, colouring)
        below = extremes.low < low or (colouring.log and extremes.not_positive > 0)
        above = extremes.high > high
        extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
        return cls(low, high, colouring, extend[int(below), int(above)])

    def norm(self) -> Any:
        """Return matplotlib's norm."""
        if self.colouring.log:
            return LogScaleNorm(self.low, self.high)
        return matplotlib("colors").Normalize(self.low, self.high)

    def colour_map(self) -> Any:
        """Return matplotlib's colour map with the colours for what has no place on the scale."""
        colours = matplotlib().colormaps[self.colouring.map_name]
        under = None
        if self.colouring.threshold is not None:
            under = BELOW_THRESHOLD
        elif self.colouring.log:
            under = NOT_POSITIVE[1]
        _, bad = NOT_FINITE[self.colouring.change]
        return colours.with_extremes(bad=bad, under=under)

    def masked(self, values: np.ndarray) -> np.ma.MaskedArray:
        """Return values without those that are not finite."""
        return np.ma.masked_invalid(values)


def _around_zero(extremes: Extremes, magnitude: float) -> tuple[float, float]:
    """Return ends as far below 0 as above; round-off is not stretched to all colours."""
    largest = max(-extremes.low, extremes.high, ROUND_OFF * magnitude, TINY)
    return -largest, largest


def _ends(label: str, extremes: Extremes, colouring: Colouring) -> tuple[float, float]:
    if colouring.limits is not None:
        low, high = colouring.limits
        return low, high
    if extremes.low > extremes.high:  # nothing is finite
        return 1.0, 10.0
    low = extremes.low
    if colouring.threshold is not None:
        low = colouring.threshold
        if extremes.high < low:
            raise ValueError(
                f"no voxel of {label} reaches the threshold of {low:g} mM: "
                f"the highest has {extremes.high:g} mM"
            )
    elif colouring.log:
        low = extremes.positive
        if low == math.inf:
            raise ValueError(
                f"no value of {label} is above 0, so a log scale can show none: leave out log"
            )
    ends = limits_of(low, extremes.high)
    return ends if colouring.threshold is None else (low, max(ends[1], low + ROUND_OFF * abs(low)))
