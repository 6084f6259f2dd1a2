"""What crosses the cuts of the x-solve: first and last planes of blocks in, the solution just
outside them out.

Planes here are (blocks, ny, nz), one for each block of this rank. tridiagonal.py has the equations.
Their numbers are planned once for each time step's length: the same for all lines, or other ones
for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.description.decomposition import Slabs, share
from ecsmpi.ranks.mpi import MPI
from ecsmpi.solver import interface_kernels
from ecsmpi.solver.tridiagonal import Ends, eliminated


@dataclass(frozen=True)
class Pairs:
    """The two interfaces of each block: x outside = (what the other side sent + ratio * own) *
    factor.
    """

    left_ratio: np.ndarray
    left_factor: np.ndarray
    right_ratio: np.ndarray
    right_factor: np.ndarray


class NeighbourInterfaces:
    """Interfaces settled by the two blocks on either side; between ranks, one plane each way."""

    name = "neighbour pairs"

    def __init__(self, comm, slabs: Slabs, d, ends, first, left, right):
        """comm: of the slabs' owners. d: (n, ny, nz), whose planes ``ends`` are the blocks' last.
        left, right: results.
        """
        self._comm, self._requests = comm, []
        self._first, self._left, self._right = (
            planes.reshape(len(ends), -1) for planes in (first, left, right)
        )
        self._last = [d[end].reshape(-1) for end in ends]
        self._has_left, self._has_right = comm.rank > 0, comm.rank < comm.size - 1
        if self._has_left:
            self._requests += [
                comm.Send_init(first[0], comm.rank - 1, 1),
                comm.Recv_init(left[0], comm.rank - 1, 2),
            ]
        if self._has_right:
            self._requests += [
                comm.Send_init(self._last[-1], comm.rank + 1, 2),
                comm.Recv_init(right[-1], comm.rank + 1, 1),
            ]

    def plan(self, ends: Ends) -> Pairs:
        """The numbers of this rank's interfaces from those of its blocks. Collective."""
        before, after = np.roll(ends.D, 1, axis=0), np.roll(ends.A, -1, axis=0)
        below, above = (
            other if there else MPI.PROC_NULL
            for other, there in (
                (self._comm.rank - 1, self._has_left),
                (self._comm.rank + 1, self._has_right),
            )
        )
        self._comm.Sendrecv(ends.D[-1], above, 7, before[0], below, 7)
        self._comm.Sendrecv(ends.A[0], below, 8, after[-1], above, 8)
        return Pairs(before, 1 / (1 - ends.A * before), after, 1 / (1 - ends.D * after))

    def solve(self, pairs: Pairs) -> None:
        """Fill left and right from first and last. Collective among neighbours."""
        if len(self._last) == 1 and not self._requests:  # nothing is outside
            return
        MPI.Prequest.Startall(self._requests)
        last = len(self._last) - 1
        for b in range(1, last + 1):
            self._settle_left(pairs, b, self._last[b - 1])
            self._settle_right(pairs, b - 1, self._first[b])
        MPI.Prequest.Waitall(self._requests)
        if self._has_left:
            self._settle_left(pairs, 0, self._left[0])
        if self._has_right:
            self._settle_right(pairs, last, self._right[last])

    def _settle_left(self, pairs: Pairs, b: int, last_before) -> None:
        ratio, factor = pairs.left_ratio[b], pairs.left_factor[b]
        interface_kernels.join_pair(last_before, self._first[b], ratio, factor, self._left[b])

    def _settle_right(self, pairs: Pairs, b: int, first_after) -> None:
        ratio, factor = pairs.right_ratio[b], pairs.right_factor[b]
        interface_kernels.join_pair(first_after, self._last[b], ratio, factor, self._right[b])

    def free(self) -> None:
        """Release the messages."""
        for request in self._requests:
            request.Free()


class GatheredInterfaces:
    """Interfaces of thin blocks: each rank solves a share of the lines for all blocks at once."""

    name = "reduced system"

    def __init__(self, comm, slabs: Slabs, d, ends, first, left, right):
        """As NeighbourInterfaces."""
        self._comm, self._d, self._ends = comm, d, ends
        self._first, self._outside = first.reshape(len(ends), -1), (left, right)
        self._last = np.empty_like(self._first)
        plane, ranks = self._first.shape[1], range(comm.size)
        lines = [share(plane, comm.size, rank) for rank in ranks]
        mine = lines[comm.rank][1] - lines[comm.rank][0]
        self._planes = [
            _part((len(ends), plane), (len(ends), hi - lo), (0, lo)) for lo, hi in lines
        ]
        blocks = [slabs.blocks(rank) for rank in ranks]
        self._lines = [
            _part((slabs.n_blocks, mine), (len(of), mine), (of.start, 0)) for of in blocks
        ]
        self._gathered = [np.empty((slabs.n_blocks, mine)) for _ in range(4)]

    def plan(self, ends: Ends) -> dict[str, np.ndarray]:
        """The numbers of this rank's share of the lines from those of its blocks. Collective."""
        return eliminated(
            Ends(*(self._of_all_blocks(each) for each in (ends.A, ends.B, ends.C, ends.D)))
        )

    def _of_all_blocks(self, own: np.ndarray) -> np.ndarray:
        if own.shape[1] == 1 < self._first.shape[1]:  # the same for all lines
            return np.concatenate(self._comm.allgather(own))
        lines = np.empty_like(self._gathered[0])
        self._turn(own, self._planes, lines, self._lines)
        return lines

    def solve(self, numbers: dict[str, np.ndarray]) -> None:
        """Fill left and right from first and last. Collective over the slabs' owners."""
        for b, end in enumerate(self._ends):
            self._last[b] = self._d[end].reshape(-1)
        for planes, lines in zip((self._first, self._last), self._gathered):
            self._turn(planes, self._planes, lines, self._lines)
        interface_kernels.join_blocks(*self._gathered, **numbers)
        for planes, lines in zip(self._outside, self._gathered[2:]):
            self._turn(lines, self._lines, planes, self._planes)

    def _turn(self, outgoing, out_parts, incoming, in_parts) -> None:
        """Send part p of outgoing to rank p, for its part in incoming. Parts of nothing are not
        types of MPI's.
        """
        self._comm.Alltoallw([outgoing, *_counted(out_parts)], [incoming, *_counted(in_parts)])

    def free(self) -> None:
        """Release the types."""
        for part in filter(None, self._planes + self._lines):
            part.Free()


def _part(shape, part, at):
    """The MPI type of a part of an array, or None where it is empty."""
    return MPI.DOUBLE.Create_subarray(shape, part, at).Commit() if np.prod(part) else None


def _counted(parts):
    counts = [int(part is not None) for part in parts]
    return (counts, [0] * len(parts)), [part or MPI.DOUBLE for part in parts]
