"""The ranks that compute a model together: those of NEURON's world, or of a communicator that the
script has chosen.

`ParallelContext.subworlds(n)` cuts NEURON's ranks into worlds of n consecutive ones, each with
models of its own. Then a communicator of the world's ranks is made, collectively over these alone;
it is kept, for worlds may come again.
"""

from __future__ import annotations

import ctypes

from ecsmpi.neuron_api import symbols
from ecsmpi.ranks.arrivals import arrivals
from ecsmpi.ranks.meeting import meeting_place


class Worlds:
    """The communicators of the worlds that this rank has been in."""

    def __init__(self, job):
        """job: the communicator over all ranks, as of `launch.start`."""
        self.job = job
        self._made = {(0, job.size): job}
        self._chosen = self._as_given = None
        self._size = symbols.variable(symbols.RANKS, ctypes.c_int)
        self._rank = symbols.variable(symbols.RANK, ctypes.c_int)

    def choose(self, comm) -> None:
        """Models are of the ranks of `comm` from the next finitialize on; of NEURON's world again
        for None. Collective over it.

        Raises ValueError where it is no communicator that this rank is in.
        """
        from ecsmpi.ranks.mpi import MPI

        if comm is not None and (not isinstance(comm, MPI.Intracomm) or comm == MPI.COMM_NULL):
            raise ValueError(
                f"comm must be a communicator of mpi4py that this rank is in, such as MPI.COMM_SELF, got {comm!r}"
            )
        if comm is not None and (self._as_given is None or self._as_given != comm):
            self._chosen = comm.Dup()  # messages of ours and of the script never meet
            meeting_place(self._chosen)
            arrivals(self._chosen)
        if comm is None:
            self._chosen = None
        self._as_given = comm

    @property
    def chosen(self):
        """What `choose` was given."""
        return self._as_given

    @property
    def rank(self) -> int:
        """This rank in the world of now. Local."""
        return self._rank.value if self._chosen is None else self._chosen.rank

    @property
    def size(self) -> int:
        """Ranks in the world of now. Local."""
        return self._size.value if self._chosen is None else self._chosen.size

    def changed_from(self, comm) -> bool:
        """Whether models are no longer of the ranks of `comm`; under a microsecond. Local."""
        if self._chosen is not None:
            return comm is not self._chosen
        return self._made.get(self._place()) is not comm

    def now(self):
        """The communicator of the world of now. Collective over the world where it is new."""
        if self._chosen is not None:
            return self._chosen
        first, size = self._place()
        if (first, size) not in self._made:
            ranks = range(first, first + size)
            comm = self.job.Create_group(self.job.group.Incl(ranks), tag=first)
            meeting_place(comm)
            arrivals(comm)
            self._made[first, size] = comm
        return self._made[first, size]

    def _place(self) -> tuple[int, int]:
        """(first rank of NEURON's world, its size). Local."""
        return self.job.rank - self._rank.value, self._size.value
