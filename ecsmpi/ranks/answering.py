"""A thread that answers what other ranks ask for: bytes of this process's memory, by MPI messages.

The thread runs machine code without Python's lock, since the main thread may hold that lock for
long, inside a barrier of NEURON's or a step. It calls MPI's C functions by their addresses, so MPI
must have started for threads. Where it has not, ranks answer in `serve`, which is called while they
wait for each other.
"""

from __future__ import annotations

import ctypes
import threading
import time

import numpy as np

from ecsmpi.ranks.meeting import one_per_node_first
from ecsmpi.ranks.mpi import MPI

ASK, TELL = 11, 12  # tags: a question is (rank that asks, address, bytes) as whole numbers
QUESTION = 3
IDLE_NAP = 1000  # us between two looks when nobody has asked for a while
BUSY_NAP = 20  # us after a question, since mostly another one follows
LONG_AGO = 500  # looks without a question after which nobody is taken to ask


class Answers:
    """Answers on one communicator until `stop`."""

    def __init__(self, comm):
        """Starts the thread. comm: for questions and answers alone."""
        self._comm = comm
        self._state = np.zeros(2, dtype=np.int64)  # whether to stop; whether the loop runs
        self._thread = None
        if MPI.Query_thread() == MPI.THREAD_MULTIPLE:
            self._start()

    def _start(self) -> None:
        with one_per_node_first(self._comm):
            from ecsmpi.ranks.answer_loop import answer_until  # compiles, or reads the cache
        self._thread = threading.Thread(
            target=self._run, args=(answer_until,), name="ecsmpi answers", daemon=True
        )
        self._thread.start()
        while not self._state[1]:  # the main thread may keep Python's lock for good from here on
            if not self._thread.is_alive():
                raise RuntimeError(
                    "the thread that answers other ranks has not started: its error is above"
                )
            time.sleep(1e-4)

    def _run(self, answer_until) -> None:
        status = np.zeros(64, dtype=np.int64)
        question, found = np.zeros(QUESTION, dtype=np.int64), np.zeros(2, dtype=np.int64)
        answer_until(
            self._state,
            *_functions(),
            _handle(self._comm),
            _handle(MPI.BYTE),
            MPI.ANY_SOURCE,
            ASK,
            TELL,
            question,
            found,
            status,
            (IDLE_NAP, BUSY_NAP, LONG_AGO),
        )

    def serve(self) -> None:
        """Answer the questions that have come, unless the thread does. Local."""
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


def _handle(thing) -> int:
    """MPI's handle, an address or a C int, as a register holds it: those of MPICH are negative in
    part.
    """
    return ctypes.c_int64(MPI._handleof(thing)).value


def _functions() -> tuple[int, ...]:
    """Addresses of MPI_Improbe, MPI_Mrecv, MPI_Send and usleep.

    A receive after a plain probe waits for ever in MPICH over UCX, where another thread probes
    meanwhile.
    """
    process = ctypes.CDLL(None)  # launch has opened MPI's library for all
    names = "MPI_Improbe", "MPI_Mrecv", "MPI_Send", "usleep"
    return tuple(ctypes.cast(getattr(process, name), ctypes.c_void_p).value for name in names)
