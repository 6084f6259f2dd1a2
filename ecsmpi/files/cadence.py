"""When something is due that comes back every so many milliseconds."""

from __future__ import annotations

import math

ROUND_OFF = 1e-6  # of an interval: times are sums of steps


def checked_interval(every) -> float:
    """An interval in ms; ValueError unless it is a number above 0."""
    if not (math.isfinite(every) and every > 0):
        raise ValueError(f"every must be > 0 ms, got {every}")
    return float(every)


class Cadence:
    """Due at the first time that is told at or after each multiple of ``every`` (ms) since the
    beginning.
    """

    def __init__(self, every: float):
        self.every = checked_interval(every)

    def begin(self, t: float) -> None:
        """The beginning, in ms."""
        self._begin, self._last = t, 0

    def join(self, began: float, t: float) -> None:
        """Begin in mid-run, at t (ms): due at the next multiple of the interval since the run
        began.
        """
        self._begin = began
        self._last = math.floor((t - began) / self.every + ROUND_OFF)

    def due(self, t: float) -> bool:
        """Whether a multiple of the interval has passed since it was last due."""
        count = math.floor((t - self._begin) / self.every + ROUND_OFF)
        passed, self._last = count > self._last, max(count, self._last)
        return passed

    def state(self) -> list:
        """For a checkpoint."""
        return [self._begin, self._last]

    def resume(self, state: list) -> None:
        """Go on from what `state` said."""
        self._begin, self._last = state
