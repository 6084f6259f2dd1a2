"""Memory of other ranks, read without their help: they may compute, wait in any call, or sleep.

    peers = Peers(comm)                     once, on all ranks
    peers.read(rank, address, array)        at any time, on any rank

On one machine the kernel copies from the other process (process_vm_readv). Where that is not
possible, as between machines, a thread of the other rank answers by MPI messages (`answering`).
Whether what is read is in the middle of
a change is for the caller to know: see `run/reading.py`.
"""

from __future__ import annotations

import ctypes
import os
import time

import numpy as np

from ecsmpi.ranks.answering import ASK, TELL, Answers
from ecsmpi.ranks.mpi import MPI

PR_SET_PTRACER = 0x59616D61  # lets the other ranks read, where Linux's Yama would let parents alone
ANY_PROCESS = ctypes.c_ulong(-1)
PIECE = 1 << 26  # bytes of one message or system call
TOKEN = 2  # whole numbers by which a process is known to be the one that is meant


class Unreadable(OSError):
    """The memory of another rank cannot be read."""


class Peers:
    """All ranks of a communicator, whose memory this rank may read.

    Attributes
    ----------
    direct : for each rank, whether it is read by the kernel (this rank itself counts)
    answers : the thread that answers other ranks, or None where no rank needs one
    """

    def __init__(self, comm):
        """Collective."""
        self._rank, self._size = comm.rank, comm.size
        self._token = np.frombuffer(os.urandom(8 * TOKEN), dtype=np.int64).copy()
        _allow_reading()
        mine = _machine(), os.getpid(), self._token.ctypes.data, self._token.tolist()
        everyone = comm.allgather(mine)
        self._pids = [pid for _, pid, _, _ in everyone]
        self._local, self._remote = _Span(), _Span()
        self.direct = [self._is_direct(one, mine) for one in everyone]
        self._place = self.answers = None
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
        """Copy the memory of a rank at an address to a contiguous array. Local.

        Raises Unreadable, an OSError, where the other process is gone.
        """
        begin, end = into.ctypes.data, into.ctypes.data + into.nbytes
        if self.direct[rank]:
            self._read_directly(rank, address, begin, end)
        else:
            self._ask(rank, address, into)

    def read_number(self, rank: int, address: int, into: np.ndarray, place: int) -> None:
        """As `read`, of one number (8 bytes), whose place ``place`` is an address of ``into``: in
        few microseconds.
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
            f"rank {self._rank} cannot read concentrations of rank {rank} (process {self._pids[rank]}): "
            f"{os.strerror(ctypes.get_errno())}; that process has ended, or may no longer be read"
        )

    def _ask(self, rank: int, address: int, into: np.ndarray) -> None:
        """By messages, piece by piece; this rank answers others meanwhile."""
        flat = into.reshape(-1).view(np.uint8)
        for begin in range(0, flat.size, PIECE):
            piece = flat[begin : begin + PIECE]
            question = np.array([self._rank, address + begin, piece.size], dtype=np.int64)
            answer = self._place.Irecv(piece, rank, TELL)
            asked = self._place.Isend(question, rank, ASK)
            nap = 1e-5
            while not answer.Test():
                self.answers.serve()
                time.sleep(nap)
                nap = min(1.1 * nap, 1e-3)
            asked.Wait()

    def serve(self) -> None:
        """Answer what other ranks ask, where no thread does. Local."""
        if self.answers is not None:
            self.answers.serve()

    def are_alive(self) -> bool:
        """Whether no process of this machine has ended. Local."""
        return all(_is_alive(pid) for pid, direct in zip(self._pids, self.direct) if direct)

    def close(self) -> None:
        """No rank reads any more: end the thread. Local."""
        if self.answers is not None:
            self.answers.stop()

    def __str__(self) -> str:
        if self.answers is None:
            return "read from memory"
        return (
            "read by messages"
            if not any(self._others_direct())
            else "read from memory on a machine, by messages between"
        )

    def _others_direct(self) -> list[bool]:
        return [direct for rank, direct in enumerate(self.direct) if rank != self._rank]


class _Span(ctypes.Structure):
    """C's iovec, and where it lies."""

    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]

    def __init__(self):
        super().__init__()
        self.at = ctypes.addressof(self)


_LIBC = ctypes.CDLL(None, use_errno=True)
_READ = getattr(_LIBC, "process_vm_readv", None) or (lambda *_: -1)
if hasattr(_READ, "argtypes"):
    _READ.restype = ctypes.c_ssize_t
    _READ.argtypes = [
        ctypes.c_int,
        ctypes.c_void_p,
        ctypes.c_ulong,
        ctypes.c_void_p,
        ctypes.c_ulong,
        ctypes.c_ulong,
    ]


def _allow_reading() -> None:
    """Other processes of this user may read this one's memory, as a debugger may."""
    if hasattr(_LIBC, "prctl"):
        _LIBC.prctl(
            PR_SET_PTRACER, ANY_PROCESS, 0, 0, 0
        )  # an error where there is no Yama, and no need


def _machine() -> str:
    """The same for processes that have the same numbers of processes: of one kernel, in one
    namespace.
    """
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
