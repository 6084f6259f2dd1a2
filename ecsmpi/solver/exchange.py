"""Segments' currents to the ranks that own their voxels, and the concentrations back.

Planned once, replayed each step. What a rank's entries (segments) carry is summed by voxel, in one
array for each field:

    [ local voxels: of this slab, that any rank asks for | those of rank p+1 | p+2 | ... | p-1 that
    this rank asks for ]

The sums of the local voxels are the sources of the step, with what other ranks send added to them;
a message is what lies side by side for one owner, in all fields, so that nothing is packed.
Concentrations come back through an array of the same shape. So what a rank asks of itself is
neither sent nor copied, and only ranks that share voxels exchange messages.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver import entry_kernels, threads
from ecsmpi.solver.entry_runs import Rows, in_order
from ecsmpi.solver.routes import Routes, replay

NONE = np.zeros(0, dtype=np.int64)


class Exchange:
    """The plan for one box and some number of fields. What `take` and `give` are told of entries is
    in the order of the plan, or of `reorder`.

    Attributes
    ----------
    local_voxels : (local voxels,) flat index into this slab of those that any rank asks for,
    ascending
    sources : of each field, (local voxels,) mM, after `deposit`
    values : of each field, (local voxels,) to be set before `collect`
    partners : how many messages come and go
    partner_ranks : the ranks that they come from and go to
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
        served = routes.tell(asked)
        local = np.unique(np.concatenate([wanted[owner == comm.rank], served]))
        self.local_voxels = _short(local - slabs.planes(comm.rank)[0] * plane_size)
        self._target = np.searchsorted(local, served).astype(np.uint32)
        self._wanted = np.concatenate([local, asked])
        self._ascending = np.argsort(self._wanted)
        self._row, self._watched = self._find(voxels), self._find(watched)
        self._rows, self._begun = self._in_blocks(self._row), [False] * n_fields
        self.partners, self.partner_ranks = routes.partners, routes.ranks
        self._plan_deposit(routes, n_fields)
        self._values, self._served = (
            np.zeros((n_fields, self._wanted.size)),
            np.zeros((n_fields, routes.served)),
        )
        self.values = [row[: local.size] for row in self._values]
        self._collect = routes.from_owners(self._values, self._served)

    def order(self, places: np.ndarray) -> np.ndarray:
        """The order in which entries, of which each has a place in memory, go through it and
        through their voxels with few leaps. Local.
        """
        return in_order(self._row, places)

    def reorder(self, turn) -> None:
        """Entries come in this order from now on: an index into those of the plan. Local."""
        self._rows = self._in_blocks(self._row[turn])

    def rows(self, voxels: np.ndarray) -> Rows:
        """What `take` is to know of further entries, in voxels (entries,) that this rank wants.
        Local.
        """
        return self._in_blocks(self._find(voxels))

    def _in_blocks(self, row: np.ndarray) -> Rows:
        return Rows.of(row, self._wanted.size)

    def _find(self, voxels: np.ndarray) -> np.ndarray:
        return self._ascending[
            np.searchsorted(self._wanted, voxels, sorter=self._ascending)
        ].astype(np.uint32)

    def _plan_deposit(self, routes: Routes, n_fields: int) -> None:
        self._sums, self._received = (
            np.zeros((n_fields, self._wanted.size)),
            np.zeros((n_fields, routes.served)),
        )
        self.sources = [row[: self.local_voxels.size] for row in self._sums]
        self._deposit = routes.to_owners(self._sums, self._received)

    def take(
        self,
        f: int,
        values: np.ndarray,
        at: np.ndarray,
        factor: np.ndarray,
        dt: float,
        rows: Rows | None = None,
    ) -> None:
        """Field f gets dt * factor[e] * values[at[e]] from each entry e, on top of what it has got
        since `deposit`. Local.

        at: (entries,), or empty where the values are those of the entries in turn. rows: from
        `rows`, for other entries than those of the plan.
        """
        anew, self._begun[f] = not self._begun[f], True
        self._add(f, values, at, factor, dt, rows or self._rows, anew)

    def _add(self, f: int, values, at, factor, dt: float, rows: Rows, anew: bool) -> None:
        sums, runs = self._sums[f], (rows.row, rows.start, rows.alike)
        if at.size:
            threads.use(threads.for_work(sums.size, threads.ROWS))
            add = (
                entry_kernels.add_by_voxel
                if rows.n_blocks == 1
                else entry_kernels.add_by_voxel_in_blocks
            )
            add(values, at, factor, *runs, rows.block, rows.edge, dt, anew, sums)
        else:
            if anew:
                sums.fill(0)
            entry_kernels.add_in_turn(values, factor, *runs, dt, sums)

    def forget_taken(self) -> None:
        """What was taken since `deposit` does not count. Local."""
        self._begun = [False] * len(self._begun)

    def deposit(self) -> None:
        """What was taken, summed where it belongs, into the sources. Collective."""
        for f, begun in enumerate(self._begun):
            if not begun:
                self._sums[f].fill(0)
        self._begun = [False] * len(self._begun)
        replay(self._deposit)
        self._add_received()

    def _add_received(self) -> None:
        if self._target.size:
            entry_kernels.add_at(self._received, self._target, self._sums)

    def read(self, fields: list[np.ndarray]) -> None:
        """The values are those of this slab's concentrations, flat. Local."""
        for concentrations, values in zip(fields, self.values):
            entry_kernels.pick(
                0, self.local_voxels.size, self.local_voxels, concentrations, 0, values
            )

    def collect(self) -> None:
        """Bring the values to the entries of those voxels. Collective."""
        if self._target.size:
            entry_kernels.hand_out(self._values, self._target, self._served)
        replay(self._collect)

    def give(self, f: int, values: np.ndarray, at: np.ndarray) -> None:
        """Set values[at[e]] to the collected value of field f in the voxel of each entry e; at as
        in `take`. Local.
        """
        rows = self._rows
        if at.size and rows.n_blocks > 1:
            threads.use(threads.for_work(self._wanted.size, threads.ROWS))
            entry_kernels.give_entries_in_blocks(
                self._values[f], rows.row, rows.start, rows.block, values, at
            )
        elif at.size:
            entry_kernels.give_entries(self._values[f], rows.row, values, at)
        else:
            entry_kernels.give_in_turn(self._values[f], rows.row, rows.start, rows.alike, values)

    def watched(self, f, which):
        """The collected value of field f in one of the watched voxels; of several, where both are
        arrays. Local.
        """
        return self._values[f, self._watched[which]]

    def free(self) -> None:
        """Release the messages."""
        for request in self._deposit + self._collect:
            request.Free()


class ExactExchange(Exchange):
    """An exchange whose sums have the same bits in any order, so at any number of ranks.

    Amounts are taken as whole numbers of 2**-90 mM, in three limbs of 40 bits whose sums are exact:
    up to 2**29 mM an entry, and eight million entries a voxel. An amount beyond the range, or not a
    number, makes its source not a number.
    """

    def _plan_deposit(self, routes: Routes, n_fields: int) -> None:
        limbs = entry_kernels.LIMBS
        self._sums = np.zeros((n_fields, self._wanted.size, limbs), dtype=np.int64)
        self._received = np.zeros((n_fields, routes.served, limbs), dtype=np.int64)
        self.sources = list(np.zeros((n_fields, self.local_voxels.size)))
        self._deposit = routes.to_owners(self._sums, self._received)

    def _add(self, f: int, values, at, factor, dt: float, rows: Rows, anew: bool) -> None:
        threads.use(threads.for_work(self._wanted.size, threads.ROWS))
        entry_kernels.add_limbs_by_voxel(
            values, at, factor, rows.row, rows.start, rows.block, rows.edge, dt, anew, self._sums[f]
        )

    def _add_received(self) -> None:
        threads.use(threads.for_work(self.local_voxels.size, threads.ROWS))
        for sums, received, sources in zip(self._sums, self._received, self.sources):
            entry_kernels.add_limbs_at(received, self._target, sums, sources)


def _short(numbers: np.ndarray) -> np.ndarray:
    """The whole numbers, in half the memory where they fit: a step reads all of them."""
    return numbers.astype(np.uint32) if numbers.max(initial=0) < 2**32 else numbers
