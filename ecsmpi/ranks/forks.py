"""Processes that a script forks after MPI has started.

os.fork makes them, and multiprocessing before Python 3.14. A forked child is no rank: it must not
send messages to ranks, end them, or finalize MPI, which would wait for ever in a child. It may run
a model by itself where the job is one process.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import platform
import sys

FINALIZED = 5  # one of Open MPI's states
# Machine code of a finalized MPI: int MPI_Finalized(int *flag) { *flag = 1; return 0; }, and an
# MPI_Finalize that returns 0
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
_forked_from: int | None = None  # in a child: the number of ranks of the job


def watch(size: int) -> None:
    """Let children that are forked from now on know it. size: ranks of the job."""
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
    """Raise RuntimeError in a child of one of several ranks. Takes microseconds."""
    if _forked_from is not None and _forked_from > 1:
        raise RuntimeError(
            f"this process was forked from one of {_forked_from} ranks and has no part in their "
            'model: let multiprocessing start processes by "spawn" '
            '(multiprocessing.get_context("spawn")), or run on one rank'
        )


def leave_mpi(libraries: list[str]) -> None:
    """Let a child end without MPI_Finalize. Call it at exit, in a child.

    In a child's MPI_Finalize, Open MPI would wait for the parent's threads; MPICH would speak to
    the launcher in the parent's name, which ends the job. Open MPI has a variable that says whether
    it is finalized. MPICH shows none, so its two functions are overwritten in the child's memory.

    Parameters
    ----------
    libraries : list of str
        Paths of the MPI libraries in this process.
    """
    for path in libraries:
        library = ctypes.CDLL(path)
        try:
            ctypes.c_int32.in_dll(library, "ompi_mpi_state").value = FINALIZED
        except ValueError:
            for function, code in CODE.get(platform.machine(), {}).items():
                _overwrite(getattr(library, function), bytes.fromhex(code))


def _overwrite(function, code: bytes) -> None:
    """Replace the machine code of a C function, where the machine allows that."""
    address = ctypes.cast(function, ctypes.c_void_p).value or 0
    page = ctypes.c_void_p(address - address % mmap.PAGESIZE)
    size = ctypes.c_size_t(2 * mmap.PAGESIZE)  # the function may begin at the end of a page
    protect = ctypes.CDLL(None).mprotect
    if protect(page, size, mmap.PROT_READ | mmap.PROT_WRITE) == 0:
        ctypes.memmove(address, code, len(code))
        protect(page, size, mmap.PROT_READ | mmap.PROT_EXEC)
