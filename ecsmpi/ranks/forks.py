"""Processes that a script forks (os.fork, and multiprocessing before Python 3.14) after MPI has started.

A child has no part in the job: it must not speak to the other ranks, end them, or end MPI, which waits for ever in a child.
It may run a model by itself where the job is one process.
"""

from __future__ import annotations

import ctypes
import os
import sys

FINALIZED = 5  # of Open MPI's states
_forked_from = None


def watch(size: int) -> None:
    """From now on children of this process, of a job of `size` ranks, know that they are."""
    leave = sys.exit  # before an error on one rank ends all

    def begin_in_child():
        global _forked_from
        _forked_from = size
        sys.excepthook, sys.exit = sys.__excepthook__, leave
        if neuron := sys.modules.get("neuron"):
            # Where NEURON counts several ranks, an error ends all of them by MPI_Abort, or the child without a word.
            ctypes.c_int.in_dll(neuron.nrn_dll(), "nrnmpi_numprocs_world").value = 1
            ctypes.c_int.in_dll(neuron.nrn_dll(), "nrnmpi_numprocs").value = 1

    os.register_at_fork(after_in_child=begin_in_child)


def is_child() -> bool:
    """Whether this process was forked after MPI had started."""
    return _forked_from is not None


def refuse_child() -> None:
    """Raise RuntimeError in a child of one of several ranks; microseconds."""
    if _forked_from is not None and _forked_from > 1:
        raise RuntimeError(
            f"this process was forked from one of {_forked_from} ranks and has no part in their model: "
            'let multiprocessing start processes by "spawn" (multiprocessing.get_context("spawn")), or run on one rank'
        )


def leave_mpi(libraries: list[str]) -> None:
    """Let the end of a child pass over MPI_Finalize, which would wait for the parent's threads. At exit, in a child.

    Open MPI alone waits there; its own state says whether it is finalized.
    """
    for path in libraries:
        try:
            state = ctypes.c_int32.in_dll(ctypes.CDLL(path), "ompi_mpi_state")
        except (OSError, ValueError):
            continue
        state.value = FINALIZED
