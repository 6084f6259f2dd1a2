"""NEURON's own state cell by cell, by BBSaveState, so that a cell may lie on any rank after a restart.

BBSaveState ends the process where it finds a cell that it cannot hold, so `without_gid` asks before. Its functions in C++
are called by their names in the library: its buffers may then lie on any rank.
"""

from __future__ import annotations

import ctypes

from neuron import n
from neuron.rxd import species

from ecsmpi.cells.inventory import artificial_cells, context, known_gids, objects
from ecsmpi.cells.range_variable import neurons_function_when_called

NAME_GROWS = 64  # bytes by which a cell's name, PythonObject[9], may be longer when it is written than when it was counted
MOST_GID = 10_000_000  # BBSaveState takes gids modulo this
_int, _pointer, _text = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
_buffer_counts = neurons_function_when_called("_Z18bbss_buffer_countsPiPS_S0_S_", _pointer, *[_pointer] * 4)
_save = neurons_function_when_called("_Z9bbss_savePviPci", None, _pointer, _int, _text, _int)
_save_done = neurons_function_when_called("_Z14bbss_save_donePv", None, _pointer)
_restore_global = neurons_function_when_called("_Z19bbss_restore_globalPvPci", None, _pointer, _text, _int)
_restore = neurons_function_when_called("_Z12bbss_restorePviiPci", None, _pointer, _int, _int, _text, _int)
_restore_done = neurons_function_when_called("_Z17bbss_restore_donePv", None, _pointer)
_free_memory = ctypes.CDLL(None).free
_free_memory.argtypes = [_pointer]


def without_gid(passed_over: str) -> str | None:
    """Why this rank's cells cannot be saved one by one, or None where they can. passed_over: a section that is no cell's. Local."""
    gids = known_gids()
    if any(gid >= MOST_GID for gid in gids):
        return f"gids must be below {MOST_GID}, got {max(gids)}"
    cells = {cell for gid in gids if (cell := context().gid2obj(gid)) is not None}
    for sec in n.allsec():
        if sec.name() != passed_over and (sec.cell() is None or sec.cell() not in cells):
            return f"{sec.name()} belongs to no cell object with a gid"
        if sec.has_membrane("extracellular"):
            return f"{sec.name()} has the mechanism extracellular"
    return _loose_artificial_cell(cells) or _loose_connection() or _loose_random() or _inside_cells()


def _loose_artificial_cell(cells) -> str | None:
    return next((f"a {one.hname().split('[')[0]} has no gid" for one in artificial_cells() if one not in cells), None)


def _loose_connection() -> str | None:
    for one in objects("NetCon"):
        if one.srcgid() < 0 and (one.pre() is not None or one.preseg() is not None):
            return f"the source of {one.hname()} has no gid"
    return None


def _loose_random() -> str | None:
    return "there are Random objects" if objects("Random") else None


def _inside_cells() -> str | None:
    inside = [one for reference in species._all_species if (one := reference()) is not None]
    return f"neuron.rxd has {inside[0]} inside cells" if inside else None


def of_gids() -> dict[int, bytes]:
    """The states of this rank's cells by gid. Collective, between steps, after `exchange_spikes`."""
    (count, state), gids, sizes = _counts()
    found = {}
    for i in range(count):
        size = sizes[i] + NAME_GROWS
        buffer = ctypes.create_string_buffer(size)
        _save(state, gids[i], buffer, size)
        found[gids[i]] = buffer.raw
    _free(gids, sizes)
    _save_done(state)
    return found


def set_gids(cells: dict[int, bytes], t: float) -> None:
    """Bring this rank's cells to the states of `of_gids` at t (ms). Collective, after finitialize."""
    time = (ctypes.c_double * 1)(t)
    _restore_global(None, ctypes.cast(time, _text), ctypes.sizeof(time))
    (count, state), gids, sizes = _counts()
    for i in range(count):
        data = cells[gids[i]]
        _restore(state, gids[i], 1, ctypes.create_string_buffer(data, len(data)), len(data))
    _free(gids, sizes)
    _restore_done(state)


def _counts():
    """((number of cells, BBSaveState's handle), gids, sizes). Collective."""
    count, total = ctypes.c_int(), ctypes.c_int()
    gids, sizes = ctypes.POINTER(ctypes.c_int)(), ctypes.POINTER(ctypes.c_int)()
    state = _buffer_counts(*map(ctypes.byref, (count, gids, sizes, total)))
    return (count.value, state), gids, sizes


def _free(*arrays) -> None:
    for array in arrays:
        if array:
            _free_memory(array)
