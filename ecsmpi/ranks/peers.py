"""Reading the memory of other ranks without their help, whatever they are doing.

    peers = Peers(comm)                     once, on all ranks
    peers.read(rank, address, array)        at any time, on any rank

On one machine the kernel copies from the other process (process_vm_readv). Where that is not
possible, as between machines, a thread of the other rank answers by MPI messages (`answering`). The
caller must know whether the memory is being changed: see `run/reading.py`.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ecsmpi.ranks.answering import ASK, TELL, Answers
from ecsmpi.ranks.mpi import MPI

PR_SET_PTRACER = 0x59616D61  # Linux's Yama lets only parents read, unless told otherwise
ANY_PROCESS = ctypes.c_ulong(-1)
PIECE = 1 << 26  # bytes of one message or system call
TOKEN = 2  # random whole numbers in a process's memory, by which another rank recognises it
SHORT_NAP, LONG_NAP = 1e-5, 1e-3  # s between two looks for an answer


class Unreadable(OSError):
    """The memory of another rank cannot be read."""


class Peers:
    """All ranks of a communicator, whose memory this rank may read.

    Attributes
    ----------
    direct : list of bool
        For each rank, this one included, whether the kernel reads its memory.
    answers : Answers or None
        The thread that answers other ranks, where some rank needs one.
    """

    def __init__(self, comm: Any):
        """Collective."""
        self._rank, self._size = comm.rank, comm.size
        self._token = np.frombuffer(os.urandom(8 * TOKEN), dtype=np.int64).copy()
        _allow_reading()
        mine = (_machine(), os.getpid(), self._token.ctypes.data, self._token.tolist())
        everyone = comm.allgather(mine)
        self._pids: list[int] = [pid for _, pid, _, _ in everyone]
        self._local, self._remote = _Span(), _Span()
        self.direct = [self._is_direct(other, mine) for other in everyone]
        self._place: Any = None  # the communicator of questions and answers, where there are any
        self.answers: Answers | None = None
        if comm.allreduce(int(not all(self.direct))):
            self._place = comm.Dup()
            self.answers = Answers(self._place)

    def _is_direct(self, other: tuple, mine: tuple) -> bool:
        machine, pid, address, token = other
        if machine != mine[0]:
            return False
        found = np.zeros(TOKEN, dtype=np.int64)
        copied = self._copy(pid, address, found.ctypes.data, found.nbytes)
        return copied == found.nbytes and found.tolist() == token

    def read(self, rank: int, address: int, into: np.ndarray) -> None:
        """Copy memory of a rank, from an address on, to a contiguous array. Local.

        Raises Unreadable, an OSError, where the other process is gone.
        """
        begin, end = into.ctypes.data, into.ctypes.data + into.nbytes
        if self.direct[rank]:
            self._read_directly(rank, address, begin, end)
        else:
            self._ask(rank, address, into)

    def read_number(self, rank: int, address: int, into: np.ndarray, place: int) -> None:
        """Copy one number (8 bytes) of a rank's memory, in a few microseconds. Local.

        Parameters
        ----------
        rank, address : int
            Where it is read.
        into : (1,) array of 8 bytes
            Where it is written.
        place : int
            The address of ``into``.
        """
        if not self.direct[rank]:
            self._ask(rank, address, into)
        elif self._copy(self._pids[rank], address, place, 8) != 8:
            raise self._unreadable(rank)

    def _read_directly(self, rank: int, address: int, begin: int, end: int) -> None:
        pid = self._pids[rank]
        while begin < end:
            copied = self._copy(pid, address, begin, min(end - begin, PIECE))
            if copied <= 0:
                raise self._unreadable(rank)
            begin += copied
            address += copied

    def _copy(self, pid: int, address: int, into: int, size: int) -> int:
        self._local.base, self._local.size = into, size
        self._remote.base, self._remote.size = address, size
        return _READ(pid, self._local.at, 1, self._remote.at, 1, 0)

    def _unreadable(self, rank: int) -> Unreadable:
        return Unreadable(
            f"rank {self._rank} cannot read concentrations of rank {rank} (process "
            f"{self._pids[rank]}): {os.strerror(ctypes.get_errno())}; that process has ended, or "
            "may no longer be read"
        )

    def _ask(self, rank: int, address: int, into: np.ndarray) -> None:
        """Copy by messages, piece by piece; this rank answers others meanwhile."""
        flat = into.reshape(-1).view(np.uint8)
        for begin in range(0, flat.size, PIECE):
            piece = flat[begin : begin + PIECE]
            question = np.array([self._rank, address + begin, piece.size], dtype=np.int64)
            answer = self._place.Irecv(piece, rank, TELL)
            sending = self._place.Isend(question, rank, ASK)
            nap = SHORT_NAP
            while not answer.Test():
                self.serve()
                time.sleep(nap)
                nap = min(1.1 * nap, LONG_NAP)
            sending.Wait()

    def serve(self) -> None:
        """Answer questions of other ranks, where no thread does. Local."""
        if self.answers is not None:
            self.answers.serve()

    def are_alive(self) -> bool:
        """Whether no process of this machine has ended. Local."""
        return all(_is_alive(pid) for pid, direct in zip(self._pids, self.direct) if direct)

    def close(self) -> None:
        """End the thread, when no rank reads any more. Local."""
        if self.answers is not None:
            self.answers.stop()

    def __str__(self) -> str:
        if self.answers is None:
            return "read from memory"
        others = [direct for rank, direct in enumerate(self.direct) if rank != self._rank]
        if any(others):
            return "read from memory on a machine, by messages between"
        return "read by messages"


class _Span(ctypes.Structure):
    """C's iovec, with its address."""

    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]

    def __init__(self):
        super().__init__()
        self.at = ctypes.addressof(self)


_LIBC = ctypes.CDLL(None, use_errno=True)


def _process_vm_readv() -> Callable[..., int]:
    """Linux's call, or where there is none a function that fails as it does."""
    read = getattr(_LIBC, "process_vm_readv", None)
    if read is None:
        return lambda *_: -1
    span = (ctypes.c_void_p, ctypes.c_ulong)
    read.restype = ctypes.c_ssize_t
    read.argtypes = [ctypes.c_int, *span, *span, ctypes.c_ulong]
    return read


_READ = _process_vm_readv()


def _allow_reading() -> None:
    """Let other processes of this user read this one's memory, as a debugger may."""
    if hasattr(_LIBC, "prctl"):
        # It fails where there is no Yama, and then it is not needed
        _LIBC.prctl(PR_SET_PTRACER, ANY_PROCESS, 0, 0, 0)


def _machine() -> str:
    """The same text for processes of one kernel in one namespace of process ids."""
    try:
        with open("/proc/sys/kernel/random/boot_id") as file:
            return file.read().strip() + os.readlink("/proc/self/ns/pid")
    except OSError:
        return MPI.Get_processor_name()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
