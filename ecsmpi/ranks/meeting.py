"""Ranks that wait for each other, with a limit and a message instead of a silent hang."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import contextmanager
from functools import cache

from ecsmpi.ranks.arrivals import RanksApart, arrivals

__all__ = [
    "RanksApart",
    "everywhere",
    "meet",
    "meeting_place",
    "one_per_node_first",
    "timeout_seconds",
    "wait",
]

LONG = 3.0  # s that a rank works before it says what on
DEFAULT_TIMEOUT = 300.0  # s of waiting before a rank gives up


def meet(comm, what: str, cure: str = "") -> None:
    """Wait until every rank of `comm` has come here; collective. `what` names the user's call in
    messages.

    cure: what else to do where ranks meet in two different calls, for messages.

    Costs microseconds where all come. After 10 s a rank says where it waits; after ECSMPI_TIMEOUT
    seconds (300) it raises RanksApart, for a rank that never comes would leave the others in a
    silent hang. Where ranks meet in two different calls, RanksApart names both, on every rank.
    """
    if comm.size > 1:
        arrivals(comm).meet(what, timeout_seconds(), cure)


def timeout_seconds() -> float:
    """Seconds a rank waits for the others in a collective call: ECSMPI_TIMEOUT, or 300."""
    text = os.environ.get("ECSMPI_TIMEOUT", str(DEFAULT_TIMEOUT))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise ValueError(f"ECSMPI_TIMEOUT must be a number of seconds > 0, got {text!r}")
    return seconds


@contextmanager
def one_per_node_first(comm, doing: str = ""):
    """The first rank of each node runs the block, then its other ranks do. Collective.

    with one_per_node_first(comm, "compiles"):
        compile_kernels()           # the others find them in the cache

    doing: what rank 0 says that it does, where that takes more than a few seconds.
    """
    from ecsmpi.ranks.mpi import MPI

    node = comm.Split_type(MPI.COMM_TYPE_SHARED)
    first = node.rank == 0
    if not first:
        wait(node.Ibarrier(), float("inf"))
    try:
        with _said_when_long(doing if comm.rank == 0 else ""):
            yield first
    finally:
        if first:
            wait(node.Ibarrier(), float("inf"))
        node.Free()


@contextmanager
def _said_when_long(doing: str):
    say = threading.Timer(LONG, print, (f"ecsmpi: {doing}",), {"file": sys.stderr, "flush": True})
    say.daemon = True
    if doing:
        say.start()
    try:
        yield
    finally:
        say.cancel()


def everywhere(comm, action, *arguments):
    """``action(*arguments)``; the first failure of any rank is raised on every rank. Collective."""
    failure = result = None
    try:
        result = action(*arguments)
    except Exception as error:
        failure = error
    if comm.allreduce(failure is not None):
        raise next(error for error in comm.allgather(failure) if error is not None)
    return result


def meeting_place(comm):
    """A duplicate of `comm` for waiting alone: the others may be blocked in a collective of `comm`
    itself.

    Made by the first call, which is collective and made by `start`; it is kept as an attribute of
    `comm`.
    """
    key = _meeting_place_key()
    place = comm.Get_attr(key)
    if place is None:
        place = comm.Dup()
        comm.Set_attr(key, place)
    return place


@cache
def _meeting_place_key():
    from ecsmpi.ranks.mpi import MPI

    return MPI.Comm.Create_keyval()


def wait(request, seconds):
    """Poll an MPI request, at first without sleeping; False where it is not complete after
    `seconds`.
    """
    for _ in range(1000):
        if request.Test():
            return True
    end = time.monotonic() + seconds
    while not request.Test():
        if time.monotonic() > end:
            return False
        time.sleep(1e-4)
    return True
