"""NEURON's own state cell by cell, so that a cell may lie on any rank after a restart.

NEURON's BBSaveState makes it. BBSaveState ends the process where it finds a cell that it cannot
hold, so `without_gid` asks before. Its functions in C++ are called directly, with buffers in
memory: from hoc it can only write files.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Collection
from typing import Any

from ecsmpi.neuron_api import library, symbols
from ecsmpi.neuron_api.gids import context, known_gids
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.intracellular_species import living_species
from ecsmpi.neuron_api.mechanisms import artificial_cells, objects, random_counts
from ecsmpi.neuron_api.state import bbsavestate_format
from ecsmpi.neuron_api.state.bbsavestate_format import Mechanisms, SavedCell
from ecsmpi.neuron_api.state.savestate_check import check_place, check_times
from ecsmpi.neuron_api.state.savestate_format import Malformed

# bytes by which a cell's name, PythonObject[9], may be longer when it is written than when it was
# counted
NAME_GROWS = 64
MOST_GID = 10_000_000  # BBSaveState takes gids modulo this
ROUND_OFF = 1e-6  # ms, of a time that NEURON takes a delay from
HAS_SOURCE = 2  # gid_exists returns it where a gid has a source of spikes, and not only a rank

_int = ctypes.c_int
_pointer = ctypes.c_void_p
_text = ctypes.c_char_p
_buffer_counts = library.function_when_called(
    symbols.SAVE_COUNTS, _pointer, _pointer, _pointer, _pointer, _pointer
)
_save = library.function_when_called(symbols.SAVE_CELL, None, _pointer, _int, _text, _int)
_save_done = library.function_when_called(symbols.SAVE_DONE, None, _pointer)
_restore_time = library.function_when_called(symbols.RESTORE_TIME, None, _pointer, _text, _int)
_restore = library.function_when_called(
    symbols.RESTORE_CELL, None, _pointer, _int, _int, _text, _int
)
_restore_done = library.function_when_called(symbols.RESTORE_DONE, None, _pointer)
_free_memory = ctypes.CDLL(None).free
_free_memory.argtypes = [_pointer]


def without_gid(recorder: str) -> str | None:
    """Why this rank's cells cannot be saved one by one; None where they can. Local.

    recorder: name of the section that only lets a rank record; it belongs to no cell.
    """
    gids = known_gids()
    if any(gid >= MOST_GID for gid in gids):
        return f"gids must be below {MOST_GID}, got {max(gids)}"
    cells = {cell for gid in gids if (cell := context().gid2obj(gid)) is not None}
    for sec in n.allsec():
        if sec.name() != recorder and (sec.cell() is None or sec.cell() not in cells):
            return f"{sec.name()} belongs to no cell object with a gid"
        if sec.has_membrane("extracellular"):
            return f"{sec.name()} has the mechanism extracellular"
    return (
        _loose_artificial_cell(cells) or _loose_connection() or _loose_random() or _inside_cells()
    )


def _loose_artificial_cell(cells: Collection[Any]) -> str | None:
    for one in artificial_cells():
        if one not in cells:
            return f"a {one.hname().split('[')[0]} has no gid"
    return None


def _loose_connection() -> str | None:
    for one in objects("NetCon"):
        if one.srcgid() < 0 and (one.pre() is not None or one.preseg() is not None):
            return f"the source of {one.hname()} has no gid"
    return None


def _loose_random() -> str | None:
    return "there are Random objects" if objects("Random") else None


def _inside_cells() -> str | None:
    inside = living_species()
    return f"neuron.rxd has {inside[0]} inside cells" if inside else None


class _Buffers:
    """BBSaveState's handle, and the gids and sizes of this rank's cells. Collective."""

    def __init__(self) -> None:
        count = ctypes.c_int()
        total = ctypes.c_int()
        self.gids = ctypes.POINTER(ctypes.c_int)()
        self._sizes = ctypes.POINTER(ctypes.c_int)()
        results = count, self.gids, self._sizes, total
        self.handle = _buffer_counts(*(ctypes.byref(result) for result in results))
        self.count = count.value

    def save(self, i: int) -> bytes:
        """The state of the cell with number i. Local."""
        size = self._sizes[i] + NAME_GROWS
        buffer = ctypes.create_string_buffer(size)
        _save(self.handle, self.gids[i], buffer, size)
        return buffer.raw

    def free(self) -> None:
        """Free the gids and sizes, which NEURON leaves to its caller. Local."""
        for array in (self.gids, self._sizes):
            if array:
                _free_memory(array)


def of_gids() -> dict[int, bytes]:
    """The states of this rank's cells, by gid.

    Collective, between steps, after `rank_state.exchange_spikes`.
    """
    buffers = _Buffers()
    found = {buffers.gids[i]: buffers.save(i) for i in range(buffers.count)}
    buffers.free()
    _save_done(buffers.handle)
    return found


class Restoring:
    """Sets this rank's cells to the states of `of_gids`, after finitialize.

    Call ``begin``, then ``check``, then ``set`` or ``give_up``. ``check`` stands between what comes
    from a disk and NEURON, which checks none of its bytes.
    """

    def __init__(self, t: float):
        """t: ms, of the states."""
        self._t = t

    def begin(self) -> None:
        """Let NEURON forget the events that wait, and set its time to t. Collective."""
        time = (ctypes.c_double * 1)(self._t)
        _restore_time(None, ctypes.cast(time, _text), ctypes.sizeof(time))
        self._buffers = _Buffers()

    def check(self, cells: dict[int, bytes], earliest: float) -> None:
        """Raise Malformed, naming the gid, unless NEURON may read the states. Local.

        earliest: ms, the first time at which an event may wait.
        """
        known = Mechanisms(random_counts())
        for i in range(self._buffers.count):
            gid = self._buffers.gids[i]
            has_source = context().gid_exists(gid) >= HAS_SOURCE
            written = self._buffers.save(i)
            known = _learnt(written, gid, has_source, known)
            own = bbsavestate_format.read(written, gid, has_source, known)
            try:
                found = bbsavestate_format.read(cells[gid], gid, has_source, known)
                _check_cell(found, own, self._t, earliest)
            except bbsavestate_format.Unknown:
                raise Malformed(
                    f"the cell with gid {gid} has mechanisms that the script's cell has not"
                ) from None
            except Malformed as error:
                raise Malformed(f"the cell with gid {gid}: {error}") from None

    def set(self, cells: dict[int, bytes]) -> None:
        """Let NEURON read the states. Collective."""
        handle = self._buffers.handle
        for i in range(self._buffers.count):
            gid = self._buffers.gids[i]
            data = cells[gid]
            buffer = ctypes.create_string_buffer(data, len(data))
            _restore(handle, gid, 1, buffer, len(data))
        self._buffers.free()
        _restore_done(handle)

    def give_up(self) -> None:
        """Leave the cells as they are: NEURON holds one such state at a time. Local."""
        self._buffers.free()
        _save_done(self._buffers.handle)


def _learnt(written: bytes, gid: int, has_source: bool, known: Mechanisms) -> Mechanisms:
    try:
        return bbsavestate_format.learn(written, gid, has_source, known)
    except Malformed as error:
        raise ValueError(
            f"a checkpoint's cells cannot be compared with the script's cell of gid {gid}, which "
            f"{error}: restart on the same ranks, with the same cells on each"
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
