"""Answers to other ranks that ask for bytes of this process's memory, by MPI messages.

A thread runs machine code without Python's lock, because the main thread may hold that lock for
long: inside a barrier of NEURON, or in a step. The thread calls MPI's C functions by their
addresses, so MPI must have started for threads. Where MPI has not, a rank answers in `serve`, which
it calls while it waits for others.
"""

from __future__ import annotations

import ctypes
import threading
import time
from typing import Any

import numpy as np

from ecsmpi.kernels.calls import kernels_of
from ecsmpi.ranks import code_folders, compiling
from ecsmpi.ranks.meeting import one_per_node_first
from ecsmpi.ranks.mpi import MPI

loop = kernels_of("ecsmpi.ranks.answer_loop")

ASK, TELL = 11, 12  # tags of questions and of answers
QUESTION = 3  # whole numbers: rank that asks, address, number of bytes
STATUS = 64  # whole numbers: more memory than any MPI's status takes
IDLE_NAP = 1000  # us between two looks when nobody has asked for a while
BUSY_NAP = 20  # us between two looks after a question, as mostly another one follows
LONG_AGO = 500  # looks without a question after which the thread is idle


class Answers:
    """Answers questions on one communicator, until `stop`.

    Parameters
    ----------
    comm
        For questions and answers alone.
    """

    def __init__(self, comm: Any):
        self._comm = comm
        self._state = np.zeros(2, dtype=np.int64)  # whether to stop; whether the loop runs
        self._thread: threading.Thread | None = None
        if MPI.Query_thread() == MPI.THREAD_MULTIPLE:
            self._thread = self._started()

    def _started(self) -> threading.Thread:
        with one_per_node_first(self._comm), compiling.while_planning():
            if not compiling.ahead("answers"):
                with code_folders.keeping():
                    compile_loop()
        thread = threading.Thread(target=self._run, name="ecsmpi answers", daemon=True)
        thread.start()
        while not self._state[1]:  # the main thread may keep Python's lock for good from here on
            if not thread.is_alive():
                raise RuntimeError(
                    "the thread that answers other ranks has not started: its error is above"
                )
            time.sleep(1e-4)
        return thread

    def _run(self) -> None:
        handles = (_handle(self._comm), _handle(MPI.BYTE), MPI.ANY_SOURCE, ASK, TELL)
        question = np.zeros(QUESTION, dtype=np.int64)
        found = np.zeros(2, dtype=np.int64)
        status = np.zeros(STATUS, dtype=np.int64)
        naps = (IDLE_NAP, BUSY_NAP, LONG_AGO)
        loop.answer_until(self._state, _functions(), handles, question, found, status, naps)

    def serve(self) -> None:
        """Answer the questions that have come, unless the thread does so. Local."""
        if self._thread is not None:
            return
        question = np.zeros(QUESTION, dtype=np.int64)
        while message := self._comm.Improbe(MPI.ANY_SOURCE, ASK):
            message.Recv(question)
            rank, address, size = question.tolist()
            self._comm.Send([MPI.memory.fromaddress(address, size), MPI.BYTE], rank, TELL)

    def stop(self) -> None:
        """End the thread. Local."""
        self._state[0] = 1
        if self._thread is not None:
            self._thread.join()


def compile_loop() -> None:
    """Compile the loop, or read it from numba's cache, by running it once without an answer."""
    state = np.array([1, 0], dtype=np.int64)
    none = np.zeros(1, dtype=np.int64)
    loop.answer_until(state, (0,) * 4, (0,) * 5, none, none, none, (0,) * 3)


def _handle(thing: Any) -> int:
    """MPI's handle, an address or a C int, as a register holds it.

    As a signed number: some of MPICH's handles are negative.
    """
    return ctypes.c_int64(MPI._handleof(thing)).value


def _functions() -> tuple[int, int, int, int]:
    """Addresses of MPI_Improbe, MPI_Mrecv, MPI_Send and usleep.

    MPI_Improbe and MPI_Mrecv rather than MPI_Probe and MPI_Recv: a receive after a plain probe
    waits for ever in MPICH over UCX where another thread probes meanwhile.
    """
    process = ctypes.CDLL(None)  # neuron_start has opened MPI's library globally

    def address(name: str) -> int:
        return ctypes.cast(getattr(process, name), ctypes.c_void_p).value or 0

    return address("MPI_Improbe"), address("MPI_Mrecv"), address("MPI_Send"), address("usleep")
