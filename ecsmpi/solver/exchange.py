"""Segments' currents to the ranks that own their voxels, and the concentrations back.

Planned once, replayed each step. What a rank's entries (segments) carry is summed by voxel, in one array for each field:

    [ local voxels: of this slab, that any rank asks for | those of rank p+1 | p+2 | ... | p-1 that this rank asks for ]

The sums of the local voxels are the sources of the step, with what other ranks send added to them; a message is what
lies side by side for one owner, in all fields, so that nothing is packed. Concentrations come back through an array of
the same shape. So what a rank asks of itself is neither sent nor copied, and only ranks that share voxels exchange messages.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from mpi4py import MPI
from mpi4py.util import dtlib

from ecsmpi.solver import entry_kernels
from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.registers import TILE

NONE = np.zeros(0, dtype=np.int64)
LONG = TILE  # entries of one voxel in a row that are worth a sum of their own, at least a register of them
BLOCK = 2**15  # rows of a field that stay in a core's cache


class Routes:
    """How many values this rank asks of each other rank and serves to it, in turn from the next rank on."""

    def __init__(self, comm, asked: np.ndarray):
        """Collective. asked: (ranks,) how many of each owner, none of itself."""
        self._comm, self._asked, self._served = comm, asked.astype(np.int64), np.empty(comm.size, dtype=np.int64)
        comm.Alltoall(self._asked, self._served)
        self.served = int(self._served.sum())
        self.partners = int(np.count_nonzero(self._asked) + np.count_nonzero(self._served))

    def to_owners(self, asked: np.ndarray, served: np.ndarray) -> list:
        """The messages that bring what is asked, last in (fields, ...), to those who serve it: (fields, served)."""
        return self._messages((served, self._served), (asked, self._asked), 5)

    def from_owners(self, asked: np.ndarray, served: np.ndarray) -> list:
        """The messages that bring it back."""
        return self._messages((asked, self._asked), (served, self._served), 6)

    def _messages(self, incoming, outgoing, tag: int) -> list:
        requests = []
        for make, array, counts in ((self._comm.Recv_init, *incoming), (self._comm.Send_init, *outgoing)):
            for rank, columns in self._parts(array, counts):
                requests.append(make(columns, rank, tag))
                columns[-1].Free()  # the request keeps what it needs of it
        return requests

    def _parts(self, array: np.ndarray, counts: np.ndarray):
        """(rank, its share of the last columns of an array, in all rows, for MPI) of those that have one."""
        at = array.shape[1] - counts.sum()
        for rank in np.roll(np.arange(counts.size), -self._comm.rank - 1)[:-1].tolist():
            if counts[rank]:
                yield rank, _columns(array, int(at), int(counts[rank]))
            at += counts[rank]


def _columns(array: np.ndarray, first: int, count: int) -> list:
    """What MPI is to know of some columns of all rows of an array (rows, columns, ...)."""
    flat, per_column = array.reshape(-1), array[0, :1].size
    of = dtlib.from_numpy_dtype(array.dtype)
    kind = of.Create_vector(array.shape[0], per_column * count, per_column * array.shape[1]).Commit()
    return [flat[per_column * first :], 1, kind]


@dataclass(frozen=True)
class Rows:
    """Where entries' values lie, among those that a rank asks for, and how kernels go through them.

    row: (entries,) of each. start: (runs + 1,) the entry where each run begins; alike: (runs,) whether all of it has one row.
    edge: (blocks + 1,) the row where each block of rows begins; block: (blocks + 1,) the first of its runs.
    """

    row: np.ndarray
    start: np.ndarray
    alike: np.ndarray
    block: np.ndarray
    edge: np.ndarray

    @classmethod
    def of(cls, row: np.ndarray, n_rows: int) -> Rows:
        """row: (entries,) uint32 < n_rows. Long stretches of one row are runs of their own; what is between them are others.

        Blocks have BLOCK rows where entries are in the order of these; else all rows are one.
        """
        inside, size = row // BLOCK, BLOCK
        if (inside[1:] < inside[:-1]).any():
            inside, size = np.zeros_like(row), n_rows
        edge = np.append(np.arange(0, n_rows, size), n_rows)
        begin = np.flatnonzero(np.diff(row.astype(np.int64), prepend=-1))
        alike = np.diff(begin, append=row.size) >= LONG
        kept = alike | np.diff(inside[begin].astype(np.int64), prepend=-1).astype(bool)
        kept[1:] |= alike[:-1]
        block = np.searchsorted(inside[begin[kept]], np.arange(edge.size))
        start = np.append(begin[kept], row.size)
        return cls(row, start.astype(np.uint32), alike[kept], block.astype(np.uint32), edge.astype(np.uint32))

    @property
    def n_blocks(self) -> int:
        """Blocks of rows, which threads can share."""
        return self.edge.size - 1


class Exchange:
    """The plan for one box and some number of fields. What `take` and `give` are told of entries is in the order of the plan, or of `reorder`.

    Attributes
    ----------
    local_voxels : (local voxels,) flat index into this slab of those that any rank asks for, ascending
    sources : of each field, (local voxels,) mM, after `deposit`
    values : of each field, (local voxels,) to be set before `collect`
    partners : how many messages come and go
    """

    def __init__(self, comm, slabs: Slabs, plane_size: int, voxels, n_fields: int, watched=NONE):
        """Collective.

        voxels: (entries,) flat C-order index into the box of each entry of this rank, all inside.
        plane_size: voxels of a plane. n_fields: values that travel together for each voxel.
        watched: flat indices of further voxels whose values this rank wants, see `watched`.
        """
        wanted = np.unique(np.concatenate([voxels, watched]).astype(np.int64))
        owner = slabs.owner(wanted // plane_size)
        turn = (owner - comm.rank - 1) % comm.size
        asked = wanted[np.argsort(turn, kind="stable")][: np.count_nonzero(owner != comm.rank)]
        routes = Routes(comm, np.bincount(owner[owner != comm.rank], minlength=comm.size))
        served = _told(routes, asked)
        local = np.unique(np.concatenate([wanted[owner == comm.rank], served]))
        self.local_voxels = _short(local - slabs.planes(comm.rank)[0] * plane_size)
        self._target = np.searchsorted(local, served).astype(np.uint32)
        self._wanted = np.concatenate([local, asked])
        self._ascending = np.argsort(self._wanted)
        self._row, self._watched = self._find(voxels), self._find(watched)
        self._rows, self._begun = self._in_blocks(self._row), [False] * n_fields
        self.partners = routes.partners
        self._plan_deposit(routes, n_fields)
        self._values, self._served = np.zeros((n_fields, self._wanted.size)), np.zeros((n_fields, routes.served))
        self.values = [row[: local.size] for row in self._values]
        self._collect = routes.from_owners(self._values, self._served)

    def order(self, places: np.ndarray) -> np.ndarray:
        """The order in which entries, of which each has a place in memory, go through it and through their voxels with few leaps. Local."""
        return np.lexsort((places, self._row // BLOCK))

    def reorder(self, turn) -> None:
        """Entries come in this order from now on: an index into those of the plan. Local."""
        self._rows = self._in_blocks(self._row[turn])

    def rows(self, voxels: np.ndarray) -> Rows:
        """What `take` is to know of further entries, in voxels (entries,) that this rank wants. Local."""
        return self._in_blocks(self._find(voxels))

    def _in_blocks(self, row: np.ndarray) -> Rows:
        return Rows.of(row, self._wanted.size)

    def _find(self, voxels: np.ndarray) -> np.ndarray:
        return self._ascending[np.searchsorted(self._wanted, voxels, sorter=self._ascending)].astype(np.uint32)

    def _plan_deposit(self, routes: Routes, n_fields: int) -> None:
        self._sums, self._received = np.zeros((n_fields, self._wanted.size)), np.zeros((n_fields, routes.served))
        self.sources = [row[: self.local_voxels.size] for row in self._sums]
        self._deposit = routes.to_owners(self._sums, self._received)

    def take(self, f: int, values: np.ndarray, at: np.ndarray, factor: np.ndarray, dt: float, rows: Rows | None = None) -> None:
        """Field f gets dt * factor[e] * values[at[e]] from each entry e, on top of what it has got since `deposit`. Local.

        at: (entries,), or empty where the values are those of the entries in turn. rows: from `rows`, for other entries than
        those of the plan.
        """
        anew, self._begun[f] = not self._begun[f], True
        self._add(f, values, at, factor, dt, rows or self._rows, anew)

    def _add(self, f: int, values, at, factor, dt: float, rows: Rows, anew: bool) -> None:
        sums, runs = self._sums[f], (rows.row, rows.start, rows.alike)
        if at.size:
            add = entry_kernels.add_by_voxel if rows.n_blocks == 1 else entry_kernels.add_by_voxel_in_blocks
            add(values, at, factor, *runs, rows.block, rows.edge, dt, anew, sums)
        else:
            if anew:
                sums.fill(0)
            entry_kernels.add_in_turn(values, factor, *runs, dt, sums)

    def deposit(self) -> None:
        """What was taken, summed where it belongs, into the sources. Collective."""
        for f, begun in enumerate(self._begun):
            if not begun:
                self._sums[f].fill(0)
        self._begun = [False] * len(self._begun)
        _replay(self._deposit)
        self._add_received()

    def _add_received(self) -> None:
        if self._target.size:
            entry_kernels.add_at(self._received, self._target, self._sums)

    def read(self, fields: list[np.ndarray]) -> None:
        """The values are those of this slab's concentrations, flat. Local."""
        for concentrations, values in zip(fields, self.values):
            entry_kernels.pick(0, self.local_voxels.size, self.local_voxels, concentrations, 0, values)

    def collect(self) -> None:
        """Bring the values to the entries of those voxels. Collective."""
        if self._target.size:
            entry_kernels.hand_out(self._values, self._target, self._served)
        _replay(self._collect)

    def give(self, f: int, values: np.ndarray, at: np.ndarray) -> None:
        """Set values[at[e]] to the collected value of field f in the voxel of each entry e; at as in `take`. Local."""
        rows = self._rows
        if at.size and rows.n_blocks > 1:
            entry_kernels.give_entries_in_blocks(self._values[f], rows.row, rows.start, rows.block, values, at)
        elif at.size:
            entry_kernels.give_entries(self._values[f], rows.row, values, at)
        else:
            entry_kernels.give_in_turn(self._values[f], rows.row, rows.start, rows.alike, values)

    def watched(self, f: int, which: int) -> float:
        """The collected value of field f in one of the watched voxels. Local."""
        return self._values[f, self._watched[which]]

    def free(self) -> None:
        """Release the messages."""
        for request in self._deposit + self._collect:
            request.Free()


class ExactExchange(Exchange):
    """An exchange whose sums have the same bits in any order, so at any number of ranks.

    Amounts are taken as whole numbers of 2**-90 mM, in three limbs of 40 bits whose sums are exact: up to 2**29 mM an
    entry, and eight million entries a voxel. An amount beyond the range, or not a number, makes its source not a number.
    """

    def _plan_deposit(self, routes: Routes, n_fields: int) -> None:
        limbs = entry_kernels.LIMBS
        self._sums = np.zeros((n_fields, self._wanted.size, limbs), dtype=np.int64)
        self._received = np.zeros((n_fields, routes.served, limbs), dtype=np.int64)
        self.sources = list(np.zeros((n_fields, self.local_voxels.size)))
        self._deposit = routes.to_owners(self._sums, self._received)

    def _add(self, f: int, values, at, factor, dt: float, rows: Rows, anew: bool) -> None:
        entry_kernels.add_limbs_by_voxel(values, at, factor, rows.row, rows.start, rows.block, rows.edge, dt, anew, self._sums[f])

    def _add_received(self) -> None:
        for sums, received, sources in zip(self._sums, self._received, self.sources):
            entry_kernels.add_limbs_at(received, self._target, sums, sources)


def _short(numbers: np.ndarray) -> np.ndarray:
    """The whole numbers, in half the memory where they fit: a step reads all of them."""
    return numbers.astype(np.uint32) if numbers.max(initial=0) < 2**32 else numbers


def _told(routes: Routes, asked: np.ndarray) -> np.ndarray:
    """The voxels that this rank is asked for by others. Collective."""
    served = np.zeros((1, routes.served), dtype=np.int64)
    requests = routes.to_owners(asked.reshape(1, -1), served)
    _replay(requests)
    for request in requests:
        request.Free()
    return served[0]


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
