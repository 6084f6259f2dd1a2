"""Ends of a colour scale or an axis, for pictures and for the page of `ecsmpi view`."""

from __future__ import annotations

ROUND_OFF = 1e-6  # of the values: a smaller range is no structure of a field


def limits_of(low: float, high: float) -> tuple[float, float]:
    """Return the ends of a scale for values from low to high.

    A field that is uniform but for round-off must not be stretched to all colours.
    """
    least = ROUND_OFF * max(abs(low), abs(high), 1e-6)
    if high - low >= least:
        return low, high
    middle = (low + high) / 2
    return middle - least, middle + least
