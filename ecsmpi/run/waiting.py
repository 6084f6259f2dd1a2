"""A rank that waits long for others inside a step says so: for what, and for which ranks.

A thread of Python's looks every few seconds at which phase the step is in, and since when: the step
does nothing for it. It can run then, since mpi4py lets Python go on while it waits for a message.
NEURON does not: see `neurons_waits`.
"""

from __future__ import annotations

import sys
import threading
from time import perf_counter

from ecsmpi.run.neuron_waits import NeuronsWaits
from ecsmpi.solver.timing import Phases

LIMIT = 60.0  # s in one phase before a rank says so
AGAIN = 10.0  # times as long, before it says so again
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
    """Looks after the waiting of one rank, for as long as the process."""

    def __init__(self, phases: Phases, stream=None):
        self._phases, self._stream = phases, stream
        self._rank, self._partners, self._told = "", {}, {}
        self._thread = None
        self.in_neuron = NeuronsWaits()

    def start(self, comm, partners: dict[str, set[int]]) -> None:
        """Watch from now on. partners: {phase: ranks that this one waits for}, all others where a
        phase is not among them. Local.
        """
        self._rank = f"rank {comm.rank} of {comm.size}"
        everyone = set(range(comm.size)) - {comm.rank}
        self._partners = {phase: partners.get(phase, everyone) for phase in WAITS}
        if comm.size > 1:
            self.in_neuron.start(self._rank, LIMIT)
        if self._thread is None and comm.size > 1:
            self._thread = threading.Thread(target=self._watch, name="ecsmpi waiting", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(min(5.0, LIMIT / 2)):
            self.in_neuron.beat()
            self.look(perf_counter())

    def look(self, now: float) -> None:
        """Say what this rank waits for where it has for long."""
        for name, what in WAITS.items():
            began = self._phases[name].began
            if began is None:
                continue
            told, limit = self._told.get(name, (None, LIMIT))
            if told != began:
                limit = LIMIT
            if now - began > limit:
                self._told[name] = began, AGAIN * (now - began)
                self._say(name, what, now - began)

    def _say(self, name: str, what: str, seconds: float) -> None:
        ranks = sorted(self._partners[name])
        others = ", ".join(map(str, ranks[:NAMED])) + (", ..." if len(ranks) > NAMED else "")
        whom = (
            f"rank {others}" if len(ranks) == 1 else f"ranks {others}" if ranks else "other ranks"
        )
        print(
            f"ecsmpi: {self._rank} has waited {seconds:.0f} s in a step for {what} ({whom}): "
            "is one of them slow, stopped or in a debugger, or is the network down?",
            file=self._stream or sys.stderr,
            flush=True,
        )
