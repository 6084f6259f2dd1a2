"""NEURON's own state cell by cell, by BBSaveState, so that a cell may lie on any rank after a
restart.

BBSaveState ends the process where it finds a cell that it cannot hold, so `without_gid` asks
before. Its functions in C++
are called by their names in the library: its buffers may then lie on any rank.
"""

from __future__ import annotations

import ctypes
import math

from ecsmpi.cells import saved_cell
from ecsmpi.cells.inventory import artificial_cells, context, known_gids, objects, random_counts
from ecsmpi.cells.saved_cell import Mechanisms, SavedCell
from ecsmpi.cells.saved_state import Malformed
from ecsmpi.cells.state_check import check_place, check_times
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.range_variable import neurons_function_when_called
from ecsmpi.neuron_api.rxd_names import species

# bytes by which a cell's name, PythonObject[9], may be longer when it is written than when it was
# counted
NAME_GROWS = 64
MOST_GID = 10_000_000  # BBSaveState takes gids modulo this
ROUND_OFF = 1e-6  # ms, of a time that NEURON takes a delay from
HAS_SOURCE = 2  # what gid_exists says where a gid has a source of spikes, and not only a rank
_int, _pointer, _text = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
_buffer_counts = neurons_function_when_called(
    "_Z18bbss_buffer_countsPiPS_S0_S_", _pointer, *[_pointer] * 4
)
_save = neurons_function_when_called("_Z9bbss_savePviPci", None, _pointer, _int, _text, _int)
_save_done = neurons_function_when_called("_Z14bbss_save_donePv", None, _pointer)
_restore_global = neurons_function_when_called(
    "_Z19bbss_restore_globalPvPci", None, _pointer, _text, _int
)
_restore = neurons_function_when_called(
    "_Z12bbss_restorePviiPci", None, _pointer, _int, _int, _text, _int
)
_restore_done = neurons_function_when_called("_Z17bbss_restore_donePv", None, _pointer)
_free_memory = ctypes.CDLL(None).free
_free_memory.argtypes = [_pointer]


def without_gid(passed_over: str) -> str | None:
    """Why this rank's cells cannot be saved one by one, or None where they can. passed_over: a
    section that is no cell's. Local.
    """
    gids = known_gids()
    if any(gid >= MOST_GID for gid in gids):
        return f"gids must be below {MOST_GID}, got {max(gids)}"
    cells = {cell for gid in gids if (cell := context().gid2obj(gid)) is not None}
    for sec in n.allsec():
        if sec.name() != passed_over and (sec.cell() is None or sec.cell() not in cells):
            return f"{sec.name()} belongs to no cell object with a gid"
        if sec.has_membrane("extracellular"):
            return f"{sec.name()} has the mechanism extracellular"
    return (
        _loose_artificial_cell(cells) or _loose_connection() or _loose_random() or _inside_cells()
    )


def _loose_artificial_cell(cells) -> str | None:
    return next(
        (
            f"a {one.hname().split('[')[0]} has no gid"
            for one in artificial_cells()
            if one not in cells
        ),
        None,
    )


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


class Restoring:
    """Brings this rank's cells to the states of `of_gids`: ``begin``, then ``check``, then ``set``
    or ``give_up``. After finitialize.

    ``check`` stands between what comes from a disk and NEURON, which looks at none of its bytes.
    """

    def __init__(self, t: float):
        """t: ms, of the states."""
        self._t = t

    def begin(self) -> None:
        """NEURON forgets what waits, and its time is that of the states. Collective."""
        time = (ctypes.c_double * 1)(self._t)
        _restore_global(None, ctypes.cast(time, _text), ctypes.sizeof(time))
        (self._count, self._state), self._gids, self._sizes = _counts()

    def check(self, cells: dict[int, bytes], earliest: float) -> None:
        """Raise Malformed, naming the gid, unless NEURON may read the states. earliest: ms, before
        which nothing waits. Local.
        """
        known = Mechanisms(random_counts())
        for i in range(self._count):
            gid, has_source = self._gids[i], context().gid_exists(self._gids[i]) >= HAS_SOURCE
            written = self._written(i)
            known = _learnt(written, gid, has_source, known)
            own = saved_cell.read(written, gid, has_source, known)
            try:
                _check_cell(
                    saved_cell.read(cells[gid], gid, has_source, known), own, self._t, earliest
                )
            except saved_cell.Unknown:
                raise Malformed(
                    f"the cell with gid {gid} has mechanisms that the script's cell has not"
                ) from None
            except Malformed as error:
                raise Malformed(f"the cell with gid {gid}: {error}") from None

    def set(self, cells: dict[int, bytes]) -> None:
        """Let NEURON read the states. Collective."""
        for i in range(self._count):
            data = cells[self._gids[i]]
            _restore(
                self._state,
                self._gids[i],
                1,
                ctypes.create_string_buffer(data, len(data)),
                len(data),
            )
        _free(self._gids, self._sizes)
        _restore_done(self._state)

    def give_up(self) -> None:
        """Leave the cells as they are: NEURON holds one such state at a time. Local."""
        _free(self._gids, self._sizes)
        _save_done(self._state)

    def _written(self, i: int) -> bytes:
        size = self._sizes[i] + NAME_GROWS
        buffer = ctypes.create_string_buffer(size)
        _save(self._state, self._gids[i], buffer, size)
        return buffer.raw


def _learnt(written: bytes, gid: int, has_source: bool, known: Mechanisms) -> Mechanisms:
    try:
        return saved_cell.learn(written, gid, has_source, known)
    except Malformed as error:
        raise ValueError(
            f"a checkpoint's cells cannot be compared with the script's cell of gid {gid}, which {error}: restart on the same ranks, "
            "with the same cells on each"
        ) from error


def _check_cell(found: SavedCell, own: SavedCell, t: float, earliest: float) -> None:
    if found.sections != own.sections:
        raise Malformed("its sections and mechanisms are not those that the script makes")
    if found.threshold != own.threshold:
        raise Malformed("its source of spikes is not the one that the script makes")
    check_times(found.times, earliest)
    check_times(found.sent, -math.inf)
    if any(time > t + ROUND_OFF for time in found.sent):
        raise Malformed(f"a spike was sent at t = {max(found.sent):g} ms, after the checkpoint")
    for kind, place in found.places:
        check_place(place, kind, "a mechanism")


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
