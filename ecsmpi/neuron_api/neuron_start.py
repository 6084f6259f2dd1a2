"""Start MPI and NEURON on the same ranks: `start` comes before anything imports neuron."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ecsmpi.neuron_api import library, symbols
from ecsmpi.ranks.launch import LaunchError, mpi_libraries, start_mpi

IMPORT_FIRST = "Put `from ecsmpi import rxd` before any import of neuron"

_comm: Any = None
_error: LaunchError | None = None


def start() -> Any:
    """Start MPI and NEURON; return ecsmpi's communicator over all ranks.

    Collective; later calls are free. After NEURON has failed to join MPI, each call raises the same
    error.

    Raises
    ------
    LaunchError, which names the cure, where the processes are not one MPI job, where NEURON has
    other ranks than MPI, and where the script imported neuron first and has used it while NEURON
    took each process for its only rank.
    """
    global _comm, _error
    if _error is not None:
        raise _error
    if _comm is None:
        neuron_was_first = "neuron" in sys.modules
        comm = start_mpi()
        try:
            _start_neuron(comm, neuron_was_first)
        except LaunchError as error:
            _error = error  # NEURON is imported by now: a second try would name another cause
            raise
        _comm = comm
    return _comm


def communicator() -> Any:
    """The communicator of `start`, or None before it has succeeded."""
    return _comm


def _start_neuron(comm: Any, neuron_was_first: bool) -> None:
    _show_mpi_to_neuron()
    with _unless_loaded("IPython"):
        from neuron import n

    # A ParallelContext or a section that exists already was made under NEURON's own idea of the
    # number of ranks.
    has_contexts = neuron_was_first and n.List("ParallelContext").count() > 0
    used = has_contexts or (neuron_was_first and any(True for _ in n.allsec()))
    # Not asked of a ParallelContext: the first one settles who is the bulletin board's master.
    size = library.variable(symbols.RANKS, ctypes.c_int).value
    if size != comm.size and neuron_was_first:
        if used:
            raise LaunchError(
                f"ecsmpi was imported too late: neuron, imported before it, runs as {size} "
                f"rank(s) while MPI has {comm.size}, and the script has already made sections or a "
                f"ParallelContext. {IMPORT_FIRST}."
            )
        n.nrnmpi_init()
    context = n.ParallelContext()
    rank, size = int(context.id()), int(context.nhost())
    if (rank, size) != (comm.rank, comm.size):
        raise LaunchError(
            f"NEURON is rank {rank} of {size} where MPI is rank {comm.rank} of {comm.size}: "
            f"NEURON does not use mpi4py's MPI library. {IMPORT_FIRST}, leave "
            "NEURON_INIT_MPI and MPI_LIB_NRN_PATH unset, and run `ecsmpi doctor`."
        )
    os.register_at_fork(after_in_child=_stand_alone)


@contextmanager
def _unless_loaded(package: str) -> Iterator[None]:
    """Let imports in the block fail for a package that is installed but not loaded yet.

    NEURON imports IPython only to ask whether the script runs in it. A script that does has loaded
    it before.
    """
    if package in sys.modules:
        yield
        return
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


def _stand_alone() -> None:
    """Let NEURON count one rank in a forked child.

    Where it counts several, an error ends all of them by MPI_Abort, or the child without a word.
    """
    for ranks in (symbols.ALL_RANKS, symbols.RANKS):
        library.variable(ranks, ctypes.c_int).value = 1


def _show_mpi_to_neuron() -> None:
    """Open mpi4py's MPI library again, globally: NEURON looks for it among the global symbols."""
    for path in mpi_libraries():
        ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL)
