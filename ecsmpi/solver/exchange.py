"""Segments' currents to the ranks that own their voxels, and the concentrations back.

Planned once, replayed each step. What a rank's entries (segments) carry is first summed by voxel; the sums of
consecutive voxels then lie side by side for each owner, since a slab's voxels are consecutive in C order, so that a
message is a slice and nothing is packed. What a rank asks of itself is not sent: both sides are the same memory there.

    asked by rank p    [ of p+1 | p+2 | ... | p-1 | of itself ]
    served by rank p                              [ to itself | to p+1 | p+2 | ... | p-1 ]

Only ranks that share voxels exchange messages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI

from ecsmpi.solver import entry_kernels
from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.registers import TILE

NONE = np.zeros(0, dtype=np.int64)
LONG = TILE  # entries of one voxel in a row that are worth a sum of their own, at least a register of them


class Routes:
    """How many values this rank asks of each owner and serves to each rank, and where in a buffer they lie."""

    def __init__(self, comm, asked: np.ndarray):
        """Collective. asked: (ranks,) how many of each owner."""
        self._comm, self._asked, self._served = comm, asked.astype(np.int64), np.empty(comm.size, dtype=np.int64)
        comm.Alltoall(self._asked, self._served)
        self._asked_ends = _ends(self._asked, comm.rank + 1)
        self._served_ends = _ends(self._served, comm.rank)
        others = np.arange(comm.size) != comm.rank
        self.partners = int(np.count_nonzero(self._asked[others]) + np.count_nonzero(self._served[others]))

    def buffers(self, *shape: int, dtype=np.float64) -> tuple[np.ndarray, np.ndarray]:
        """(asked, served), values of the given shape; they share what this rank asks of itself."""
        asked, served, own = self._asked.sum(), self._served.sum(), self._asked[self._comm.rank]
        memory = np.zeros((asked + served - own, *shape), dtype)
        return memory[:asked], memory[asked - own :]

    def to_owners(self, asked: np.ndarray, served: np.ndarray) -> list:
        """The messages that bring what is asked to those who serve it."""
        return self._messages(served, self._served, self._served_ends, asked, self._asked, self._asked_ends, 5)

    def from_owners(self, asked: np.ndarray, served: np.ndarray) -> list:
        """The messages that bring it back."""
        return self._messages(asked, self._asked, self._asked_ends, served, self._served, self._served_ends, 6)

    def _messages(self, incoming, in_counts, in_ends, outgoing, out_counts, out_ends, tag) -> list:
        requests = []
        for make, buffer, counts, ends in (
            (self._comm.Recv_init, incoming, in_counts, in_ends),
            (self._comm.Send_init, outgoing, out_counts, out_ends),
        ):
            for rank in np.flatnonzero(counts):
                if rank != self._comm.rank:
                    requests.append(make(buffer[ends[rank] - counts[rank] : ends[rank]], int(rank), tag))
        return requests


def _ends(counts: np.ndarray, first: int) -> np.ndarray:
    """Where each rank's share of a buffer ends, the ranks in turn from the first."""
    turn = np.roll(np.arange(counts.size), -first)
    ends = np.empty_like(counts)
    ends[turn] = np.cumsum(counts[turn])
    return ends


@dataclass(frozen=True)
class Rows:
    """Where entries' values lie, among those that a rank asks for, and the pieces of entry_kernels.add_by_voxel.

    row: (entries,); start: (pieces + 1,); alike: (pieces,).
    """

    row: np.ndarray
    start: np.ndarray
    alike: np.ndarray

    @classmethod
    def of(cls, row: np.ndarray) -> Rows:
        """row: (entries,) uint32. Long runs of one row are pieces of their own; what is between them are others."""
        begin = np.flatnonzero(np.diff(row.astype(np.int64), prepend=-1))
        alike = np.diff(begin, append=row.size) >= LONG
        kept = alike | np.concatenate([[True], alike])[: alike.size]  # pieces: all long runs, and the first after each
        start = np.append(begin[kept], row.size)
        return cls(row, start.astype(np.uint32), alike[kept])


class Exchange:
    """The plan for one box and some number of fields. What `take` and `give` are told of entries is in the order of the plan, or of `reorder`."""

    def __init__(self, comm, slabs: Slabs, plane_size: int, voxels, n_fields: int, watched=NONE):
        """Collective.

        voxels: (entries,) flat C-order index into the box of each entry of this rank, all inside.
        plane_size: voxels of a plane. n_fields: values that travel together for each voxel.
        watched: flat indices of further voxels whose values this rank wants, see `watched`.
        """
        wanted = np.unique(np.concatenate([voxels, watched]).astype(np.int64))
        owner = slabs.owner(wanted // plane_size)
        wanted = wanted[np.argsort((owner - comm.rank - 1) % comm.size, kind="stable")]
        self._wanted, self._ascending = wanted, np.argsort(wanted)
        self._row, self._watched = self._find(voxels), self._find(watched)
        self._rows = Rows.of(self._row)
        routes = Routes(comm, np.bincount(owner, minlength=comm.size))
        served = _told(routes, wanted)
        voxels, target = np.unique(served, return_inverse=True)
        self.local_voxels = _short(voxels - slabs.planes(comm.rank)[0] * plane_size)
        self._target = target.astype(np.uint32)
        self._asked, self._served = routes.buffers(n_fields)
        self._collect = routes.from_owners(self._asked, self._served)
        self.partners = routes.partners
        self._plan_deposit(routes, n_fields)

    def reorder(self, turn) -> None:
        """Entries come in this order from now on: an index into those of the plan. Local."""
        self._rows = Rows.of(self._row[turn])

    def rows(self, voxels: np.ndarray) -> Rows:
        """What `take` is to know of further entries, in voxels (entries,) that this rank wants. Local."""
        return Rows.of(self._find(voxels))

    def _find(self, voxels: np.ndarray) -> np.ndarray:
        return self._ascending[np.searchsorted(self._wanted, voxels, sorter=self._ascending)].astype(np.uint32)

    def _plan_deposit(self, routes: Routes, n_fields: int) -> None:
        self._sums, self._received = routes.buffers(n_fields)
        self._deposit = routes.to_owners(self._sums, self._received)

    def take(self, f: int, values: np.ndarray, at: np.ndarray, factor: np.ndarray, dt: float, anew: bool,
             rows: Rows | None = None) -> None:  # fmt: skip
        """Field f gets dt * factor[e] * values[at[e]] from each entry e, on top of what it has unless anew. Local.

        at: (entries,), or empty where the values are those of the entries in turn. rows: from `rows`, for other entries than
        those of the plan.
        """
        rows = rows or self._rows
        given = factor, rows.row, rows.start, rows.alike, dt, anew, self._sums, f
        if at.size:
            entry_kernels.add_by_voxel(values, at, *given)
        else:
            entry_kernels.add_in_turn(values, *given)

    def deposit(self, sources: np.ndarray) -> None:
        """What was taken, summed where it belongs, into sources (fields, local voxels). Collective."""
        _replay(self._deposit)
        entry_kernels.add_at(self._received, self._target, sources)

    def read(self, fields: list[np.ndarray], values: np.ndarray) -> None:
        """values (fields, local voxels) = those of this slab's concentrations, flat. Local."""
        for concentrations, of_field in zip(fields, values):
            entry_kernels.pick(0, self.local_voxels.size, self.local_voxels, concentrations, 0, of_field)

    def collect(self, values: np.ndarray) -> None:
        """Bring values (fields, local voxels) to the entries of those voxels. Collective."""
        entry_kernels.hand_out(values, self._target, self._served)
        _replay(self._collect)

    def give(self, f: int, values: np.ndarray, at: np.ndarray) -> None:
        """Set values[at[e]] to the collected value of field f in the voxel of each entry e; at as in `take`. Local."""
        rows = self._rows
        if at.size:
            entry_kernels.give_entries(self._asked, f, rows.row, values, at)
        else:
            entry_kernels.give_in_turn(self._asked, f, rows.row, rows.start, rows.alike, values)

    def watched(self, f: int, which: int) -> float:
        """The collected value of field f in one of the watched voxels. Local."""
        return self._asked[self._watched[which], f]

    def free(self) -> None:
        """Release the messages."""
        for request in self._deposit + self._collect:
            request.Free()


class ExactExchange(Exchange):
    """An exchange whose sums have the same bits in any order, so at any number of ranks.

    Amounts are taken as whole numbers of 2**-90 mM, in three limbs of 40 bits whose sums are exact: up to 2**29 mM an
    entry, and eight million entries a voxel.
    """

    def _plan_deposit(self, routes: Routes, n_fields: int) -> None:
        self._sums, self._received = routes.buffers(n_fields, entry_kernels.LIMBS, dtype=np.int64)
        self._limbs = np.zeros((n_fields, self.local_voxels.size, entry_kernels.LIMBS), dtype=np.int64)
        self._deposit = routes.to_owners(self._sums, self._received)

    def take(self, f: int, values: np.ndarray, at: np.ndarray, factor: np.ndarray, dt: float, anew: bool,
             rows: Rows | None = None) -> None:  # fmt: skip
        """As Exchange.take. An amount beyond the range, or not a number, makes its source not a number."""
        entry_kernels.add_limbs_by_voxel(values, at, factor, (rows or self._rows).row, dt, anew, self._sums, f)

    def deposit(self, sources: np.ndarray) -> None:
        """As Exchange.deposit."""
        _replay(self._deposit)
        entry_kernels.add_limbs_at(self._received, self._target, self._limbs, sources)


def _short(numbers: np.ndarray) -> np.ndarray:
    """The whole numbers, in half the memory where they fit: a step reads all of them."""
    return numbers.astype(np.uint32) if numbers.max(initial=0) < 2**32 else numbers


def _told(routes: Routes, wanted: np.ndarray) -> np.ndarray:
    """The voxels that this rank is asked for. Collective."""
    asked, served = routes.buffers(dtype=np.int64)
    asked[:] = wanted
    requests = routes.to_owners(asked, served)
    _replay(requests)
    for request in requests:
        request.Free()
    return served


def _replay(requests: list) -> None:
    if requests:
        MPI.Prequest.Startall(requests)
        MPI.Prequest.Waitall(requests)


def gather_planes(comm, slabs: Slabs, owned: np.ndarray, root: int | None = None) -> np.ndarray | None:
    """All slabs (n, ny, nz) as one read-only array: on rank ``root`` (None elsewhere), or on all. Collective."""
    here = root is None or comm.rank == root
    bounds = [slabs.planes(rank) for rank in range(comm.size)]
    layout = [hi - lo for lo, hi in bounds], [lo for lo, _ in bounds]
    whole = np.empty((slabs.n_planes, *owned.shape[1:])) if here else None
    plane = MPI.DOUBLE.Create_contiguous(owned.shape[1] * owned.shape[2]).Commit()
    send = [np.ascontiguousarray(owned), owned.shape[0], plane]
    receive = [whole, *layout, plane] if here else None
    if root is None:
        comm.Allgatherv(send, receive)
    else:
        comm.Gatherv(send, receive, root=root)
    plane.Free()
    if here:
        whole.flags.writeable = False
    return whole
