"""Processes that a script forks (os.fork, and multiprocessing before Python 3.14) after MPI has
started.

A child has no part in the job: it must not speak to the other ranks, end them, or end MPI, which
waits for ever in a child. It may run a model by itself where the job is one process.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import sys

FINALIZED = 5  # of Open MPI's states
# machine code of an MPI that is finalized: int MPI_Finalized(int *flag) { *flag = 1; return 0; }
CODE = {
    "x86_64": {
        "MPI_Finalized": "f30f1efa c70701000000 31c0 c3",
        "MPI_Finalize": "f30f1efa 31c0 c3",
    },
    "aarch64": {
        "MPI_Finalized": "5f2403d5 21008052 010000b9 00008052 c0035fd6",
        "MPI_Finalize": "5f2403d5 00008052 c0035fd6",
    },
}
_forked_from = None


def watch(size: int) -> None:
    """From now on children of this process, of a job of `size` ranks, know that they are."""
    leave = sys.exit  # before an error on one rank ends all

    def begin_in_child():
        global _forked_from
        _forked_from = size
        sys.excepthook, sys.exit = sys.__excepthook__, leave

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
    """Let the end of a child pass over MPI_Finalize. At exit, in a child.

    There Open MPI would wait for the parent's threads; MPICH would speak to the launcher in the
    parent's name, which ends the job. Open MPI's own state says whether it is finalized. MPICH
    shows no such state: there its two functions are overwritten in the child's memory.
    """
    for path in libraries:
        library = ctypes.CDLL(path)
        try:
            ctypes.c_int32.in_dll(library, "ompi_mpi_state").value = FINALIZED
        except ValueError:
            for function, code in CODE.get(platform.machine(), {}).items():
                _overwrite(getattr(library, function), bytes.fromhex(code))


def _overwrite(function, code: bytes) -> None:
    """Let a C function be other machine code from now on, where the machine allows that."""
    address = ctypes.cast(function, ctypes.c_void_p).value
    page = ctypes.c_void_p(address - address % mmap.PAGESIZE)
    size = ctypes.c_size_t(2 * mmap.PAGESIZE)  # the function may begin at the end of a page
    protect = ctypes.CDLL(None).mprotect
    if protect(page, size, mmap.PROT_READ | mmap.PROT_WRITE) == 0:
        ctypes.memmove(address, code, len(code))
        protect(page, size, mmap.PROT_READ | mmap.PROT_EXEC)
