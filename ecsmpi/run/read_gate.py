"""The gate before each change of the concentrations: while a rank may read, no rank writes.

    rank that reads      |-- step n --|  reads ...        |-- step n + 1 --|
    another rank         |-- step n ----|-- step n + 1: currents  (gate)  reactions, sweeps --|

A rank that is in the script's Python code has not come to the gate. So what it reads are the
concentrations at the end of the last change that it took part in, once the other rank has completed
that change.
"""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np

from ecsmpi.ranks.arrivals import CALLS, CHANGES, arrivals
from ecsmpi.ranks.peers import Peers, Unreadable

CHECK_EVERY = 0.5  # s between two looks whether other processes still run
THE_END = "the end of the script"


class Gate:
    """Lets all ranks of a communicator change concentrations together, and read each other's in
    between.
    """

    def __init__(self, comm):
        """Collective. comm: of all ranks that read and change."""
        self.comm = comm
        self._arrivals, self.peers = arrivals(comm), Peers(comm)
        self._published = memoryview(self._arrivals.published)
        self._addresses = comm.allgather(self._arrivals.published.ctypes.data)
        self._seen = [0] * comm.size  # changes that each rank is known to have completed
        self._number = np.zeros(1, dtype=np.int64)
        self._number_at = self._number.ctypes.data
        self._is_open, self._is_closed = True, False

    def start(self, call: str, difference: int = 0) -> None:
        """This rank reads no more until `completed`. Local; see `Arrivals.start`."""
        self._is_open = False
        self._arrivals.start(call, difference)

    def finish(self, timeout: float | None = None) -> tuple[int, int]:
        """Wait until no rank reads; see `Arrivals.finish`. Collective."""
        return self._arrivals.finish(timeout, self.missing, self.peers.serve)

    def completed(self) -> None:
        """This rank has made the change that all ranks make, and may read again. Local."""
        self._published[CHANGES] += 1
        self._is_open = True

    @property
    def is_open(self) -> bool:
        """Whether this rank may read."""
        return self._is_open

    def wait_for(self, rank: int) -> None:
        """Wait until another rank has completed all changes that this one has. Local."""
        if self._seen[rank] >= self._published[CHANGES]:
            return
        nap = 1e-5
        while self._read(rank, CHANGES) < self._published[CHANGES]:
            self.peers.serve()
            self._arrivals.progress()
            time.sleep(nap)
            nap = min(1.2 * nap, 1e-3)
        self._seen[rank] = self._published[CHANGES]

    def missing(self) -> list[int]:
        """The ranks that have come to fewer calls than this one. Local."""
        calls = self._published[CALLS]
        return [rank for rank in range(len(self._addresses)) if self._read(rank, CALLS) < calls]

    def _read(self, rank: int, which: int) -> int:
        self.peers.read_number(
            rank, self._addresses[rank] + 8 * which, self._number, self._number_at
        )
        return int(self._number[0])

    def close(self) -> None:
        """Wait at the end until no rank reads any more, or a process has gone. Collective; again,
        it does nothing.
        """
        if self._is_closed:
            return
        self._is_closed = True
        self.start(THE_END)
        self._next_check = time.monotonic() + CHECK_EVERY
        # a process that cannot be read has ended otherwise, such as by pc.done(): it reads no more
        with suppress(Unreadable):
            self._arrivals.finish(None, self.missing, self._serve_or_leave)
        self.peers.close()

    def _serve_or_leave(self) -> None:
        self.peers.serve()
        if time.monotonic() > self._next_check:
            self._next_check = time.monotonic() + CHECK_EVERY
            if not self.peers.are_alive():
                raise Unreadable("a process has ended")
