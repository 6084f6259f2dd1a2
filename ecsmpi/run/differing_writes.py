"""What ranks have set goes to the owners of the voxels, also where ranks have set them differently.

NEURON's steps order the values; several of these steps may make one step of the grid. Within one
step, a value that all ranks have set comes first, as they have made the same call. Of the values
that single ranks have set after it, that of the highest rank counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecsmpi.run.remote_fields import FieldKey
from ecsmpi.run.writes import Writes


class Part(NamedTuple):
    """What one call on one rank has set in the planes of one rank.

    Attributes
    ----------
    field : int
        Number of the field.
    moment : int
        How many of NEURON's steps the calling rank had begun.
    is_done : bool
        Whether the planes have the values already; only in the planes of the calling rank.
    local : (n,) int or slice
        Flat indices into the planes.
    values : () or (n,) float
        mM.
    """

    field: int
    moment: int
    is_done: bool
    local: np.ndarray | slice
    values: np.ndarray


def apply_own_writes(writes: Writes, fields: list[FieldKey]) -> None:
    """Bring what this rank has set in its own planes into them. Local; see `exchange_writes`."""
    for key, solver in fields:
        for write in writes.of((key, solver)):
            if not write.is_done:
                write.apply(solver.fields[key].owned, solver.planes)
                write.is_done = True


def exchange_writes(comm, writes: Writes, fields: list[FieldKey]) -> None:
    """Bring voxels that ranks have set differently to their owners. Collective.

    Parameters
    ----------
    comm
        The ranks of the model.
    writes : Writes
        Those of this rank.
    fields : list
        (key of a species, solver of a region) of the plan, in an order that all ranks have.
    """
    parts = comm.alltoall([_parts_for(comm, writes, fields, rank) for rank in range(comm.size)])
    for number, (key, solver) in enumerate(fields):
        of_ranks = []
        for of_rank in parts:
            of_ranks.append([part for part in of_rank if part.field == number])
        apply_apart(of_ranks, solver.fields[key].owned)


def _parts_for(comm, writes: Writes, fields: list[FieldKey], rank: int) -> list[Part]:
    """What this rank has set in the planes of some rank. Local."""
    is_own = rank == comm.rank
    parts = []
    for number, (key, solver) in enumerate(fields):
        for write in writes.of((key, solver)):
            inside = write.within(solver.slabs.planes(rank))
            parts.append(Part(number, write.moment, is_own and write.is_done, *inside))
    return parts


def apply_apart(of_ranks: list[list[Part]], slab: np.ndarray) -> None:
    """Set the planes (n, ny, nz) of one rank, of one field, to the values that count. Local.

    of_ranks: the parts of each rank, in the order in which the rank has set them.
    """
    flat = slab.reshape(-1)
    every_voxel = np.arange(flat.size)
    parts = []
    places = []
    numbers = []
    for rank, of_rank in enumerate(of_ranks):
        for part in of_rank:
            local = every_voxel[part.local]
            parts.append((rank, part.moment, part.is_done))
            places.append(local)
            numbers.append(np.broadcast_to(part.values, local.shape))
    sizes = [local.size for local in places]
    if not sum(sizes):
        return
    index = np.concatenate(places)
    values = np.concatenate(numbers).astype(float)
    rank_of, moment, is_done = (np.repeat(column, sizes) for column in zip(*parts))

    turn = _places_in_groups(index * len(of_ranks) + rank_of)  # 0: the rank sets the voxel first
    is_single = turn > _last_of_all(index, turn, rank_of, moment, values, len(of_ranks))
    order = np.lexsort((turn, rank_of, moment, is_single, index))
    is_last_of_voxel = np.append(np.diff(index[order]) != 0, True)
    counts = order[is_last_of_voxel]
    counts = counts[~is_done[counts]]
    flat[index[counts]] = values[counts]


def _places_in_groups(group: np.ndarray) -> np.ndarray:
    """(n,) how many equal numbers stand before each number."""
    order = np.argsort(group, kind="stable")
    is_first = np.append(True, np.diff(group[order]) != 0)
    begin = np.flatnonzero(is_first)
    places = np.empty(group.size, dtype=np.int64)
    places[order] = np.arange(group.size) - begin[np.cumsum(is_first) - 1]
    return places


def _last_of_all(index, turn, rank, moment, values, ranks: int) -> np.ndarray:
    """(n,) the last turn in which all ranks have set an entry's voxel alike; -1 if there is none.

    Ranks have set it alike with one value at one moment.
    """
    order = np.lexsort((rank, turn, index))
    is_next = (np.diff(index[order]) != 0) | (np.diff(turn[order]) != 0)
    begin = np.flatnonzero(np.append(True, is_next))
    counts = np.diff(np.append(begin, order.size))
    bits = values.view(np.int64)
    is_of_all = counts == ranks
    for numbers in (bits[order], moment[order]):
        is_of_all &= np.minimum.reduceat(numbers, begin) == np.maximum.reduceat(numbers, begin)
    voxels, which = np.unique(index, return_inverse=True)
    last = np.full(voxels.size, -1, dtype=np.int64)
    of_all = order[begin[is_of_all]]
    np.maximum.at(last, which[of_all], turn[of_all])
    return last[which]
