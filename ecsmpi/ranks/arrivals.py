"""Ranks that come to the same call: each says which call it is, so that two different calls never pass for one.

    arrivals(comm).start("a step of the grid")      this rank is there; it can go on with other work
    arrivals(comm).finish()                         ... until it needs all ranks to be there

One nonblocking allreduce of four whole numbers carries the names of the calls, as hashes. A rank that reads, plots or
computes elsewhere keeps the others waiting, which is what protects what that rank reads.
"""

from __future__ import annotations

import sys
import time
import zlib
from functools import cache

import numpy as np

CALLS, CHANGES = range(2)  # places in `Arrivals.published`
SPIN = 1e-3  # s of looking without sleep: other ranks are mostly as fast as this one
SHORT_NAP, LONG_NAP = 5e-5, 2e-3  # s between two looks after that
NOTICE_AFTER = 10.0  # s of waiting before a rank says so, where the call has a time limit
SAID_AFTER = 60.0  # s of waiting before a rank says so, where it has none


class RanksApart(RuntimeError):
    """Ranks made different calls, or some of them did not make a call that all must make."""


class Arrivals:
    """The calls that all ranks of a communicator make together.

    Attributes
    ----------
    published : (2,) how many calls this rank has come to, and how often all ranks have completed a change; other ranks
        read these numbers (`peers`)
    waiting : name of the call in which this rank is, from `start` to the end of `finish`, or ""
    """

    def __init__(self, comm):
        """Collective. comm: of all ranks that make the calls."""
        from mpi4py import MPI

        self._max = MPI.MAX
        self._rank, self._size = comm.rank, comm.size
        self._place = comm.Dup()  # nothing else uses it, so calls match in their order
        self._own = np.zeros(4, dtype=np.int64)
        self._all = np.zeros(4, dtype=np.int64)
        self._request = None
        self.published = np.zeros(2, dtype=np.int64)
        self.waiting = ""

    def start(self, call: str, difference: int = 0) -> None:
        """This rank has come to a call. Local.

        Parameters
        ----------
        call : what the user would know the call by; the same on all ranks
        difference : any whole number; `finish` returns the least and the greatest of all ranks
        """
        name = _hash(call)
        self._own[:] = name, -name, difference, -difference
        self.published[CALLS] += 1
        self.waiting = call
        self._request = self._place.Iallreduce(self._own, self._all, op=self._max)

    def finish(self, timeout: float | None = None, missing=None, serve=None) -> tuple[int, int]:
        """Wait until all ranks have come; returns the least and the greatest ``difference`` of them. Collective.

        Parameters
        ----------
        timeout : seconds, or None for as long as it takes
        missing : () -> the ranks that have not come, for messages
        serve : () -> None, what to do for other ranks while this one waits

        Raises
        ------
        RanksApart
            on every rank where ranks have come to different calls, with the names of two of them; on this rank
            where some do not come in time.
        """
        if not self._arrived(timeout, missing, serve):
            raise self._too_late(timeout, missing)
        self._request = None
        call, self.waiting = self.waiting, ""
        if self._all[0] != -self._all[1]:
            raise self._different(call)
        return -int(self._all[3]), int(self._all[2])

    def progress(self) -> None:
        """Let MPI send what this rank has left to it. Local."""
        self._place.Iprobe()

    def meet(self, call: str, timeout: float) -> None:
        """Wait until all ranks have come to a call, at most ``timeout`` seconds. Collective; raises as `finish`."""
        self.start(call)
        self.finish(timeout)

    def _arrived(self, timeout, missing, serve) -> bool:
        begin = time.monotonic()
        said, nap = False, SHORT_NAP
        while not self._request.Test():
            if serve is not None:
                serve()
            waited = time.monotonic() - begin
            if timeout is not None and waited > timeout:
                return False
            if not said and waited > (SAID_AFTER if timeout is None else NOTICE_AFTER):
                said = True
                self._say(timeout, missing)
            if waited > SPIN:
                time.sleep(nap)
                nap = min(1.1 * nap, LONG_NAP)
        return True

    def _say(self, timeout, missing) -> None:
        late = missing() if missing is not None else []
        if timeout is not None:
            text = f"rank {self._rank} waits in {self.waiting}: it is collective, call it on every rank"
        elif not late or self._rank != min(set(range(self._size)) - set(late)):
            return  # one rank says it for all that wait
        else:
            text = f"rank {self._rank} waits in {self.waiting} for {_ranks(late)}"
        print(f"ecsmpi: {text}", file=sys.stderr, flush=True)

    def _too_late(self, timeout, missing) -> RanksApart:
        late = missing() if missing is not None else []
        return RanksApart(
            f"rank {self._rank} of {self._size} waited {timeout:g} s in {self.waiting} for "
            f"{_ranks(late) if late else 'ranks'} that never called it: "
            "it is collective, so call it on every rank (outside `if rank == 0`). "
            "Where a rank is only slow, set ECSMPI_TIMEOUT to more seconds."
        )

    def _different(self, call: str) -> RanksApart:
        calls = self._place.allgather(call)
        other = next(rank for rank, one in enumerate(calls) if one != calls[0])
        return RanksApart(
            f"rank 0 is in {calls[0]} where rank {other} is in {calls[other]}: "
            "make these calls on every rank, in the same order"
        )


def arrivals(comm) -> Arrivals:
    """The calls of a communicator's ranks, made by the first call of this function, which is collective."""
    key = _key()
    found = comm.Get_attr(key)
    if found is None:
        found = Arrivals(comm)
        comm.Set_attr(key, found)
    return found


@cache
def _key():
    from mpi4py import MPI

    return MPI.Comm.Create_keyval()


@cache
def _hash(call: str) -> int:
    return zlib.crc32(call.encode())


def _ranks(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")
    return f"rank{'s' * (len(numbers) > 1)} {shown}"
