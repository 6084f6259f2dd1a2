"""Round numbers along an axis."""

from __future__ import annotations

import math


def round_ticks(lo: float, hi: float, most: int) -> list[float]:
    """Return at most ``most`` round numbers from lo to hi, 1, 2 or 5 times a power of ten apart."""
    if most < 1:
        return []
    raw = (hi - lo) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first = math.ceil(lo / step - 1e-9)
    last = math.floor(hi / step + 1e-9)
    return [number * step for number in range(first, last + 1)]
