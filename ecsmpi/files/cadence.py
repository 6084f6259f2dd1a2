"""Decides when an event is due that recurs every so many milliseconds, such as a frame."""

from __future__ import annotations

import math

ROUND_OFF = 1e-6  # of an interval: times are sums of steps


def checked_interval(every) -> float:
    """Return an interval in ms; raise ValueError unless it is finite and above 0."""
    if not (math.isfinite(every) and every > 0):
        raise ValueError(f"every must be > 0 ms, got {every}")
    return float(every)


class Cadence:
    """An event that is due at the first step at or after each multiple of an interval.

    Multiples are counted from the beginning of the run.

    Parameters
    ----------
    every : float
        Interval in ms, above 0.
    """

    def __init__(self, every: float):
        self.every = checked_interval(every)

    def begin(self, t: float) -> None:
        """Begin a run at t (ms): the event is due one interval later."""
        self._began = t
        self._last = 0

    def join(self, began: float, t: float) -> None:
        """Begin at t (ms) in a run that began at ``began``: due at the run's next multiple."""
        self._began = began
        self._last = self._intervals_until(t)

    def due(self, t: float) -> bool:
        """Whether the event is due at t (ms); if so, the next one is due an interval later."""
        count = self._intervals_until(t)
        is_due = count > self._last
        self._last = max(count, self._last)
        return is_due

    def _intervals_until(self, t: float) -> int:
        return math.floor((t - self._began) / self.every + ROUND_OFF)

    def state(self) -> list:
        """Return the state for a checkpoint."""
        return [self._began, self._last]

    def resume(self, state: list) -> None:
        """Continue from a state that `state` returned."""
        self._began, self._last = state
