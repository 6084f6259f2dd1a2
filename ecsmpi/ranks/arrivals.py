"""Calls that all ranks make together, with a check that all of them make the same call.

    arrivals(comm).start("a step of the grid")      this rank is there; it can go on with other work
    arrivals(comm).finish()                         ... until it needs all ranks to be there

Four whole numbers carry a hash of the call's name. Each rank learns their maximum over all ranks by
dissemination (Hensgen, Finkel and Manber, Int. J. Parallel Program. 17, 1988): in round k a rank
sends the maximum that it knows to the rank 2^k further on, so ceil(log2 P) rounds suffice. `start`
sends the first round. A rank that reads, plots or computes elsewhere keeps the others waiting; this
protects the values that it reads.

MPI's nonblocking allreduce could do the same. In Open MPI it plans its messages in each call, which
takes longer than these persistent messages. `ecsmpi bench gate` prints what they cost.
"""

from __future__ import annotations

import struct
import sys
import time
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

# hash of the call's name and its negative, difference and its negative: the maxima of all four over
# the ranks give the least and the greatest of both
NUMBERS = struct.Struct("4q")
CALLS, CHANGES = range(2)  # places in `Arrivals.published`
SPIN = 1e-3  # s of looking without sleep: other ranks are mostly as fast as this one
SHORT_NAP, LONG_NAP = 5e-5, 2e-3  # s between two looks after that
NOTICE_AFTER = 10.0  # s of waiting before a rank says so, where the call has a time limit
LATE_NOTICE_AFTER = 60.0  # s of waiting before a rank says so, where the call has none


class RanksApart(RuntimeError):
    """Ranks made different calls, or some of them did not make a call that all must make."""


class Arrivals:
    """The calls that all ranks of a communicator make together.

    Attributes
    ----------
    published : (2,) int
        How many calls this rank has come to, and how often all ranks have completed a change. Other
        ranks read these numbers (`peers`).
    waiting : str
        Name of the call in which this rank is, from `start` to the end of `finish`, else "".
    """

    def __init__(self, comm: Any):
        """Collective. comm: of all ranks that make the calls."""
        self._rank, self._size = comm.rank, comm.size
        self._place = comm.Dup()  # nothing else uses it, so calls match in their order
        self._rounds = [Round(self._place, 1 << k) for k in range((comm.size - 1).bit_length())]
        self._round = 0  # the one that is under way
        self._alike = b""  # the numbers of this call, if no rank differs
        self._known = b""  # their maximum over the ranks that this one has heard of
        self.published = np.zeros(2, dtype=np.int64)
        self._published = self.published.data
        self.waiting = self._cure = ""

    def start(self, call: str, difference: int = 0, cure: str = "") -> None:
        """Say that this rank has come to a call. Local.

        Parameters
        ----------
        call : str
            A name by which the user knows the call; the same on all ranks.
        difference : int
            Any whole number; `finish` returns the least and the greatest of all ranks.
        cure : str
            For messages: what to do where other ranks are in another call, besides making this one
            there too.
        """
        self._alike = _message(call)
        self._known = _pack(call, difference) if difference else self._alike
        self._published[CALLS] += 1
        self.waiting, self._cure = call, cure
        self._round = 0
        if self._rounds:
            self._rounds[0].start(self._known)

    def finish(
        self,
        timeout: float | None = None,
        missing: Callable[[], list[int]] | None = None,
        serve: Callable[[], None] | None = None,
    ) -> tuple[int, int]:
        """Wait until all ranks have come to the call. Collective.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait at most; None for as long as it takes.
        missing : callable, optional
            Returns the ranks that have not come, for messages.
        serve : callable, optional
            Called again and again while this rank waits, to do what other ranks need.

        Returns
        -------
        least, greatest : int
            Of the ``difference`` of all ranks.

        Raises
        ------
        RanksApart
            On every rank, where ranks have come to different calls: with the names of two of them.
            On this rank, where some ranks do not come in time.
        """
        if not self._all_known() and not self._arrived(timeout, missing, serve):
            raise self._too_late(timeout, missing)
        call, self.waiting = self.waiting, ""
        if self._known is self._alike:
            return 0, 0
        name, minus_name, greatest, minus_least = NUMBERS.unpack(self._known)
        if name != -minus_name:
            raise self._different(call)
        return -minus_least, greatest

    def progress(self) -> None:
        """Let MPI move the messages that this rank has started. Local."""
        self._place.Iprobe()

    def meet(self, call: str, timeout: float, cure: str = "") -> None:
        """Wait until all ranks have come to a call, at most ``timeout`` seconds. Collective.

        Raises RanksApart as `finish` does.
        """
        self.start(call, cure=cure)
        self.finish(timeout)

    def _arrived(self, timeout, missing, serve) -> bool:
        """Wait; whether all ranks have come in time."""
        begin = time.monotonic()
        notice_after = LATE_NOTICE_AFTER if timeout is None else NOTICE_AFTER
        said = False
        nap = SHORT_NAP
        while not self._all_known():
            if serve is not None:
                serve()
            waited = time.monotonic() - begin
            if timeout is not None and waited > timeout:
                return False
            if not said and waited > notice_after:
                said = True
                self._say(timeout, missing)
            if waited > SPIN:
                time.sleep(nap)
                nap = min(1.1 * nap, LONG_NAP)
        return True

    def _all_known(self) -> bool:
        """Go on with the rounds as far as messages have come; whether all rounds are done."""
        while self._round < len(self._rounds):
            round_ = self._rounds[self._round]
            if not round_.is_done():
                return False
            if round_.received != self._known:
                self._known = _maximum(self._known, round_.received)
            self._round += 1
            if self._round < len(self._rounds):
                self._rounds[self._round].start(self._known)
        return True

    def _say(self, timeout, missing) -> None:
        late = missing() if missing is not None else []
        if timeout is not None:
            text = (
                f"rank {self._rank} waits in {self.waiting}: "
                "it is collective, call it on every rank"
            )
        elif not late or self._rank != min(set(range(self._size)) - set(late)):
            return  # one rank says so for all that wait
        else:
            text = f"rank {self._rank} waits in {self.waiting} for {_ranks(late)}"
        print(f"ecsmpi: {text}", file=sys.stderr, flush=True)

    def _too_late(self, timeout, missing) -> RanksApart:
        late = missing() if missing is not None else []
        others = _ranks(late) if late else "ranks"
        cure = f" Else {self._cure}." if self._cure else ""
        return RanksApart(
            f"rank {self._rank} of {self._size} waited {timeout:g} s in {self.waiting} for "
            f"{others} that never called it: "
            "it is collective, so call it on every rank (outside `if rank == 0`). "
            f"Where a rank is only slow, set ECSMPI_TIMEOUT to more seconds.{cure}"
        )

    def _different(self, call: str) -> RanksApart:
        calls, cures = zip(*self._place.allgather((call, self._cure)))
        cure = next((f"; {cure}" for cure in cures if cure), "")
        other = next(rank for rank, one in enumerate(calls) if one != calls[0])
        return RanksApart(
            f"rank 0 is in {calls[0]} where rank {other} is in {calls[other]}: "
            f"make these calls on every rank, in the same order{cure}"
        )


class Round:
    """One message to a rank and one from another, by persistent requests.

    Attributes
    ----------
    received : bytearray
        The four numbers that have come, once `is_done`.
    """

    def __init__(self, place: Any, distance: int):
        """distance: from this rank to the one that gets its message."""
        self._sent, self.received = bytearray(NUMBERS.size), bytearray(NUMBERS.size)
        self._send = place.Send_init(self._sent, (place.rank + distance) % place.size)
        self._receive = place.Recv_init(self.received, (place.rank - distance) % place.size)

    def start(self, known: bytes) -> None:
        """Send four numbers, and receive four. Local."""
        self._sent[:] = known
        self._receive.Start()
        self._send.Start()

    def is_done(self) -> bool:
        """Whether the message has come and this rank's own has gone. Local."""
        return self._receive.Test() and self._send.Test()


def arrivals(comm: Any) -> Arrivals:
    """The Arrivals of a communicator. The first call makes them and is collective."""
    key = _key()
    found = comm.Get_attr(key)
    if found is None:
        found = Arrivals(comm)
        comm.Set_attr(key, found)
    return found


@cache
def _key():
    from ecsmpi.ranks.mpi import MPI

    return MPI.Comm.Create_keyval()


def _pack(call: str, difference: int) -> bytes:
    name = zlib.crc32(call.encode())
    return NUMBERS.pack(name, -name, difference, -difference)


@cache
def _message(call: str) -> bytes:
    return _pack(call, 0)


def _maximum(one: bytes, other: bytes | bytearray) -> bytes:
    return NUMBERS.pack(*map(max, NUMBERS.unpack(one), NUMBERS.unpack(other)))


def _ranks(numbers: list[int]) -> str:
    shown = ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")
    return f"rank{'s' * (len(numbers) > 1)} {shown}"
