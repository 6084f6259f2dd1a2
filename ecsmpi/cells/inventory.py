"""What of NEURON's there is on this rank: mechanisms, objects, random streams, gids; and a digest
of it. Local.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import json

from ecsmpi.cells.nmodl import random_variables
from ecsmpi.neuron_api.interpreter import hoc, n, neuron
from ecsmpi.neuron_api.range_variable import neurons_function_when_called

GIDS_WITH = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_void_p)
_for_each_gid = neurons_function_when_called("_Z15nrn_gidout_iterPFviP6ObjectE", None, GIDS_WITH)
_release = neurons_function_when_called("_Z13hoc_obj_unrefP6Object", None, ctypes.c_void_p)

# NEURON loses about 100 bytes for each of its objects that Python makes, and more in `psection`:
# these are made once.
context = functools.cache(n.ParallelContext)
_list = functools.cache(n.List)
_reference = functools.cache(n.ref)


@functools.cache
def _kinds(is_point: int, _known: int):
    return n.MechanismType(is_point)


def _kind(is_point: int):
    """NEURON's list of distributed mechanisms or of point processes; those loaded meanwhile make it
    another.
    """
    return _kinds(is_point, ctypes.c_int.in_dll(neuron.nrn_dll(), "n_memb_func").value)


def mechanisms() -> list[str]:
    """NEURON's mechanisms in the order they were loaded, which saved states refer to; the same on
    every rank.
    """
    return _names(_kind(0)) + _names(_kind(1))


def _names(kind) -> list[str]:
    name, found = _reference(""), []
    for i in range(int(kind.count())):
        kind.select(i)
        kind.selected(name)
        found.append(name[0])
    return found


def point_types() -> dict[str, int]:
    """NEURON's number of each type of point process, by name."""
    return _types(_kind(1))


def _types(kind) -> dict[str, int]:
    found = {}
    for i, name in enumerate(_names(kind)):
        kind.select(i)
        found[name] = int(kind.internal_type())
    return found


def places_of_pointers(mechanism: int) -> range:
    """Where a point process of this type keeps pointers of its own: numbers of NEURON's, which have
    its node and itself before.
    """
    sizes = ctypes.POINTER(ctypes.c_int).in_dll(neuron.nrn_dll(), "nrn_prop_dparam_size_")
    return range(2, sizes[mechanism])


def objects(template: str) -> list:
    """All objects of a template."""
    return [_list(template).o(i) for i in range(int(_list(template).count()))]


def artificial_cells() -> list:
    """All objects of point processes that are cells by themselves, as NetStim's."""
    return [
        one
        for i, name in enumerate(_names(_kind(1)))
        if _kind(1).is_artificial(i)
        for one in objects(name)
    ]


def fingerprint(passed_over: str) -> str:
    """Digest of this rank's sections, mechanisms and connections, "" without any. passed_over: a
    section that alone is none.
    """
    placed = [(name, len(objects(name))) for name in [*_names(_kind(1)), "NetCon", "Random"]]
    if not any(count for _, count in placed) and all(
        sec.name() == passed_over for sec in n.allsec()
    ):
        return ""
    return hashlib.sha256(
        json.dumps([[_section(sec) for sec in n.allsec()], placed]).encode()
    ).hexdigest()


def _section(sec) -> list:
    """A section as it must be again; without the name, which holds addresses where the cell is a
    Python object.
    """
    return [
        sec.name().rpartition(".")[2],
        sec.nseg,
        sec.L,
        sorted(mechanism.name() for mechanism in sec(0.5)),
    ]


def saving_modules() -> list[str]:
    """Names under which modules of Python save something along with SaveState
    (`neuron.register_savestate`).
    """
    return list(neuron._id_savestates)


def random_streams():
    """The random streams of this rank's mechanisms, declared RANDOM in them."""
    for is_point in (0, 1):
        for name, variables in _random_variables(is_point):
            for one in _placed(name, is_point):
                yield from (getattr(one, variable) for variable in variables)


def random_counts() -> dict[int, int]:
    """How many random streams each instance of a mechanism has, by NEURON's number of its type;
    those with any.
    """
    found = {}
    for is_point in (0, 1):
        streams = dict(_random_variables(is_point))
        types = _types(_kind(is_point))
        found |= {types[name]: len(variables) for name, variables in streams.items()}
    return found


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
        yield from objects(name)
    else:
        yield from (
            getattr(seg, name) for sec in n.allsec() if sec.has_membrane(name) for seg in sec
        )


def known_gids() -> list[int]:
    """The gids of this rank's cells."""
    found = []
    _for_each_gid(GIDS_WITH(lambda gid, cell: found.append((gid, cell))))
    for gid, cell in found:
        if cell and not isinstance(
            context().gid2obj(gid), hoc.HocObject
        ):  # NEURON has made an object for a cell of Python's
            _release(cell)
    return sorted(gid for gid, _ in found)
