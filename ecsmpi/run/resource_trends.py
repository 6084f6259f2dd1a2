"""Warns where a rank's memory or the time of its steps grows through a run."""

from __future__ import annotations

import os
import sys
import time
from typing import TextIO

from ecsmpi.solver.timing import SWEEPS, Phases

PERIOD = 60.0  # s
GROWTH = 1.25  # of memory, since the last warning
LEAST_GROWTH = 100 << 20  # bytes
SLOWER = 2.0  # times the fastest minute


class ResourceTrends:
    """Looks at this rank about once a minute. Local."""

    def __init__(self, rank: int, stream: TextIO | None = None):
        self._rank = rank
        self._stream = stream
        self._next = time.monotonic() + PERIOD
        self._bytes: int | None = None  # at first, or at the last warning
        self._fastest: float | None = None  # s a step
        self._seconds = 0.0
        self._steps = 0

    def look(self, phases: Phases) -> None:
        """Warn if memory or the time of a step has grown. phases: of this rank."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + PERIOD
        self.judge_memory(_resident_bytes())
        seconds = sum(phases[name].seconds for name in SWEEPS)
        steps = phases.steps
        if steps > self._steps:
            self.judge_pace((seconds - self._seconds) / (steps - self._steps))
        self._seconds = seconds
        self._steps = steps

    def judge_memory(self, size: int) -> None:
        """Warn where memory is a quarter, and 100 MB, above the first or the last warned size."""
        if self._bytes is None:
            self._bytes = size
        elif size > max(GROWTH * self._bytes, self._bytes + LEAST_GROWTH):
            self._say(f"memory has grown from {self._bytes / 1e6:,.0f} to {size / 1e6:,.0f} MB")
            self._bytes = size

    def judge_pace(self, seconds: float) -> None:
        """Warn where a step takes twice as long as in the fastest minute or the last warning."""
        if self._fastest is None:
            self._fastest = seconds
        elif seconds > SLOWER * self._fastest > 0:
            self._say(
                f"computing a step takes {1e3 * seconds:.3g} ms, "
                f"it took {1e3 * self._fastest:.3g} ms: is the core shared?"
            )
            self._fastest = seconds
        self._fastest = min(self._fastest, seconds)

    def _say(self, text: str) -> None:
        print(f"ecsmpi: rank {self._rank}: {text}", file=self._stream or sys.stderr, flush=True)


def _resident_bytes() -> int:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
