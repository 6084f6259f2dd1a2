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

from ecsmpi.solver import threads
from ecsmpi.solver.sizes import TILE

# entries in a row with one slot that are worth a sum of their own: at least a register of them
LONG = TILE
BLOCK = 2**15  # slots of a block, at least
BLOCKS_OF_THREAD = 4  # blocks for each thread, so that all end at about the same time


def block_size(n_slots: int) -> int:
    """How many slots a block has: one block has all of them where one thread takes the entries.

    One thread goes through NEURON's memory once and through the sums as they come, which is faster
    than block by block: a processor waits for several of them at a time.
    """
    count = threads.for_work(n_slots, threads.SLOTS)
    if count == 1:
        return max(1, n_slots)
    return max(BLOCK, -(-n_slots // (BLOCKS_OF_THREAD * count)))


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
    def of(cls, slot: np.ndarray, n_slots: int, turn: np.ndarray | None = None) -> EntryRuns:
        """The runs of entries, whose slots (entries,) uint32 are less than n_slots.

        turn: (entries,) the place of each entry among all in the order of memory; None where they
        come in that order. Entries whose turns do not follow each other are not in a row. So sums
        have the same bits with blocks of any size.

        Entries are in blocks where they are in the order of these; otherwise all slots are one
        block.
        """
        size = block_size(n_slots)
        block_of_entry = slot // np.uint32(size)
        if (block_of_entry[1:] < block_of_entry[:-1]).any():
            block_of_entry = np.zeros_like(slot)
            size = n_slots
        edge = np.append(np.arange(0, n_slots, size), n_slots)
        begins = np.diff(slot.astype(np.int64), prepend=-1) != 0
        if turn is not None:
            begins |= np.diff(turn.astype(np.int64), prepend=-2) != 1
        stretch = np.flatnonzero(begins)  # of one slot
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


def in_order(slot: np.ndarray, places: np.ndarray, n_slots: int) -> np.ndarray:
    """An order of entries: block by block, and in each in the order of memory.

    slot, places: (entries,) of each. n_slots: number of slots.
    """
    return np.lexsort((places, slot // np.uint32(block_size(n_slots))))
