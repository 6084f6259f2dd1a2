"""The interfaces between blocks of the x-solve.

In: the first and last planes of each block's own solution. Out: the solution in the planes just
outside each block.

Planes here are (blocks, ny, nz), one for each block of this rank. tridiagonal.py has the equations.
Their numbers are planned once for each length of time step, and are the same for all lines, or
different for each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.description.decomposition import Slabs, share
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.ranks.mpi import MPI
from ecsmpi.solver.tridiagonal import Ends, eliminated

interface_kernels = kernels_of("ecsmpi.solver.interface_kernels")


@dataclass(frozen=True)
class Pairs:
    """The numbers of the two interfaces of each block.

    x outside = (what the other side sent + ratio * own) * factor.
    """

    left_ratio: np.ndarray
    left_factor: np.ndarray
    right_ratio: np.ndarray
    right_factor: np.ndarray


class NeighbourInterfaces:
    """Interfaces settled by the two blocks on either side; between ranks, one plane each way.

    Parameters
    ----------
    comm
        Communicator of the slabs' owners.
    slabs : Slabs
        Which rank owns which blocks.
    d : (n, ny, nz) float
        The slab's own solution.
    ends : list of int
        The last plane of each block in ``d``.
    first : (blocks, ny, nz) float
        The first plane of each block's own solution.
    left, right : (blocks, ny, nz) float
        Receive the solution just outside each block.
    """

    name = "neighbour pairs"

    def __init__(self, comm, slabs: Slabs, d, ends, first, left, right):
        self._comm = comm
        self._requests = []
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
        below = self._comm.rank - 1 if self._has_left else MPI.PROC_NULL
        above = self._comm.rank + 1 if self._has_right else MPI.PROC_NULL
        self._comm.Sendrecv(ends.D[-1], above, 7, before[0], below, 7)
        self._comm.Sendrecv(ends.A[0], below, 8, after[-1], above, 8)
        return Pairs(before, 1 / (1 - ends.A * before), after, 1 / (1 - ends.D * after))

    def solve(self, pairs: Pairs) -> None:
        """Fill left and right from first and last. Collective among neighbours."""
        if len(self._last) == 1 and not self._requests:  # nothing is outside the block
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
    """Interfaces of thin blocks: each rank solves a share of the lines for all blocks at once.

    Parameters are those of `NeighbourInterfaces`.
    """

    name = "reduced system"

    def __init__(self, comm, slabs: Slabs, d, ends, first, left, right):
        self._comm = comm
        self._d = d
        self._ends = ends
        self._first = first.reshape(len(ends), -1)
        self._outside = (left, right)
        self._last = np.empty_like(self._first)
        plane = self._first.shape[1]
        own_lo, own_hi = share(plane, comm.size, comm.rank)
        own_lines = own_hi - own_lo
        # Layouts of what rank p and this rank send each other: in planes of this rank's blocks, the
        # lines of p; in lines of this rank, the blocks of p.
        self._in_planes = []
        self._in_lines = []
        for rank in range(comm.size):
            lo, hi = share(plane, comm.size, rank)
            blocks = slabs.blocks(rank)
            self._in_planes.append(_subarray((len(ends), plane), (len(ends), hi - lo), (0, lo)))
            self._in_lines.append(
                _subarray((slabs.n_blocks, own_lines), (len(blocks), own_lines), (blocks.start, 0))
            )
        self._gathered = [np.empty((slabs.n_blocks, own_lines)) for _ in range(4)]

    def plan(self, ends: Ends) -> dict[str, np.ndarray]:
        """The numbers of this rank's share of the lines from those of its blocks. Collective."""
        of_all_blocks = [self._of_all_blocks(each) for each in (ends.A, ends.B, ends.C, ends.D)]
        return eliminated(Ends(*of_all_blocks))

    def _of_all_blocks(self, own: np.ndarray) -> np.ndarray:
        if own.shape[1] == 1 < self._first.shape[1]:  # the same for all lines
            return np.concatenate(self._comm.allgather(own))
        lines = np.empty_like(self._gathered[0])
        self._transpose(own, self._in_planes, lines, self._in_lines)
        return lines

    def solve(self, numbers: dict[str, np.ndarray]) -> None:
        """Fill left and right from first and last. Collective over the slabs' owners."""
        for b, end in enumerate(self._ends):
            self._last[b] = self._d[end].reshape(-1)
        for planes, lines in zip((self._first, self._last), self._gathered):
            self._transpose(planes, self._in_planes, lines, self._in_lines)
        interface_kernels.join_blocks(
            *self._gathered,
            numbers["from_left"],
            numbers["through"],
            numbers["pivot"],
            numbers["ratio"],
            numbers["carry"],
        )
        for planes, lines in zip(self._outside, self._gathered[2:]):
            self._transpose(lines, self._in_lines, planes, self._in_planes)

    def _transpose(self, outgoing, out_layouts, incoming, in_layouts) -> None:
        """Send what layout p selects of outgoing to rank p, and receive into incoming."""
        self._comm.Alltoallw([outgoing, *_counted(out_layouts)], [incoming, *_counted(in_layouts)])

    def free(self) -> None:
        """Release the MPI types."""
        for layout in self._in_planes + self._in_lines:
            if layout is not None:
                layout.Free()


def _subarray(shape, size, at):
    """The MPI type of a rectangle of ``size`` at ``at`` in an array, or None where it is empty."""
    if not np.prod(size):  # MPI has no types of nothing
        return None
    return MPI.DOUBLE.Create_subarray(shape, size, at).Commit()


def _counted(layouts):
    counts = [int(layout is not None) for layout in layouts]
    return (counts, [0] * len(layouts)), [layout or MPI.DOUBLE for layout in layouts]
