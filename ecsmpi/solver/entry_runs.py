"""Which entries lie in which voxel, as the compiled loops go through them.

    entry   0   1   2   3   4   5   6   7   8   9  10  11  12
    slot    4   7   7   7   7   7   7   7   7   9   2   2  11
    run     0 | 1 (alike)                     | 2

An entry is a segment, or a flux's voxel. A slot is the place of a voxel among those that a rank
requests (exchange.py). Many entries in a row with one slot are a run of their own, whose sum is
added to memory at once: additions in memory, one upon the other, would wait for each other. The
entries between two such runs are a run as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.solver.sizes import TILE

# entries in a row with one slot that are worth a sum of their own: at least a register of them
LONG = TILE
BLOCK = 2**15  # slots of a field that stay in a core's cache


@dataclass(frozen=True)
class EntryRuns:
    """The slots of entries, and their runs and blocks.

    Attributes
    ----------
    slot : (entries,) uint32
        The slot of each entry's voxel.
    start : (runs + 1,) uint32
        The entry where each run begins.
    alike : (runs,) bool
        Whether all entries of a run have one slot.
    block : (blocks + 1,) uint32
        The first run of each block. No two blocks share a slot.
    edge : (blocks + 1,) uint32
        The slot where each block begins.
    """

    slot: np.ndarray
    start: np.ndarray
    alike: np.ndarray
    block: np.ndarray
    edge: np.ndarray

    @classmethod
    def of(cls, slot: np.ndarray, n_slots: int) -> EntryRuns:
        """The runs of entries, whose slots (entries,) uint32 are less than n_slots.

        Blocks have BLOCK slots where entries are in the order of these; otherwise all slots are one
        block.
        """
        block_of_entry = slot // BLOCK
        size = BLOCK
        if (block_of_entry[1:] < block_of_entry[:-1]).any():
            block_of_entry = np.zeros_like(slot)
            size = n_slots
        edge = np.append(np.arange(0, n_slots, size), n_slots)
        stretch = np.flatnonzero(np.diff(slot.astype(np.int64), prepend=-1))  # of one slot
        is_long = np.diff(stretch, append=slot.size) >= LONG
        block_of_stretch = block_of_entry[stretch].astype(np.int64)
        begins_run = is_long | np.diff(block_of_stretch, prepend=-1).astype(bool)
        begins_run[1:] |= is_long[:-1]
        begin = stretch[begins_run]
        block = np.searchsorted(block_of_entry[begin], np.arange(edge.size))
        start = np.append(begin, slot.size)
        return cls(
            slot,
            start.astype(np.uint32),
            is_long[begins_run],
            block.astype(np.uint32),
            edge.astype(np.uint32),
        )

    @property
    def n_blocks(self) -> int:
        """Blocks of slots, which threads can share."""
        return self.edge.size - 1


def in_order(slot: np.ndarray, places: np.ndarray) -> np.ndarray:
    """An order of entries in which slots, and places in memory, come with few leaps.

    slot, places: (entries,) of each.
    """
    return np.lexsort((places, slot // BLOCK))
