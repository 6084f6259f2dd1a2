"""Currents from segments to the ranks that own their voxels, and concentrations back.

    entries --add_sources--> sums --send_sources--> sources of the owner's voxels
    entries <--scatter_values-- values <--fetch_values-- values of the owner's voxels

An entry is a segment, or a flux's voxel: one that a flux goes into. The exchange is planned once
and replayed in each step. It sums what the entries of this rank carry by voxel, in one array for
each field:

    | local voxels             | remote voxels                                     |
    | of this slab, that any   | that this rank requests: of rank p+1, of p+2, ... |
    | rank requests            | and so on around to p-1                           |

The place of a voxel in this array is its slot. The sums of the local voxels, with the sums of
other ranks added to them, are the sources of the step. The voxels of one owner lie side by side, so
that a message to it is a slice of the array, for all fields, and nothing is packed. Concentrations
come back through an array of the same layout. So a rank neither sends nor copies what it requests
of itself, and only ranks that share voxels exchange messages.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.solver import threads
from ecsmpi.solver.entry_runs import EntryRuns, in_order
from ecsmpi.solver.routes import Routes, finish, replay, start
from ecsmpi.solver.sizes import LIMBS

entry_kernels = kernels_of("ecsmpi.solver.entry_kernels")
NONE = np.zeros(0, dtype=np.int64)
MOST_VOXELS = 2**32  # of a slab in which segments lie: 34 GB of each species


def plan_exchange(
    comm, slabs: Slabs, plane_size: int, voxels: np.ndarray, n_fields: int, further_voxels=NONE
) -> Exchange:
    """The exchange that suits the slabs: exact sums where these have a grain. Collective.

    Parameters are those of `Exchange`.
    """
    kind = ExactExchange if slabs.grain else Exchange
    return kind(comm, slabs, plane_size, voxels, n_fields, further_voxels)


class Exchange:
    """The plan of one box's exchange, for some number of fields.

    Parameters
    ----------
    comm
        Communicator. Making an exchange is collective.
    slabs : Slabs
        Which rank owns which planes of the box.
    plane_size : int
        Voxels of a plane.
    voxels : (entries,) int
        Flat C-order index into the box of each entry of this rank; all lie inside.
    n_fields : int
        Values that travel together for each voxel.
    further_voxels : (further,) int
        Flat indices of voxels that this rank requests beside those of its entries: for
        `further_values` and for the entries of `entry_runs`.

    Attributes
    ----------
    slabs : Slabs
        As given.
    local_voxels : (local voxels,) int
        Flat index into this slab of the voxels that any rank requests, ascending.
    sources : list of (local voxels,) float
        For each field, the sources of these voxels (mM), after `send_sources`.
    values : list of (local voxels,) float
        For each field, the values of these voxels (mM), which `fetch_values` sends. In a step the
        sweep down has filled them in; elsewhere `set_values` does.
    partners : int
        Messages of a step each way.
    partner_ranks : set of int
        The ranks that they come from and go to.
    """

    def __init__(
        self,
        comm,
        slabs: Slabs,
        plane_size: int,
        voxels: np.ndarray,
        n_fields: int,
        further_voxels=NONE,
    ):
        self.slabs = slabs
        requested = np.unique(np.concatenate([voxels, further_voxels]).astype(np.int64))
        owner = slabs.owner(requested // plane_size)
        is_remote = owner != comm.rank
        distance = (owner - comm.rank - 1) % comm.size  # around the ranks; own voxels come last
        remote = requested[np.argsort(distance, kind="stable")][: np.count_nonzero(is_remote)]
        routes = Routes(comm, np.bincount(owner[is_remote], minlength=comm.size))
        served = routes.tell(remote)
        local = np.unique(np.concatenate([requested[~is_remote], served]))
        first_voxel = slabs.planes(comm.rank)[0] * plane_size
        self.local_voxels = _as_short(local - first_voxel)
        self._served_slot = np.searchsorted(local, served).astype(np.uint32)
        self._requested = np.concatenate([local, remote])
        self._ascending = np.argsort(self._requested)
        self._entry_slot = self._slots_of(voxels)
        self._further_slot = self._slots_of(further_voxels)
        self._turn = np.arange(self._entry_slot.size)  # of entries in the order of memory
        self._runs = self._runs_of(self._entry_slot)
        self._has_sources = [False] * n_fields  # whether sums hold any since `send_sources`
        self.partners = routes.partners
        self.partner_ranks = routes.ranks
        self._plan_sources(routes, n_fields)
        self._values = np.zeros((n_fields, self._requested.size))
        self._served_values = np.zeros((n_fields, routes.served))
        self.values = [of_field[: local.size] for of_field in self._values]
        self._value_messages = routes.from_owners(self._values, self._served_values)

    def order(self, places: np.ndarray) -> np.ndarray:
        """An order in which entries go through memory with few leaps. Local.

        Where threads share them, they come block by block of their voxels.

        places: (entries,) the place in memory of each entry.
        """
        self._turn[np.argsort(places, kind="stable")] = np.arange(places.size)
        return in_order(self._entry_slot, places, self._requested.size)

    def reorder(self, order) -> None:
        """Let entries come in this order from now on: an index into those of the plan. Local."""
        self._runs = self._runs_of(self._entry_slot[order], self._turn[order])

    def entry_runs(self, voxels: np.ndarray) -> EntryRuns:
        """Runs for `add_sources` of further entries, in voxels that this rank requests. Local."""
        return self._runs_of(self._slots_of(voxels))

    def _runs_of(self, slot: np.ndarray, turn: np.ndarray | None = None) -> EntryRuns:
        return EntryRuns.of(slot, self._requested.size, turn)

    def _slots_of(self, voxels: np.ndarray) -> np.ndarray:
        found = np.searchsorted(self._requested, voxels, sorter=self._ascending)
        return self._ascending[found].astype(np.uint32)

    def _plan_sources(self, routes: Routes, n_fields: int) -> None:
        self._sums = np.zeros((n_fields, self._requested.size))
        self._received = np.zeros((n_fields, routes.served))
        self.sources = [of_field[: self.local_voxels.size] for of_field in self._sums]
        self._source_messages = routes.to_owners(self._sums, self._received)

    def add_sources(
        self,
        f: int,
        values: np.ndarray,
        at: np.ndarray,
        factor: np.ndarray,
        dt: float,
        runs: EntryRuns | None = None,
    ) -> None:
        """Add dt * factor[e] * values[at[e]] of each entry e to the sources of field f. Local.

        Sources add up until `send_sources`.

        Parameters
        ----------
        f : int
            Number of the field.
        values : (any,) float
            Currents or rates.
        at : (entries,) uint32
            Where in ``values`` that of each entry is; empty where values are those of the entries
            in turn. Entries come in the order of the plan, or of `reorder`.
        factor : (entries,) float
            mM/ms of a value of 1.
        dt : float
            Time (ms) for which the values act.
        runs : EntryRuns
            From `entry_runs`, for other entries than those of the plan.
        """
        from_zero = not self._has_sources[f]
        self._has_sources[f] = True
        self._add(f, values, at, factor, dt, runs or self._runs, from_zero)

    def _add(self, f: int, values, at, factor, dt: float, runs: EntryRuns, from_zero: bool) -> None:
        sums = self._sums[f]
        bounds = (runs.slot, runs.start, runs.alike)
        if at.size:
            threads.use(threads.for_work(sums.size, threads.SLOTS))
            if runs.n_blocks == 1:
                add = entry_kernels.add_by_voxel
            else:
                add = entry_kernels.add_by_voxel_in_blocks
            add(values, at, factor, *bounds, runs.block, runs.edge, dt, from_zero, sums)
        else:
            if from_zero:
                sums.fill(0)
            entry_kernels.add_in_turn(values, factor, *bounds, dt, sums)

    def forget_sources(self) -> None:
        """Drop the sources that were added since `send_sources`. Local."""
        self._has_sources = [False] * len(self._has_sources)

    def send_sources(self) -> None:
        """Send the sums to the owners of their voxels, who find them in ``sources``. Collective."""
        self.start_sources()
        self.finish_sources()

    def start_sources(self) -> None:
        """Begin to send the sums. Collective, with `finish_sources`."""
        for f, has_sources in enumerate(self._has_sources):
            if not has_sources:
                self._sums[f].fill(0)
        self.forget_sources()
        start(self._source_messages)

    def finish_sources(self) -> None:
        """Wait for the sums of other ranks, and add them."""
        finish(self._source_messages)
        self._add_received()

    def _add_received(self) -> None:
        if self._served_slot.size:
            entry_kernels.add_at(self._received, self._served_slot, self._sums)

    def set_values(self, fields: list[np.ndarray]) -> None:
        """Set ``values`` from this slab's concentrations, a flat array of each field. Local."""
        count = self.local_voxels.size
        for concentrations, values in zip(fields, self.values):
            entry_kernels.pick(0, count, self.local_voxels, concentrations, 0, values)

    def fetch_values(self) -> None:
        """Bring ``values`` from the owners to the ranks that request them. Collective."""
        if self._served_slot.size:
            entry_kernels.pick_served(self._values, self._served_slot, self._served_values)
        replay(self._value_messages)

    def scatter_values(self, f: int, values: np.ndarray, at: np.ndarray) -> None:
        """Set values[at[e]] to the fetched value of field f in the voxel of each entry e. Local.

        at: as in `add_sources`.
        """
        fetched = self._values[f]
        runs = self._runs
        if at.size and runs.n_blocks > 1:
            threads.use(threads.for_work(self._requested.size, threads.SLOTS))
            entry_kernels.scatter_entries_in_blocks(
                fetched, runs.slot, runs.start, runs.block, values, at
            )
        elif at.size:
            entry_kernels.scatter_entries(fetched, runs.slot, values, at)
        else:
            entry_kernels.scatter_in_turn(fetched, runs.slot, runs.start, runs.alike, values)

    def further_values(self, f, which):
        """The fetched value (mM) of field f in further voxel number ``which``. Local.

        Both may be arrays.
        """
        return self._values[f, self._further_slot[which]]

    def free(self) -> None:
        """Release the messages."""
        for message in self._source_messages + self._value_messages:
            message.Free()


class ExactExchange(Exchange):
    """An exchange whose sums have the same bits in any order, and so at any number of ranks.

    It takes amounts as whole numbers of 2**-90 mM, in three limbs of 40 bits whose sums are exact:
    up to 2**29 mM an entry, and eight million entries a voxel. Where an amount is larger, or NaN,
    the source of its voxel is NaN.
    """

    def _plan_sources(self, routes: Routes, n_fields: int) -> None:
        limbs = LIMBS
        self._sums = np.zeros((n_fields, self._requested.size, limbs), dtype=np.int64)
        self._received = np.zeros((n_fields, routes.served, limbs), dtype=np.int64)
        self.sources = list(np.zeros((n_fields, self.local_voxels.size)))
        self._source_messages = routes.to_owners(self._sums, self._received)

    def _add(self, f: int, values, at, factor, dt: float, runs: EntryRuns, from_zero: bool) -> None:
        threads.use(threads.for_work(self._requested.size, threads.SLOTS))
        bounds = (runs.slot, runs.start, runs.block, runs.edge)
        entry_kernels.add_limbs_by_voxel(values, at, factor, *bounds, dt, from_zero, self._sums[f])

    def _add_received(self) -> None:
        threads.use(threads.for_work(self.local_voxels.size, threads.SLOTS))
        for sums, received, sources in zip(self._sums, self._received, self.sources):
            entry_kernels.add_limbs_at(received, self._served_slot, sums, sources)


def _as_short(voxels: np.ndarray) -> np.ndarray:
    """Flat indices into a slab in half the memory: a step reads all of them."""
    if voxels.max(initial=0) >= MOST_VOXELS:
        raise ValueError(
            f"segments lie in voxel {voxels.max():,} of a rank's slab, and loops count up to "
            f"{MOST_VOXELS:,}: run on more ranks, so that each has fewer planes"
        )
    return voxels.astype(np.uint32)
