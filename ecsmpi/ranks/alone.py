"""A stand-in for mpi4py.MPI in one process without an MPI library: one rank, no messages.

It has the names of mpi4py that ecsmpi uses.
"""

from __future__ import annotations

import os

import numpy as np


class Request:
    """A message to nobody, which is complete."""

    def Test(self) -> bool:
        return True

    def Free(self) -> None:
        pass

    @staticmethod
    def Startall(requests) -> None:
        pass

    Waitall = Startall


class Datatype:
    """All of an array, or a subarray of an array of a given shape."""

    def __init__(self, shape=None, subshape=None, starts=None):
        self._shape = shape
        self._slices = None
        if shape is not None:
            extents = zip(starts, subshape)
            self._slices = tuple(slice(start, start + count) for start, count in extents)

    def of(self, array: np.ndarray) -> np.ndarray:
        """A view of the elements of an array that this type selects."""
        if self._slices is None:
            return array.reshape(-1)
        return array.reshape(self._shape)[self._slices]

    def Create_subarray(self, shape, subshape, starts) -> Datatype:
        return Datatype(shape, subshape, starts)

    def Commit(self) -> Datatype:
        return self

    def Free(self) -> None:
        pass


class Communicator:
    """A communicator of one rank."""

    size, rank = 1, 0
    group = None

    def __init__(self):
        self._attributes = {}

    @staticmethod
    def Create_keyval() -> object:
        return object()

    def Get_attr(self, key):
        return self._attributes.get(key)

    def Set_attr(self, key, value) -> None:
        self._attributes[key] = value

    def Dup(self) -> Communicator:
        return Communicator()

    def Split(self, *_how) -> Communicator:
        return Communicator()

    Split_type = Split

    def Free(self) -> None:
        pass

    def Abort(self, status: int = 1) -> None:
        os._exit(status)

    def Barrier(self) -> None:
        pass

    def Ibarrier(self) -> Request:
        return Request()

    def allgather(self, value) -> list:
        return [value]

    def gather(self, value, root: int = 0) -> list:
        return [value]

    def bcast(self, value, root: int = 0):
        return value

    def allreduce(self, value, op=None):
        return value

    def Allreduce(self, send, receive, op=None) -> None:
        if send is not MPI.IN_PLACE:
            np.copyto(receive, send)

    def Reduce(self, send, receive, op=None, root: int = 0) -> None:
        self.Allreduce(send, receive)

    def Alltoall(self, send, receive) -> None:
        np.copyto(receive, send)

    def Alltoallv(self, send, receive) -> None:
        np.copyto(receive[0], send[0])

    def Allgatherv(self, send, receive) -> None:
        np.copyto(receive[0], send[0])

    def Alltoallw(self, send, receive) -> None:
        outgoing, (counts, _), (out_part,) = send
        incoming, _, (in_part,) = receive
        if counts[0]:
            target = in_part.of(incoming)
            np.copyto(target, out_part.of(outgoing).reshape(target.shape))

    def Send_init(self, *_message) -> Request:
        return Request()

    Recv_init = Send_init

    def Sendrecv(self, send, to, send_tag, receive, source, receive_tag) -> None:
        """Exchange nothing: a single rank has no neighbours."""


class MPI:
    """The names of the module mpi4py.MPI, for a single process."""

    IN_PLACE, COMM_NULL, PROC_NULL = object(), object(), -1
    SUM, MAX, MIN, COMM_TYPE_SHARED = "sum", "max", "min", 1
    DOUBLE = Datatype()
    Comm = Intracomm = Communicator
    Prequest = Request
    COMM_WORLD, COMM_SELF = Communicator(), Communicator()

    @staticmethod
    def Is_initialized() -> bool:
        return True

    @staticmethod
    def Is_finalized() -> bool:
        return False

    @staticmethod
    def Finalize() -> None:
        pass

    @staticmethod
    def Get_library_version() -> str:
        return ""
