"""From ranks' own segments to the columns of a file, and back to nobody: each rank writes a share
of consecutive columns.

    this rank's rows    (frames, segments)    --Alltoallv-->    (frames, columns lo to hi) of the file

The columns are in the order of the cells' numbers, whatever rank a cell is on; planned once.
"""

from __future__ import annotations

import numpy as np


def columns_of(comm, node: np.ndarray) -> tuple[np.ndarray, int]:
    """(segments,) the column of each of this rank's segments, ascending by node; and how many
    columns there are. Collective.

    node: (segments,) the number of each segment's cell. Segments of a node that several ranks share
    are in the ranks' order.
    """
    ids, first, counts = np.unique(node, return_index=True, return_counts=True)
    everyone = comm.allgather((ids, counts))
    rank = np.repeat(np.arange(comm.size), [len(ids) for ids, _ in everyone])
    ids, sizes = (np.concatenate(part) for part in zip(*everyone))
    order = np.lexsort((rank, ids))
    start = np.empty(len(ids), dtype=np.int64)
    start[order] = np.cumsum(sizes[order]) - sizes[order]
    columns = np.empty(node.size, dtype=np.int64)
    by_node = np.argsort(node, kind="stable")
    columns[by_node] = np.repeat(start[rank == comm.rank], counts) + _within(counts)
    return columns, int(sizes.sum())


def _within(counts: np.ndarray) -> np.ndarray:
    """0, 1, ... in each of consecutive groups of so many."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


class Columns:
    """Brings rows of this rank's segments to the ranks that write their columns.

    columns: (segments,) of ``total``. writers: how many ranks write, from the first on. rows: at
    most, at a time. dtype: of them. The constructor and ``bring`` are collective. lo, hi: the
    columns that this rank writes.
    """

    def __init__(self, comm, columns: np.ndarray, total: int, writers: int, rows: int, dtype):
        self._comm = comm
        edges = np.minimum(np.arange(comm.size + 1), writers) * total // writers
        self.lo, self.hi = int(edges[comm.rank]), int(edges[comm.rank + 1])
        self._order = np.argsort(columns)
        target = np.searchsorted(edges, columns[self._order], side="right") - 1
        self._sends = np.bincount(target, minlength=comm.size)
        self._receives = np.empty_like(self._sends)
        comm.Alltoall(self._sends, self._receives)
        came = np.empty(self.hi - self.lo, dtype=np.int64)
        comm.Alltoallv([columns[self._order], self._sends], [came, self._receives])
        self._place = came - self.lo
        self._out, self._in = (
            np.empty(columns.size * rows, dtype),
            np.empty(came.size * rows, dtype),
        )
        self._share = np.empty((rows, came.size), dtype)

    def bring(self, rows: np.ndarray) -> np.ndarray:
        """(n, columns lo to hi) of all ranks' rows (n, segments)."""
        n = len(rows)
        out, came = (
            buffer[: buffer.size // len(self._share) * n] for buffer in (self._out, self._in)
        )
        np.take(rows.T, self._order, axis=0, out=out.reshape(-1, n), mode="clip")
        self._comm.Alltoallv([out, self._sends * n], [came, self._receives * n])
        self._share[:n, self._place] = came.reshape(-1, n).T
        return self._share[:n]
