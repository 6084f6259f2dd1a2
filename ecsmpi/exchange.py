"""Segments' currents to the ranks that own their voxels, and the concentrations back.

Planned once, replayed each step. A rank's entries (segments, and nodes that are watched) are first
summed by voxel; the sums of consecutive voxels then lie side by side for each owner, since a slab's
voxels are consecutive in C order, so that a message is a slice and nothing is packed:

    entries --sum_by_voxel--> [voxels of owner 0 | voxels of owner 1 | ...] --one message each--> owners

Only ranks that share voxels exchange messages.
"""

from __future__ import annotations

import numpy as np
from mpi4py import MPI

from ecsmpi import entry_kernels
from ecsmpi.decomposition import Slabs


class Exchange:
    """The plan for one box and some number of fields."""

    def __init__(self, comm, slabs: Slabs, plane_size: int, voxels: np.ndarray, n_fields: int):
        """Collective.

        voxels: (entries,) flat C-order index into the box of each entry of this rank, all inside.
        plane_size: voxels of a plane. n_fields: values that travel together for each voxel.
        """
        self._order = np.argsort(voxels, kind="stable").astype(np.int64)
        wanted, start = np.unique(voxels[self._order], return_index=True)
        self._start = np.append(start, voxels.size).astype(np.int64)
        self._slot = np.repeat(np.arange(wanted.size), np.diff(self._start))[np.argsort(self._order)]
        to_owner = np.bincount(slabs.owner(wanted // plane_size), minlength=comm.size).astype(np.int64)
        from_rank = np.empty_like(to_owner)
        comm.Alltoall(to_owner, from_rank)
        served = np.empty(from_rank.sum(), dtype=np.int64)
        comm.Alltoallv([wanted.astype(np.int64), to_owner], [served, from_rank])
        self.local_voxels, target = np.unique(served, return_inverse=True)
        self.local_voxels -= slabs.planes(comm.rank)[0] * plane_size
        self._target = target.astype(np.int64)
        self._asked = np.zeros((wanted.size, n_fields))
        self._served = np.zeros((served.size, n_fields))
        self._values = np.zeros((n_fields, voxels.size))
        self._scratch = np.zeros((n_fields, self.local_voxels.size))
        self.partners = int(np.count_nonzero(to_owner) + np.count_nonzero(from_rank))
        self._collect = _messages(comm, self._served, from_rank, self._asked, to_owner, 6)
        self._plan_deposit(comm, to_owner, from_rank)

    def _plan_deposit(self, comm, to_owner: np.ndarray, from_rank: np.ndarray) -> None:
        self._deposit = _messages(comm, self._asked, to_owner, self._served, from_rank, 5)

    def deposit(self, amounts: np.ndarray, scale: float, sources: np.ndarray) -> None:
        """Sum the entries' amounts (fields, entries), times scale, into sources (fields, local voxels)."""
        entry_kernels.sum_by_voxel(amounts, self._order, self._start, self._asked)
        _replay(self._deposit)
        entry_kernels.add_at(self._served, self._target, scale, sources)

    def collect(self, fields: list[np.ndarray]) -> np.ndarray:
        """Values (fields, entries) of each entry's voxel; fields: this slab's concentrations, flat."""
        for f, concentrations in enumerate(fields):
            entry_kernels.pick(concentrations, self.local_voxels, self._scratch[f])
        entry_kernels.spread(self._scratch, self._target, self._served)
        _replay(self._collect)
        entry_kernels.gather_entries(self._asked, self._slot, self._values)
        return self._values

    def free(self) -> None:
        """Release the messages."""
        for request in self._deposit + self._collect:
            request.Free()


class ExactExchange(Exchange):
    """An exchange whose sums have the same bits in any order, so at any number of ranks.

    Amounts are taken as whole numbers of 2**-90 mM/ms, in three limbs of 40 bits whose sums are exact: up to 2**29 mM/ms an
    entry, and eight million entries a voxel.
    """

    def _plan_deposit(self, comm, to_owner: np.ndarray, from_rank: np.ndarray) -> None:
        self._limbs_asked = np.zeros((*self._asked.shape, entry_kernels.LIMBS), dtype=np.int64)
        self._limbs_served = np.zeros((*self._served.shape, entry_kernels.LIMBS), dtype=np.int64)
        self._limbs = np.zeros((self._asked.shape[1], self.local_voxels.size, entry_kernels.LIMBS), dtype=np.int64)
        self._deposit = _messages(comm, self._limbs_asked, to_owner, self._limbs_served, from_rank, 5)

    def deposit(self, amounts: np.ndarray, scale: float, sources: np.ndarray) -> None:
        """As Exchange.deposit. An amount beyond the range, or not a number, makes its source not a number."""
        entry_kernels.sum_limbs_by_voxel(amounts, self._order, self._start, self._limbs_asked)
        _replay(self._deposit)
        entry_kernels.add_limbs_at(self._limbs_served, self._target, scale, self._limbs, sources)


def _messages(comm, outgoing, out_counts, incoming, in_counts, tag) -> list:
    requests = []
    for make, buffer, counts in ((comm.Recv_init, incoming, in_counts), (comm.Send_init, outgoing, out_counts)):
        ends = np.cumsum(counts)
        for rank in np.flatnonzero(counts):
            requests.append(make(buffer[ends[rank] - counts[rank] : ends[rank]], int(rank), tag))
    return requests


def _replay(requests: list) -> None:
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
