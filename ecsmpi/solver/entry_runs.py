"""Which entries (segments) have which voxel, as the compiled loops go through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.solver.registers import TILE

# entries of one voxel in a row that are worth a sum of their own, at least a register of them
LONG = TILE
BLOCK = 2**15  # rows of a field that stay in a core's cache


@dataclass(frozen=True)
class Rows:
    """Where entries' values lie, among those that a rank asks for, and how kernels go through them.

    row: (entries,) of each. start: (runs + 1,) the entry where each run begins; alike: (runs,)
    whether all of it has one row.
    edge: (blocks + 1,) the row where each block of rows begins; block: (blocks + 1,) the first of
    its runs.
    """

    row: np.ndarray
    start: np.ndarray
    alike: np.ndarray
    block: np.ndarray
    edge: np.ndarray

    @classmethod
    def of(cls, row: np.ndarray, n_rows: int) -> Rows:
        """row: (entries,) uint32 < n_rows. Long stretches of one row are runs of their own; what is
        between them are others.

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
        return cls(
            row,
            start.astype(np.uint32),
            alike[kept],
            block.astype(np.uint32),
            edge.astype(np.uint32),
        )

    @property
    def n_blocks(self) -> int:
        """Blocks of rows, which threads can share."""
        return self.edge.size - 1


def in_order(row: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The order in which entries, of which each has a row and a place in memory, go through both
    with few leaps.
    """
    return np.lexsort((places, row // BLOCK))
