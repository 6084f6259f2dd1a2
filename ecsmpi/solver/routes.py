"""Messages between ranks that share voxels: planned once, replayed in each step.

A rank requests voxels of their owners. A message is one of MPI's persistent requests.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.ranks.mpi import MPI

TO_OWNERS, FROM_OWNERS = 5, 6  # tags of messages


class Routes:
    """How many voxels this rank requests of each other rank, and how many it serves to each.

    Ranks come in turn: the next rank first, then around to the one before this. Making routes is
    collective.

    Parameters
    ----------
    comm
        Communicator.
    requested : (ranks,) int
        How many voxels this rank requests of each owner, none of itself.

    Attributes
    ----------
    served : int
        Voxels that other ranks request from this rank, counted once for each rank.
    partners : int
        Messages each way: one for each rank asked, and one for each rank served.
    ranks : set of int
        The ranks that messages come from and go to.
    """

    def __init__(self, comm, requested: np.ndarray):
        self._comm = comm
        self._requested_of = requested.astype(np.int64)
        self._served_to = np.empty(comm.size, dtype=np.int64)
        comm.Alltoall(self._requested_of, self._served_to)
        self.served = int(self._served_to.sum())
        self.partners = int(
            np.count_nonzero(self._requested_of) + np.count_nonzero(self._served_to)
        )
        self.ranks = set(np.flatnonzero(self._requested_of + self._served_to).tolist())

    def to_owners(self, requested: np.ndarray, served: np.ndarray) -> list:
        """The messages from requesting ranks to owners.

        requested: (fields, ...) whose last columns are sent. served: (fields, served) to receive.
        """
        return self._messages((served, self._served_to), (requested, self._requested_of), TO_OWNERS)

    def from_owners(self, requested: np.ndarray, served: np.ndarray) -> list:
        """The messages from owners to requesting ranks, between the arrays of `to_owners`."""
        return self._messages(
            (requested, self._requested_of), (served, self._served_to), FROM_OWNERS
        )

    def tell(self, requested: np.ndarray) -> np.ndarray:
        """(served,) the numbers that other ranks pass here, as this one passes its own to them.

        Collective. requested: (requested,) a number for each voxel that this rank requests.
        """
        served = np.zeros((1, self.served), dtype=np.int64)
        messages = self.to_owners(requested.reshape(1, -1), served)
        replay(messages)
        for message in messages:
            message.Free()
        return served[0]

    def _messages(self, incoming, outgoing, tag: int) -> list:
        messages = []
        for make, array, counts in (
            (self._comm.Recv_init, *incoming),
            (self._comm.Send_init, *outgoing),
        ):
            for rank, columns in self._slices(array, counts):
                messages.append(make(columns, rank, tag))
                columns[-1].Free()  # the message keeps what it needs of the type
        return messages

    def _slices(self, array: np.ndarray, counts: np.ndarray):
        """(rank, its columns of the array, for MPI) of the ranks that have any."""
        at = array.shape[1] - counts.sum()
        for rank in np.roll(np.arange(counts.size), -self._comm.rank - 1)[:-1].tolist():
            if counts[rank]:
                yield rank, _columns(array, int(at), int(counts[rank]))
            at += counts[rank]


def _columns(array: np.ndarray, first: int, count: int) -> list:
    """Some columns of all rows of an array (rows, columns, ...), as MPI takes a message."""
    from mpi4py.util import dtlib

    flat, per_column = array.reshape(-1), array[0, :1].size
    of = dtlib.from_numpy_dtype(array.dtype)
    kind = of.Create_vector(
        array.shape[0], per_column * count, per_column * array.shape[1]
    ).Commit()
    return [flat[per_column * first :], 1, kind]


def replay(messages: list) -> None:
    """Send and receive the messages once."""
    start(messages)
    finish(messages)


def start(messages: list) -> None:
    """Begin to send and receive the messages."""
    if messages:
        MPI.Prequest.Startall(messages)


def finish(messages: list) -> None:
    """Wait until the messages are there."""
    if messages:
        MPI.Prequest.Waitall(messages)
