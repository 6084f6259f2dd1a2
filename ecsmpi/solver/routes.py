"""Messages between ranks that share voxels: planned once, replayed each step."""

from __future__ import annotations

import numpy as np

from ecsmpi.ranks.mpi import MPI


class Routes:
    """How many values this rank asks of each other rank and serves to it, in turn from the next
    rank on.
    """

    def __init__(self, comm, asked: np.ndarray):
        """Collective. asked: (ranks,) how many of each owner, none of itself."""
        self._comm, self._asked, self._served = (
            comm,
            asked.astype(np.int64),
            np.empty(comm.size, dtype=np.int64),
        )
        comm.Alltoall(self._asked, self._served)
        self.served = int(self._served.sum())
        self.partners = int(np.count_nonzero(self._asked) + np.count_nonzero(self._served))
        self.ranks = set(np.flatnonzero(self._asked + self._served).tolist())

    def to_owners(self, asked: np.ndarray, served: np.ndarray) -> list:
        """The messages that bring what is asked, last in (fields, ...), to those who serve it:
        (fields, served).
        """
        return self._messages((served, self._served), (asked, self._asked), 5)

    def from_owners(self, asked: np.ndarray, served: np.ndarray) -> list:
        """The messages that bring it back."""
        return self._messages((asked, self._asked), (served, self._served), 6)

    def tell(self, asked: np.ndarray) -> np.ndarray:
        """(served,) the numbers that others have told this rank, as it tells them (asked,) its own.
        Collective.
        """
        served = np.zeros((1, self.served), dtype=np.int64)
        requests = self.to_owners(asked.reshape(1, -1), served)
        replay(requests)
        for request in requests:
            request.Free()
        return served[0]

    def _messages(self, incoming, outgoing, tag: int) -> list:
        requests = []
        for make, array, counts in (
            (self._comm.Recv_init, *incoming),
            (self._comm.Send_init, *outgoing),
        ):
            for rank, columns in self._parts(array, counts):
                requests.append(make(columns, rank, tag))
                columns[-1].Free()  # the request keeps what it needs of it
        return requests

    def _parts(self, array: np.ndarray, counts: np.ndarray):
        """(rank, its share of the last columns of an array, in all rows, for MPI) of those that
        have one.
        """
        at = array.shape[1] - counts.sum()
        for rank in np.roll(np.arange(counts.size), -self._comm.rank - 1)[:-1].tolist():
            if counts[rank]:
                yield rank, _columns(array, int(at), int(counts[rank]))
            at += counts[rank]


def _columns(array: np.ndarray, first: int, count: int) -> list:
    """What MPI is to know of some columns of all rows of an array (rows, columns, ...)."""
    from mpi4py.util import dtlib

    flat, per_column = array.reshape(-1), array[0, :1].size
    of = dtlib.from_numpy_dtype(array.dtype)
    kind = of.Create_vector(
        array.shape[0], per_column * count, per_column * array.shape[1]
    ).Commit()
    return [flat[per_column * first :], 1, kind]


def replay(requests: list) -> None:
    """Send and receive once what the requests are for."""
    if requests:
        MPI.Prequest.Startall(requests)
        MPI.Prequest.Waitall(requests)
