"""NEURON's mechanisms: names, types, the ions they use and their random streams. Local."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Iterable, Iterator
from typing import Any

from ecsmpi.neuron_api import library, nmodl, symbols
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.sections import model_sections

# NEURON loses about 100 bytes for each of its objects that Python makes: these are made once.
_list = functools.cache(n.List)
_reference = functools.cache(n.ref)

FIRST_OWN_POINTER = 2  # a point process keeps pointers to its node and itself before its own


@functools.cache
def _kinds_once(is_point: int, _mechanism_count: int) -> Any:
    return n.MechanismType(is_point)


def _kinds(is_point: int) -> Any:
    """NEURON's list of distributed mechanisms or of point processes; new when some are loaded."""
    count = library.variable(symbols.MECHANISM_COUNT, ctypes.c_int).value
    return _kinds_once(is_point, count)


def _names(kinds: Any) -> list[str]:
    name = _reference("")
    found = []
    for i in range(int(kinds.count())):
        kinds.select(i)
        kinds.selected(name)
        found.append(name[0])
    return found


def _types(kinds: Any) -> dict[str, int]:
    found = {}
    for i, name in enumerate(_names(kinds)):
        kinds.select(i)
        found[name] = int(kinds.internal_type())
    return found


def names() -> list[str]:
    """NEURON's mechanisms in the order they were loaded, which saved states refer to.

    The order is the same on every rank.
    """
    return _names(_kinds(0)) + _names(_kinds(1))


def point_process_names() -> list[str]:
    """The types of point processes, in the order they were loaded."""
    return _names(_kinds(1))


def distributed_types() -> dict[str, int]:
    """NEURON's number of each distributed mechanism, by name; ions among them, as ``k_ion``."""
    return _types(_kinds(0))


def point_types() -> dict[str, int]:
    """NEURON's number of each type of point process, by name."""
    return _types(_kinds(1))


def places_of_pointers(mechanism: int) -> range:
    """Numbers under which a point process of this type keeps pointers of its own."""
    sizes = library.variable(symbols.POINTER_COUNTS, ctypes.POINTER(ctypes.c_int))
    return range(FIRST_OWN_POINTER, sizes[mechanism])


def objects(template: str) -> list:
    """All objects of a template, such as ``NetCon``, on this rank."""
    found = _list(template)
    return [found.o(i) for i in range(int(found.count()))]


def artificial_cells() -> list:
    """All objects of point processes that are cells by themselves, such as NetStims."""
    kinds = _kinds(1)
    found = []
    for i, name in enumerate(_names(kinds)):
        if kinds.is_artificial(i):
            found += objects(name)
    return found


# random streams


def random_streams() -> Iterator[Any]:
    """The random streams of this rank's mechanisms, declared RANDOM in them."""
    for is_point in (0, 1):
        for name, variables in _random_variables(is_point):
            for one in _instances(name, is_point):
                for variable in variables:
                    yield getattr(one, variable)


def random_counts() -> dict[int, int]:
    """How many random streams each instance has, by NEURON's number of mechanisms that have any."""
    found = {}
    for is_point in (0, 1):
        types = _types(_kinds(is_point))
        for name, variables in _random_variables(is_point):
            found[types[name]] = len(variables)
    return found


def _random_variables(is_point: int) -> list[tuple[str, list[str]]]:
    kinds = _kinds(is_point)
    found = []
    for i, name in enumerate(_names(kinds)):
        kinds.select(i)
        variables = nmodl.random_variables(kinds.code())
        if variables:
            found.append((name, variables))
    return found


def _instances(name: str, is_point: int) -> Iterator[Any]:
    """All instances of a mechanism on this rank."""
    if is_point:
        yield from objects(name)
        return
    for sec in n.allsec():
        if sec.has_membrane(name):
            for seg in sec:
                yield getattr(seg, name)


# ions


def ions_in_use(among: Iterable[str]) -> set[str]:
    """The ions among some names that a mechanism of this rank's segments uses."""
    wanted = set(among)
    found: set[str] = set()
    for is_point, mechanism in _every_mechanism():
        named = _used_ions(is_point, mechanism) & wanted
        if not named <= found and _section_with(is_point, mechanism) is not None:
            found |= named
    return found


def known_ions() -> set[str]:
    """The ions that some loaded mechanism can use, in use or not."""
    found: set[str] = set()
    for is_point, mechanism in _every_mechanism():
        found |= _used_ions(is_point, mechanism)
    return found


def writers_outside(names: Iterable[str]) -> Iterator[tuple[str, str, Any]]:
    """(mechanism, ion, a section with it) of mechanisms in use that write an ion's outside."""
    wanted = set(names)
    for is_point, mechanism in _every_mechanism():
        written = _written(is_point, mechanism)
        for name in written.keys() & wanted:
            if f"{name}o" not in written[name]:
                continue
            section = _section_with(is_point, mechanism)
            if section is not None:
                yield mechanism, name, section


def _every_mechanism() -> Iterator[tuple[bool, str]]:
    """(is it a point process, name) of all mechanisms that NEURON knows."""
    for is_point in (False, True):
        for name in _names(_kinds(int(is_point))):
            yield is_point, name


@functools.cache
def _used_ions(is_point: bool, mechanism: str) -> frozenset[str]:
    return frozenset(nmodl.used_ions(_code(is_point, mechanism)))


@functools.cache
def _written(is_point: bool, mechanism: str) -> dict[str, set[str]]:
    """{ion: names of its variables} that the mechanism writes."""
    return nmodl.written_by_ion(_code(is_point, mechanism))


def _code(is_point: bool, mechanism: str) -> str:
    kinds = n.MechanismType(int(is_point))
    kinds.select(mechanism)
    return kinds.code()


def _section_with(is_point: bool, mechanism: str) -> Any:
    """The first section of this rank that has the mechanism, or None."""
    if not is_point:
        return next((sec for sec in model_sections() if sec.has_membrane(mechanism)), None)
    for one in objects(mechanism):
        segment = one.get_segment()
        if segment is not None:
            return segment.sec
    return None
