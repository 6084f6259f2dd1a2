"""Waiting for other ranks, with a time limit and a message instead of a silent hang."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

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

Result = TypeVar("Result")

LONG = 3.0  # s that a rank works before it says what it does
DEFAULT_TIMEOUT = 300.0  # s of waiting before a rank gives up
TESTS_WITHOUT_SLEEP = 1000  # of a request: most are complete soon
NAP = 1e-4  # s between two tests after that


def meet(comm: Any, call: str, cure: str = "") -> None:
    """Wait until every rank has come to the same call. Collective.

    It takes microseconds where all ranks come. After 10 s a rank says where it waits.

    Parameters
    ----------
    comm
        Of the ranks.
    call : str
        The user's call, for messages; the same on all ranks.
    cure : str
        For messages: what else to do where ranks meet in two different calls.

    Raises
    ------
    RanksApart
        Where some rank has not come after ECSMPI_TIMEOUT seconds (300), or where ranks meet in two
        different calls: then on every rank, with both names.
    """
    if comm.size > 1:
        arrivals(comm).meet(call, timeout_seconds(), cure)


def timeout_seconds() -> float:
    """Seconds that a rank waits for the others in a collective call: ECSMPI_TIMEOUT, or 300."""
    text = os.environ.get("ECSMPI_TIMEOUT", str(DEFAULT_TIMEOUT))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise ValueError(f"ECSMPI_TIMEOUT must be a number of seconds > 0, got {text!r}")
    return seconds


@contextmanager
def one_per_node_first(comm: Any, doing: str = "") -> Iterator[bool]:
    """A block that the first rank of each node runs before the node's other ranks do. Collective.

        with one_per_node_first(comm, "compiles"):
            compile_kernels()           # the others find them in the cache

    The block's value is whether this rank is the first one.

    Parameters
    ----------
    comm
        Of the ranks.
    doing : str
        What rank 0 says that it does, where that takes more than a few seconds.
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
def _said_when_long(doing: str) -> Iterator[None]:
    say = threading.Timer(LONG, print, (f"ecsmpi: {doing}",), {"file": sys.stderr, "flush": True})
    say.daemon = True
    if doing:
        say.start()
    try:
        yield
    finally:
        say.cancel()


def everywhere(comm: Any, action: Callable[..., Result], *arguments: Any) -> Result:
    """``action(*arguments)``; the first failure of any rank is raised on every rank. Collective."""
    result: Result
    failure: Exception | None = None
    try:
        result = action(*arguments)
    except Exception as error:
        failure = error
    if comm.allreduce(failure is not None):
        raise next(error for error in comm.allgather(failure) if error is not None)
    return result


def meeting_place(comm: Any) -> Any:
    """A duplicate of a communicator that serves for waiting alone.

    Other ranks may be blocked in a collective call on the communicator itself. The first call makes
    the duplicate and is collective; `start_mpi` makes it. It is kept as an attribute of ``comm``.
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


def wait(request: Any, seconds: float) -> bool:
    """Test an MPI request until it is complete; False where it is not after ``seconds``. Local.

    At first it tests without sleeping.
    """
    for _ in range(TESTS_WITHOUT_SLEEP):
        if request.Test():
            return True
    end = time.monotonic() + seconds
    while not request.Test():
        if time.monotonic() > end:
            return False
        time.sleep(NAP)
    return True
