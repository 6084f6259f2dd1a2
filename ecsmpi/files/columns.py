"""Brings segments of all ranks to the columns of a file: each rank writes consecutive columns.

    this rank's rows  (frames, segments)  --Alltoallv-->  (frames, columns lo to hi) of the file

The columns are in the order of the cells' numbers, whatever rank a cell is on. The exchange is
planned once.
"""

from __future__ import annotations

import numpy as np


def columns_of(comm, node: np.ndarray) -> tuple[np.ndarray, int]:
    """Return the column of each of this rank's segments, and the number of columns. Collective.

    Parameters
    ----------
    comm
        The ranks.
    node : ndarray
        (segments,) the number of each segment's cell.

    Returns
    -------
    columns : ndarray
        (segments,) of int, ascending by cell. Segments of a cell that several ranks share are in
        the order of the ranks.
    total : int
        Number of columns of all ranks.
    """
    my_ids, my_counts = np.unique(node, return_counts=True)
    everyone = comm.allgather((my_ids, my_counts))
    rank = np.repeat(np.arange(comm.size), [len(ids) for ids, _ in everyone])
    ids = np.concatenate([ids for ids, _ in everyone])
    sizes = np.concatenate([counts for _, counts in everyone])
    order = np.lexsort((rank, ids))
    start = np.empty(len(ids), dtype=np.int64)
    start[order] = np.cumsum(sizes[order]) - sizes[order]
    columns = np.empty(node.size, dtype=np.int64)
    by_node = np.argsort(node, kind="stable")
    my_start = start[rank == comm.rank]
    columns[by_node] = np.repeat(my_start, my_counts) + _numbers_within(my_counts)
    return columns, int(sizes.sum())


def _numbers_within(counts: np.ndarray) -> np.ndarray:
    """Return 0, 1, ... in each of consecutive groups of these sizes."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


class ColumnExchange:
    """Brings rows of this rank's segments to the ranks that write their columns.

    The constructor and ``bring`` are collective.

    Parameters
    ----------
    comm
        The ranks.
    columns : ndarray
        (segments,) the column of each of this rank's segments, of ``total``.
    total : int
        Number of columns of the file.
    writers : int
        How many ranks write, from rank 0 on.
    rows : int
        Most rows at a time.
    dtype
        Type of the values.

    Attributes
    ----------
    lo, hi : int
        The columns that this rank writes.
    """

    def __init__(self, comm, columns: np.ndarray, total: int, writers: int, rows: int, dtype):
        self._comm = comm
        edges = np.minimum(np.arange(comm.size + 1), writers) * total // writers
        self.lo = int(edges[comm.rank])
        self.hi = int(edges[comm.rank + 1])
        self._order = np.argsort(columns)
        target = np.searchsorted(edges, columns[self._order], side="right") - 1
        self._sends = np.bincount(target, minlength=comm.size)
        self._receives = np.empty_like(self._sends)
        comm.Alltoall(self._sends, self._receives)
        arriving = np.empty(self.hi - self.lo, dtype=np.int64)
        comm.Alltoallv([columns[self._order], self._sends], [arriving, self._receives])
        self._place = arriving - self.lo
        self._out = np.empty(columns.size * rows, dtype)
        self._in = np.empty(arriving.size * rows, dtype)
        self._share = np.empty((rows, arriving.size), dtype)

    def bring(self, rows: np.ndarray) -> np.ndarray:
        """Send rows (n, segments) of each rank; return (n, columns lo to hi) of all ranks."""
        n = len(rows)
        most = len(self._share)
        out = self._out[: self._out.size // most * n]
        arriving = self._in[: self._in.size // most * n]
        np.take(rows.T, self._order, axis=0, out=out.reshape(-1, n), mode="clip")
        self._comm.Alltoallv([out, self._sends * n], [arriving, self._receives * n])
        self._share[:n, self._place] = arriving.reshape(-1, n).T
        return self._share[:n]
