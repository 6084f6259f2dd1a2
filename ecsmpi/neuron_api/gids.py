"""The gids of this rank's cells."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

from ecsmpi.neuron_api import library, symbols
from ecsmpi.neuron_api.interpreter import hoc, n

_CALLED_WITH_GID = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)
_for_each_gid = library.function_when_called(symbols.ITERATE_GIDS, None, _CALLED_WITH_GID)
_release = library.function_when_called(symbols.RELEASE_OBJECT, None, ctypes.c_void_p)

# NEURON loses about 100 bytes for each ParallelContext that Python makes: this one is made once.
context = functools.cache(n.ParallelContext)


def known_gids() -> list[int]:
    """The gids of this rank's cells, ascending. Local."""
    found = []
    _for_each_gid(_CALLED_WITH_GID(lambda gid, cell: found.append((gid, cell))))
    for gid, cell in found:
        # NEURON has made an object of its own for a cell that is a Python object.
        if cell and not isinstance(context().gid2obj(gid), hoc.HocObject):
            _release(cell)
    return sorted(gid for gid, _ in found)


def gid_of_cells() -> dict[Any, int]:
    """{cell object: its least gid} of this rank's cells. Local."""
    found: dict[Any, int] = {}
    for gid in known_gids():
        cell = context().gid2obj(gid)
        if cell is not None:
            found.setdefault(cell, gid)
    return found
