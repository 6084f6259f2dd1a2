"""Frames of a recording in parts, put together from the files beside it.

HDF5 would do so itself, but opens the parts as it likes: with locks, and not at all where this
process writes them.
"""

from __future__ import annotations

from contextlib import ExitStack

import numpy as np

from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.parts import Source


def read_parts(path, sources: list[Source], shape, dtype, where) -> np.ndarray:
    """Values of a virtual dataset; NaN where no part has any.

    path: of the main file. shape: (frames, nz, ny, nx). where: an index of it, of numbers and
    slices of step 1.
    """
    where = where if isinstance(where, tuple) else (where,)
    full = [*where, *[slice(None)] * (4 - len(where))]
    spans = [_span(one, count) for one, count in zip(full, shape)]
    found = np.full([stop - start for start, stop in spans], np.nan, dtype)
    (t0, t1), (k0, k1), (j0, j1), (i0, i1) = spans
    with ExitStack() as files:
        for one in sources:
            end = t1 if one.frames is None else min(t1, one.end)
            first, lo, hi = max(t0, one.first), max(i0, one.lo), min(i1, one.hi)
            if first >= end or lo >= hi:
                continue
            file = files.enter_context(open_hdf5(path.with_name(one.file), "r"))
            there = file[one.dataset][
                first - one.first : end - one.first, k0:k1, j0:j1, lo - one.lo : hi - one.lo
            ]
            found[first - t0 : first - t0 + len(there), :, :, lo - i0 : hi - i0] = there
    return found[tuple(slice(None) if isinstance(one, slice) else 0 for one in full)]


def _span(one, count: int) -> tuple[int, int]:
    """The first and the last but one of an index along an axis."""
    if not isinstance(one, slice):
        return one, one + 1
    start, stop, _ = one.indices(count)
    return start, max(start, stop)
