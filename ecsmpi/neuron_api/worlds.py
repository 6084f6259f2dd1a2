"""The ranks that compute a model together: NEURON's world, or a communicator that a script chose.

`ParallelContext.subworlds(n)` cuts NEURON's ranks into worlds of n consecutive ones, each with
models of its own. Then a communicator of the world's ranks is made, collectively over these ranks
alone. It is kept, as worlds may come again.
"""

from __future__ import annotations

import ctypes
from typing import Any

from ecsmpi.neuron_api import library, symbols
from ecsmpi.ranks.arrivals import arrivals
from ecsmpi.ranks.meeting import meeting_place


class Worlds:
    """The communicators of the worlds that this rank has been in."""

    def __init__(self, job: Any):
        """job: the communicator over all ranks that `neuron_start.start` returned."""
        self.job = job
        self._made = {(0, job.size): job}
        self._chosen: Any = None  # ecsmpi's duplicate of the script's communicator
        self._as_given: Any = None
        self._size = library.variable(symbols.RANKS, ctypes.c_int)
        self._rank = library.variable(symbols.RANK, ctypes.c_int)

    def choose(self, comm: Any) -> None:
        """Let models be of the ranks of ``comm`` from the next finitialize on. Collective over it.

        None: of NEURON's world again. Raises ValueError where ``comm`` is no communicator that this
        rank is in.
        """
        from ecsmpi.ranks.mpi import MPI

        if comm is not None and (not isinstance(comm, MPI.Intracomm) or comm == MPI.COMM_NULL):
            raise ValueError(
                "comm must be a communicator of mpi4py that this rank is in, such as "
                f"MPI.COMM_SELF, got {comm!r}"
            )
        if comm is None:
            self._chosen = None
        elif self._as_given is None or self._as_given != comm:
            self._chosen = comm.Dup()  # messages of ecsmpi and of the script never meet
            _prepare(self._chosen)
        self._as_given = comm

    @property
    def chosen(self) -> Any:
        """The communicator that `choose` was given, or None."""
        return self._as_given

    @property
    def rank(self) -> int:
        """This rank in the present world. Local."""
        return self._rank.value if self._chosen is None else self._chosen.rank

    @property
    def size(self) -> int:
        """Ranks in the present world. Local."""
        return self._size.value if self._chosen is None else self._chosen.size

    def changed_from(self, comm: Any) -> bool:
        """Whether models are no longer of the ranks of ``comm``; under a microsecond. Local."""
        if self._chosen is not None:
            return comm is not self._chosen
        return self._made.get(self._place()) is not comm

    def now(self) -> Any:
        """The communicator of the present world. Collective over the world where it is new."""
        if self._chosen is not None:
            return self._chosen
        first, size = self._place()
        if (first, size) not in self._made:
            ranks = range(first, first + size)
            comm = self.job.Create_group(self.job.group.Incl(ranks), tag=first)
            _prepare(comm)
            self._made[first, size] = comm
        return self._made[first, size]

    def _place(self) -> tuple[int, int]:
        """(first rank of NEURON's world, its size). Local."""
        return self.job.rank - self._rank.value, self._size.value


def _prepare(comm: Any) -> None:
    """Make what ranks of a communicator share. Collective."""
    meeting_place(comm)
    arrivals(comm)
