"""NEURON's own state as bytes: voltages, mechanisms' states, weights, and the events that are still to come.

    of_rank(), set_rank(data)          all of this rank's cells, by SaveState: the same bits, the same cells on the rank
    of_gids(), set_gids(cells, t)      cell by cell, by BBSaveState: wherever a cell lies after the restart

BBSaveState ends the process where it finds a cell that it cannot hold, so `without_gid` asks before. Parameters, and
what the mechanisms keep outside of STATE (see SaveState in NEURON's manual), are as the script sets them.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json
import os
import re

import neuron
from neuron import n
from neuron.rxd import species

from ecsmpi.cells.nmodl import random_variables

NAME_GROWS = 64  # bytes by which a cell's name, PythonObject[9], may be longer when it is written than when it was counted
MOST_GID = 10_000_000  # BBSaveState takes gids modulo this
GIDS_WITH = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)
_int, _pointer, _text = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p
FUNCTIONS = {  # C++ names of NEURON's library: (result, arguments)
    "_Z13hoc_obj_unrefP6Object": (None, [_pointer]),
    "_Z15nrn_gidout_iterPFviP6ObjectE": (None, [GIDS_WITH]),
    "_Z18nrn_spike_exchangeP9NrnThread": (None, [_pointer]),
    "_Z18bbss_buffer_countsPiPS_S0_S_": (_pointer, [_pointer] * 4),
    "_Z9bbss_savePviPci": (None, [_pointer, _int, _text, _int]),
    "_Z14bbss_save_donePv": (None, [_pointer]),
    "_Z19bbss_restore_globalPvPci": (None, [_pointer, _text, _int]),
    "_Z12bbss_restorePviiPci": (None, [_pointer, _int, _int, _text, _int]),
    "_Z17bbss_restore_donePv": (None, [_pointer]),
}


@functools.cache
def _library() -> dict:
    """NEURON's functions by their plain names."""
    found = {}
    for mangled, (result, arguments) in FUNCTIONS.items():
        function = neuron.nrn_dll_sym(mangled)
        function.restype, function.argtypes = result, arguments
        found[next(name for name in NAMES if name in mangled)] = function
    return found


NAMES = ("obj_unref", "gidout_iter", "spike_exchange", "buffer_counts", "bbss_save_done", "bbss_save", "restore_global",
         "restore_done", "bbss_restore")  # fmt: skip


# what there is


# NEURON loses about 100 bytes for each of its objects that Python makes, and more in `psection`: these are made once.
_context = functools.cache(n.ParallelContext)
_save_state = functools.cache(n.SaveState)
_list = functools.cache(n.List)
_reference = functools.cache(n.ref)


@functools.cache
def _kinds(is_point: int, _known: int):
    return n.MechanismType(is_point)


def _kind(is_point: int):
    """NEURON's list of distributed mechanisms or of point processes; those loaded meanwhile make it another."""
    return _kinds(is_point, ctypes.c_int.in_dll(neuron.nrn_dll(), "n_memb_func").value)


def mechanisms() -> list[str]:
    """NEURON's mechanisms in the order they were loaded, which saved states refer to; the same on every rank."""
    return _distributed_mechanisms() + _point_mechanisms()


def _distributed_mechanisms() -> list[str]:
    return _names(_kind(0))


def _point_mechanisms() -> list[str]:
    return _names(_kind(1))


def _names(kind) -> list[str]:
    name, found = _reference(""), []
    for i in range(int(kind.count())):
        kind.select(i)
        kind.selected(name)
        found.append(name[0])
    return found


def _all(name: str) -> list:
    """All objects of a template."""
    return [_list(name).o(i) for i in range(int(_list(name).count()))]


def fingerprint(passed_over: str) -> str:
    """Digest of this rank's sections, mechanisms and connections, "" without any. passed_over: a section that alone is none."""
    placed = [(name, len(_all(name))) for name in [*_point_mechanisms(), "NetCon", "Random"]]
    if not any(count for _, count in placed) and all(sec.name() == passed_over for sec in n.allsec()):
        return ""
    return hashlib.sha256(json.dumps([[_section(sec) for sec in n.allsec()], placed]).encode()).hexdigest()


def _section(sec) -> list:
    """A section as it must be again; without the name, which holds addresses where the cell is a Python object."""
    return [sec.name().rpartition(".")[2], sec.nseg, sec.L, sorted(mechanism.name() for mechanism in sec(0.5))]


# a rank's cells


def of_rank() -> bytes:
    """The state of all cells of this rank. Local, between steps, after `exchange_spikes`."""
    memory, file = _memory()
    _save_state().save()
    _save_state().fwrite(file)
    memory.seek(0)
    data = memory.read()
    memory.truncate(0)
    if b"\nPythonObject\n" in data:
        raise ValueError(
            "a Python function waits in NEURON's queue for its time (cvode.event), which no checkpoint can hold: "
            "use a statement of hoc in its place, or a NetStim and a NetCon"
        )
    return data


def has_statements(data: bytes) -> bool:
    """Whether statements of hoc wait in the queue of a state of `of_rank`, by cvode.event."""
    return _STATEMENT.search(data) is not None


_STATEMENT = re.compile(rb"5\n1 [01]\n")  # SaveState's number for such an event, has it a statement, has it an object


def set_rank(data: bytes) -> None:
    """Bring this rank's cells, and NEURON's time, to a state of `of_rank`. Local, after finitialize."""
    memory, file = _memory()
    memory.seek(0)
    memory.write(data)
    memory.flush()
    _save_state().fread(file)
    memory.truncate(0)
    _save_state().restore()


@functools.cache
def _memory():
    """An empty file that is memory, for what NEURON writes, as it does not look whether a disk took it; and NEURON's name for it."""
    memory = os.fdopen(os.memfd_create("ecsmpi"), "r+b")
    return memory, n.File(f"/proc/self/fd/{memory.fileno()}")


def exchange_spikes() -> None:
    """Hand over the spikes that wait for NEURON's next exchange. Collective."""
    if _context().nhost() > 1:
        threads = ctypes.c_void_p.in_dll(neuron.nrn_dll(), "nrn_threads")
        _library()["spike_exchange"](threads)


def random_places() -> list[float]:
    """Where this rank's random streams are, which SaveState leaves out: Random objects, RANDOM of mechanisms. Local."""
    return [float(one.seq()) for one in _all("Random")] + [float(one.get_seq()) for one in _streams()]


def set_random_places(places: list[float]) -> None:
    """Bring them there. Local."""
    objects = _all("Random")
    for one, place in zip(objects, places):
        one.seq(place)
    for one, place in zip(_streams(), places[len(objects) :], strict=True):
        one.set_seq(place)


def _streams():
    """The random streams of this rank's mechanisms, declared RANDOM in them."""
    for is_point in (0, 1):
        for name, variables in _random_variables(is_point):
            for one in _placed(name, is_point):
                yield from (getattr(one, variable) for variable in variables)


def _random_variables(is_point: int) -> list[tuple[str, list[str]]]:
    kind, found = _kind(is_point), []
    for i, name in enumerate(_names(kind)):
        kind.select(i)
        if variables := random_variables(kind.code()):
            found.append((name, variables))
    return found


def _placed(name: str, is_point: int):
    """All of a mechanism on this rank."""
    if is_point:
        yield from _all(name)
    else:
        yield from (getattr(seg, name) for sec in n.allsec() if sec.has_membrane(name) for seg in sec)


# cell by cell


def without_gid(passed_over: str) -> str | None:
    """Why this rank's cells cannot be saved one by one, or None where they can. Local."""
    gids = known_gids()
    if any(gid >= MOST_GID for gid in gids):
        return f"gids must be below {MOST_GID}, got {max(gids)}"
    context = _context()
    cells = {context.gid2obj(gid) for gid in gids if context.gid2obj(gid) is not None}
    for sec in n.allsec():
        if sec.name() != passed_over and (sec.cell() is None or sec.cell() not in cells):
            return f"{sec.name()} belongs to no cell object with a gid"
        if sec.has_membrane("extracellular"):
            return f"{sec.name()} has the mechanism extracellular"
    return _loose_artificial_cell(cells) or _loose_connection() or _loose_random() or _inside_cells()


def known_gids() -> list[int]:
    """The gids of this rank's cells. Local."""
    found, context = [], _context()
    _library()["gidout_iter"](GIDS_WITH(lambda gid, cell: found.append((gid, cell))))
    for gid, cell in found:
        if cell and not isinstance(context.gid2obj(gid), type(n)):  # NEURON has made an object for a cell of Python's
            _library()["obj_unref"](cell)
    return sorted(gid for gid, _ in found)


def _loose_artificial_cell(cells) -> str | None:
    for i, name in enumerate(_point_mechanisms()):
        if _kind(1).is_artificial(i) and any(one not in cells for one in _all(name)):
            return f"a {name} has no gid"
    return None


def _loose_connection() -> str | None:
    for one in _all("NetCon"):
        if one.srcgid() < 0 and (one.pre() is not None or one.preseg() is not None):
            return f"the source of {one.hname()} has no gid"
    return None


def _loose_random() -> str | None:
    return "there are Random objects" if _all("Random") else None


def _inside_cells() -> str | None:
    inside = [one for reference in species._all_species if (one := reference()) is not None]
    return f"neuron.rxd has {inside[0]} inside cells" if inside else None


def of_gids() -> dict[int, bytes]:
    """The states of this rank's cells by gid. Collective, between steps, after `exchange_spikes`."""
    ours, (count, gids, sizes) = _library(), _counts()
    state = count[1]
    found = {}
    for i in range(count[0]):
        size = sizes[i] + NAME_GROWS
        buffer = ctypes.create_string_buffer(size)
        ours["bbss_save"](state, gids[i], buffer, size)
        found[gids[i]] = buffer.raw
    _free(gids, sizes)
    ours["bbss_save_done"](state)
    return found


def set_gids(cells: dict[int, bytes], t: float) -> None:
    """Bring this rank's cells to the states of `of_gids` at t (ms). Collective, after finitialize."""
    ours = _library()
    time = (ctypes.c_double * 1)(t)
    ours["restore_global"](None, ctypes.cast(time, _text), ctypes.sizeof(time))
    (count, state), gids, sizes = _counts()
    for i in range(count):
        data = cells[gids[i]]
        ours["bbss_restore"](state, gids[i], 1, ctypes.create_string_buffer(data, len(data)), len(data))
    _free(gids, sizes)
    ours["restore_done"](state)


def _counts():
    """((number of cells, BBSaveState's handle), gids, sizes). Collective."""
    count, total = ctypes.c_int(), ctypes.c_int()
    gids, sizes = ctypes.POINTER(ctypes.c_int)(), ctypes.POINTER(ctypes.c_int)()
    state = _library()["buffer_counts"](*map(ctypes.byref, (count, gids, sizes, total)))
    return (count.value, state), gids, sizes


def _free(*arrays) -> None:
    for array in arrays:
        if array:
            _free_memory(array)


_free_memory = ctypes.CDLL(None).free
_free_memory.argtypes = [ctypes.c_void_p]
