"""Reads frames of a recording in parts from the files of the ranks.

HDF5 would do so itself, but opens the parts in its own way: with locks, and not at all where this
process writes them.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import numpy as np

from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.parts import PartSource


def read_parts(path: Path, sources: list[PartSource], shape: tuple, dtype, where) -> np.ndarray:
    """Return values of a virtual dataset; NaN where no part has any.

    Parameters
    ----------
    path : Path
        The main file.
    sources : list of PartSource
        The datasets in parts.
    shape : tuple
        Shape of the virtual dataset: (frames, nz, ny, nx).
    dtype
        Type of the values.
    where
        Index of the virtual dataset: numbers, and slices of step 1.
    """
    where = where if isinstance(where, tuple) else (where,)
    index = [*where, *[slice(None)] * (4 - len(where))]
    spans = [_span(one, count) for one, count in zip(index, shape)]
    found = np.full([stop - start for start, stop in spans], np.nan, dtype)
    (t0, t1), (k0, k1), (j0, j1), (i0, i1) = spans
    with ExitStack() as files:
        for one in sources:
            first = max(t0, one.first)
            end = t1 if one.frames is None else min(t1, one.end)
            lo = max(i0, one.lo)
            hi = min(i1, one.hi)
            if first >= end or lo >= hi:
                continue
            file = files.enter_context(open_hdf5(path.with_name(one.file), "r"))
            data = file[one.dataset]
            times = slice(first - one.first, end - one.first)
            values = data[times, k0:k1, j0:j1, lo - one.lo : hi - one.lo]
            begin = first - t0
            found[begin : begin + len(values), :, :, lo - i0 : hi - i0] = values
    without_numbers = tuple(slice(None) if isinstance(one, slice) else 0 for one in index)
    return found[without_numbers]


def _span(index, count: int) -> tuple[int, int]:
    """Return [start, stop) of an index along an axis of length ``count``."""
    if not isinstance(index, slice):
        return index, index + 1
    start, stop, _ = index.indices(count)
    return start, max(start, stop)
