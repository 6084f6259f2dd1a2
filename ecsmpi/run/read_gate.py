"""The gate before each change of the concentrations: while a rank may read, no rank writes.

    rank that reads  |-- step n --|  reads ...        |-- step n + 1 --|
    another rank     |-- step n ----|-- step n + 1: currents  (gate)  reactions, sweeps --|

A rank that is in the script's Python code has not come to the gate. It reads the concentrations at
the end of the last change that it took part in, once the other rank has completed that change.
"""

from __future__ import annotations

import time
from contextlib import suppress

import numpy as np

from ecsmpi.ranks.arrivals import CALLS, CHANGES, arrivals
from ecsmpi.ranks.peers import Peers, Unreadable

CHECK_EVERY = 0.5  # s between two checks whether other processes still run
FIRST_NAP = 1e-5  # s
LONGEST_NAP = 1e-3  # s
THE_END = "the end of the script"


class Gate:
    """Lets all ranks change concentrations together, and read each other's in between.

    The constructor is collective.

    Parameters
    ----------
    comm
        Communicator of all ranks that read and change.
    """

    def __init__(self, comm):
        self.comm = comm
        self.peers = Peers(comm)
        self._arrivals = arrivals(comm)
        self._published = memoryview(self._arrivals.published)
        self._addresses = comm.allgather(self._arrivals.published.ctypes.data)
        self._seen = [0] * comm.size  # changes that each rank is known to have completed
        self._number = np.zeros(1, dtype=np.int64)
        self._number_at = self._number.ctypes.data
        self._next_check = 0.0
        self._is_open = True
        self._is_closed = False

    def start(self, call: str, difference: int = 0) -> None:
        """Bar reads of this rank until `completed`. Local; see `Arrivals.start`."""
        self._is_open = False
        self._arrivals.start(call, difference)

    def finish(self, timeout: float | None = None) -> tuple[int, int]:
        """Wait until no rank reads; see `Arrivals.finish`. Collective."""
        return self._arrivals.finish(timeout, self.missing, self.peers.serve)

    def completed(self) -> None:
        """Allow reads of this rank, which has made the change that all ranks make. Local."""
        self._published[CHANGES] += 1
        self._is_open = True

    @property
    def is_open(self) -> bool:
        """Whether this rank may read."""
        return self._is_open

    def wait_for(self, rank: int) -> None:
        """Wait until another rank has completed all changes that this rank has. Local."""
        if self._seen[rank] >= self._published[CHANGES]:
            return
        nap = FIRST_NAP
        while self._read(rank, CHANGES) < self._published[CHANGES]:
            self.peers.serve()
            self._arrivals.progress()
            time.sleep(nap)
            nap = min(1.2 * nap, LONGEST_NAP)
        self._seen[rank] = self._published[CHANGES]

    def missing(self) -> list[int]:
        """The ranks that have come to fewer calls than this rank. Local."""
        calls = self._published[CALLS]
        return [rank for rank in range(len(self._addresses)) if self._read(rank, CALLS) < calls]

    def _read(self, rank: int, which: int) -> int:
        """A number that a rank has published."""
        address = self._addresses[rank] + 8 * which
        self.peers.read_number(rank, address, self._number, self._number_at)
        return int(self._number[0])

    def close(self) -> None:
        """Wait at the end until no rank reads any more, or a process has gone. Collective.

        A second call does nothing.
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
