"""Ranks have set the same voxels to different values: which value counts.

NEURON's steps order them, of which several may be one step of the grid. Of one step, a value that
all ranks have set comes first, as they have made the same call; of what single ranks have set after
it, that of the highest rank counts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Part(NamedTuple):
    """What one call on one rank has set in the planes of one rank.

    Attributes
    ----------
    field : number of the field
    moment, is_done : as of `Write`; is_done only in the planes of the rank that made the call
    local : flat indices into the planes
    values : mM, one number or one for each index
    """

    field: int
    moment: int
    is_done: bool
    local: np.ndarray | slice
    values: np.ndarray


def apply_apart(of_ranks: list[list[Part]], slab: np.ndarray) -> None:
    """Set the planes (n, ny, nz) of one rank, of one field, to the values that count. Local.

    of_ranks: the parts of each rank, in the order in which it has set them.
    """
    flat = slab.reshape(-1)
    parts = [(rank, part) for rank, of_rank in enumerate(of_ranks) for part in of_rank]
    index = [np.arange(flat.size)[part.local] for _, part in parts]
    sizes = [one.size for one in index]
    if not sum(sizes):
        return
    values = [np.broadcast_to(part.values, one.shape) for (_, part), one in zip(parts, index)]
    index = np.concatenate(index)
    values = np.concatenate(values).astype(float)
    rank = np.repeat([rank for rank, _ in parts], sizes)
    moment = np.repeat([part.moment for _, part in parts], sizes)
    is_done = np.repeat([part.is_done for _, part in parts], sizes)

    turn = _places_in_groups(index * len(of_ranks) + rank)  # 0 where the rank sets the voxel first
    is_single = turn > _last_of_all(index, turn, rank, moment, values, len(of_ranks))
    order = np.lexsort((turn, rank, moment, is_single, index))
    counts = order[np.append(np.diff(index[order]) != 0, True)]
    counts = counts[~is_done[counts]]
    flat[index[counts]] = values[counts]


def _places_in_groups(group: np.ndarray) -> np.ndarray:
    """(n,) how many equal numbers stand before each."""
    order = np.argsort(group, kind="stable")
    is_first = np.append(True, np.diff(group[order]) != 0)
    begin = np.flatnonzero(is_first)
    places = np.empty(group.size, dtype=np.int64)
    places[order] = np.arange(group.size) - begin[np.cumsum(is_first) - 1]
    return places


def _last_of_all(index, turn, rank, moment, values, ranks: int) -> np.ndarray:
    """(n,) the last turn in which all ranks have set an entry's voxel to one value at one moment.

    -1 where there is none.
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
