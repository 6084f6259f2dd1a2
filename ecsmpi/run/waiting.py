"""A rank that waits long for others inside a step says so: for what, and for which ranks.

A thread of Python looks every few seconds in which phase the step is, and since when. The step does
nothing for it. The thread can run then, since mpi4py lets Python go on while it waits for a
message. NEURON does not: see `neuron_waits`.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from time import perf_counter
from typing import TextIO

from ecsmpi.run.neuron_waits import NeuronsWaits
from ecsmpi.run.region_solver import RegionSolver
from ecsmpi.solver.timing import Phases

LIMIT = 60.0  # s in one phase before a rank says so
AGAIN = 10.0  # times as long, before it says so again
LONGEST_PAUSE = 5.0  # s between two looks
WAITS = {
    "ghosts": "ghost planes",
    "deposit": "currents of segments",
    "interfaces": "interfaces of the slabs",
    "collect": "concentrations at its segments",
    "factors": "new tissue",
    "observers": "output, checkpoints or the common look at the run",
}
NAMED = 6  # ranks that a line names


class WaitingWatch:
    """Watches how long one rank waits, for as long as the process runs."""

    def __init__(self, phases: Phases, stream: TextIO | None = None):
        self._phases = phases
        self._stream = stream
        self._rank = ""
        self._partners: dict[str, set[int]] = {}  # of each phase
        self._said: dict[str, tuple[float, float]] = {}  # (when the wait began, next limit)
        self._thread: threading.Thread | None = None
        self.in_neuron = NeuronsWaits()

    def start(self, comm, partners: dict[str, set[int]]) -> None:
        """Watch from now on. Local.

        partners: {phase: ranks that this rank waits for}; all others for a phase without an entry.
        """
        self._rank = f"rank {comm.rank} of {comm.size}"
        everyone = set(range(comm.size)) - {comm.rank}
        self._partners = {phase: partners.get(phase, everyone) for phase in WAITS}
        if comm.size == 1:
            return
        self.in_neuron.start(self._rank, LIMIT)
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="ecsmpi waiting", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(min(LONGEST_PAUSE, LIMIT / 2)):
            self.in_neuron.beat()
            self.look(perf_counter())

    def look(self, now: float) -> None:
        """Say what this rank waits for, if it has waited long. Local. now: s, of perf_counter."""
        for name, what in WAITS.items():
            began = self._phases[name].began
            if began is None:
                continue
            said_of, limit = self._said.get(name, (None, LIMIT))
            if said_of != began:
                limit = LIMIT
            if now - began > limit:
                self._said[name] = began, AGAIN * (now - began)
                self._say(name, what, now - began)

    def _say(self, name: str, what: str, seconds: float) -> None:
        print(
            f"ecsmpi: {self._rank} has waited {seconds:.0f} s in a step for {what} "
            f"({_named(sorted(self._partners[name]))}): "
            "is one of them slow, stopped or in a debugger, or is the network down?",
            file=self._stream or sys.stderr,
            flush=True,
        )


def partners_of(solvers: Iterable[RegionSolver]) -> dict[str, set[int]]:
    """{phase: the ranks that this one waits for in it} in a step of these solvers. Local."""
    partners: dict[str, set[int]] = {}
    for solver in solvers:
        for phase, ranks in solver.waits_for().items():
            partners[phase] = partners.get(phase, set()) | ranks
    return partners


def _named(ranks: list[int]) -> str:
    """Words for some ranks."""
    if not ranks:
        return "other ranks"
    if len(ranks) == 1:
        return f"rank {ranks[0]}"
    more = ", ..." if len(ranks) > NAMED else ""
    return f"ranks {', '.join(map(str, ranks[:NAMED]))}{more}"
