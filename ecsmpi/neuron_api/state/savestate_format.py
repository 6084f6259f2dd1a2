"""NEURON's SaveState format, read without NEURON: text and numbers only.

NEURON's own reader trusts its file. Counts become sizes of arrays, numbers become places in memory,
lines go to buffers of fixed size, and statements of hoc that waited in the queue are executed when
their time comes. So a state that comes from a disk is read here first, and `savestate_check`
compares it with the state that the script itself has.

    SaveState binary file version 6.0           7.0: with what Python modules saved, at the end
    t
    sections, roots                             (nodes, is a root) of each
    of each section: its nodes, then the root   v, mechanisms, states; types of mechanisms, states
    kinds of artificial cells                   type, cells, values of each
    vectors that record or play                 type, number; and their positions
    NetCons                                     number, weights of each
    sources of spikes                           above threshold?, threshold, and two times
    events                                      times; then of each its type and its target
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

# types of events (netcon.h)
NULL = 0
NETCON = 2
SELF = 3
SOURCE = 4
HOC = 5
VECTOR = 6
EXCHANGE = 7

# types of vectors that write their positions (vrecitem.h), and how many numbers each writes
DISCRETE = 1
STEPS = 3
CONTINUOUS = 4
PLACES = {DISCRETE: 1, STEPS: 1, CONTINUOUS: 3}

TITLE = re.compile(rb"SaveState binary file version ([67])\.0")
NODE = np.dtype([("v", "f8"), ("mechanisms", "i4"), ("states", "i4")])
SOURCE_BYTES = 32
LONGEST_LINE = 198  # bytes; NEURON's buffers take 200 with the end
LONGEST_STATEMENT = 254  # bytes; of 256
PYTHON = "PythonObject"  # stands for a statement where a Python function waits
EXTRACELLULAR = "ecsmpi-extracellular-1"  # name under which SaveState keeps the extracellular space

_WHOLE = re.compile(rb"-?\d{1,10}")
# name, number and type of the mechanism; number of the NetCon; place; flag
_SELF_EVENT = re.compile(
    rb"([A-Za-z_]\w{0,99}) (\d{1,9}) (\d{1,9}) (-?\d{1,9}) (-?\d{1,9}) "
    rb"(-?[0-9.e+-]{1,30}|-?nan|-?inf)"
)


class Malformed(ValueError):
    """These bytes are not what NEURON writes."""


@dataclass(frozen=True)
class Event:
    """An event that waits for its time.

    Attributes
    ----------
    kind : type of the event
    fields : its target, as whole numbers; of a SELF event the name of the mechanism comes first
    statement : of a HOC event: the statement, and the object it is executed in, "" for none; None
        without a statement
    """

    kind: int
    fields: tuple = ()
    statement: tuple[str, str] | None = None


@dataclass(frozen=True)
class SavedState:
    """A state of all cells of a rank, without the values of the variables themselves.

    Attributes
    ----------
    t : ms
    layout : counts and types of all values: equal where two states are of the same cells
    recorders : (type, number, positions...) of each vector that records or plays
    netcons : number and weights of each NetCon
    sources : number of sources of spikes
    times : (events,) ms
    events : the events that wait
    plugins : bytes that Python modules have saved, by name
    """

    t: float
    layout: bytes
    recorders: tuple
    netcons: tuple
    sources: int
    times: np.ndarray
    events: tuple[Event, ...]
    plugins: dict[str, bytes]

    @property
    def statements(self) -> list[tuple[str, str]]:
        """Statements of hoc that wait, and Python functions, which are called PYTHON."""
        return [event.statement for event in self.events if event.statement is not None]


def read(data: bytes) -> SavedState:
    """Read what SaveState wrote. Raises Malformed where any byte is not as NEURON writes it."""
    file = _Reader(data)
    title = TITLE.fullmatch(file.line())
    if not title:
        raise Malformed("it does not begin as a state of NEURON's")
    t = file.double()
    layout = [*_sections(file), *_artificial_cells(file)]
    recorders = tuple(_recorder(file, number) for number in range(file.counted("vectors", 4)))
    netcons = tuple(_netcon(file) for _ in range(file.counted("NetCons", 4)))
    sources = _sources(file)
    count = file.counted("events", 10)
    times = np.frombuffer(file.take(8 * count))
    events = tuple(_event(file) for _ in range(count))
    plugins = _plugins(file) if title[1] == b"7" else {}
    file.end()
    return SavedState(t, b"".join(layout), recorders, netcons, sources, times, events, plugins)


def _sections(file: _Reader) -> Iterator[bytes]:
    """Layout of the sections: counts and types, without voltages and states."""
    count, roots = file.wholes(2)
    if not 0 <= roots <= count:
        raise Malformed(f"{roots} of {count} sections are roots")
    table = np.frombuffer(file.take(8 * count), "i4").reshape(count, 2)
    yield struct.pack("2i", count, roots)
    yield table.tobytes()
    for nodes, is_root in table.tolist():
        yield from _nodes(file, nodes)
        if is_root:
            yield from _nodes(file, 1)


def _nodes(file: _Reader, count: int) -> Iterator[bytes]:
    nodes = np.frombuffer(file.take(NODE.itemsize * count), NODE)
    yield nodes["mechanisms"].tobytes() + nodes["states"].tobytes()
    for mechanisms, states in zip(nodes["mechanisms"].tolist(), nodes["states"].tolist()):
        yield file.take(4 * mechanisms)
        file.take(8 * states)


def _artificial_cells(file: _Reader) -> Iterator[bytes]:
    """Layout of the artificial cells: type, cells and values of each kind."""
    for _ in range(file.counted("kinds of artificial cells", 6, longest=18)):
        kind, cells, values = file.wholes(3)
        yield struct.pack("3i", kind, cells, values)
        file.take(8 * values)


def _recorder(file: _Reader, expected: int) -> tuple[int, ...]:
    kind, number = file.wholes(2)
    if number != expected:
        raise Malformed(f"vector {expected} says that it is {number}")
    places = file.wholes(PLACES[kind]) if kind in PLACES else ()
    return kind, number, *places


def _netcon(file: _Reader) -> tuple[int, int]:
    number, weights = file.wholes(2)
    file.take(8 * weights)
    return number, weights


def _sources(file: _Reader) -> int:
    (count,) = file.wholes(1)
    above = np.frombuffer(file.take(SOURCE_BYTES * count), "u1")[::SOURCE_BYTES]
    if (above > 1).any():
        raise Malformed("a source of spikes is neither above its threshold nor below")
    return count


def _event(file: _Reader) -> Event:
    (kind,) = file.wholes(1)
    if kind == NULL:
        return Event(kind)
    if kind in (NETCON, EXCHANGE):
        return Event(kind, file.wholes(1))
    if kind in (SOURCE, VECTOR):
        return Event(kind, file.wholes(2))
    if kind == SELF:
        found = _SELF_EVENT.fullmatch(file.line())
        if not found:
            raise Malformed("an event of a mechanism for itself says neither which nor how")
        return Event(kind, (found[1].decode(), *map(int, found.groups()[1:5])))
    if kind == HOC:
        return Event(kind, statement=_statement(file))
    raise Malformed(f"an event has the type {kind}")


def _statement(file: _Reader) -> tuple[str, str] | None:
    has_statement, has_object = file.wholes(2)
    if has_statement not in (0, 1) or has_object not in (0, 1) or has_object > has_statement:
        raise Malformed("an event of hoc has neither a statement nor none")
    if not has_statement:
        return None
    statement = file.line(LONGEST_STATEMENT).decode("latin-1")
    return statement, file.line().decode("latin-1") if has_object else ""


def _plugins(file: _Reader) -> dict[str, bytes]:
    """Bytes that Python modules saved, by name, as NEURON's Python code writes them."""
    inner = _Reader(file.take(file.size()))
    if inner.size() != 0:
        raise Malformed("what modules of Python saved is of another version")
    found: dict[str, bytes] = {}
    while inner.left():
        name = inner.take(inner.size()).decode("latin-1")
        if name in found:
            raise Malformed(f"{name!a} is saved twice")
        found[name] = inner.take(inner.size())
    return found


class _Reader:
    """Takes bytes from the front; raises Malformed where there are no more."""

    def __init__(self, data: bytes):
        self._data = data
        self._at = 0

    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int) -> bytes:
        if not 0 <= count <= self.left():
            raise Malformed(f"{count} bytes are wanted where {self.left()} are left")
        self._at += count
        return self._data[self._at - count : self._at]

    def double(self) -> float:
        return self._unpacked("d", 8)

    def size(self) -> int:
        return self._unpacked("Q", 8)

    def _unpacked(self, form: str, count: int) -> Any:
        return struct.unpack(form, self.take(count))[0]

    def line(self, longest: int = LONGEST_LINE) -> bytes:
        """The bytes up to the end of the line, without the end."""
        end = self._data.find(b"\n", self._at, self._at + longest + 1)
        if end < 0:
            raise Malformed(f"a line is longer than {longest} bytes, or has no end")
        line = self._data[self._at : end]
        if b"\0" in line:
            raise Malformed("a line has a byte of zero in it")
        self._at = end + 1
        return line

    def wholes(self, count: int, longest: int = LONGEST_LINE) -> tuple[int, ...]:
        """The whole numbers of a line."""
        words = self.line(longest).split(b" ")
        if len(words) != count or not all(map(_WHOLE.fullmatch, words)):
            raise Malformed(f"a line should have {count} whole numbers")
        numbers = tuple(map(int, words))
        if not all(-(1 << 31) <= number < 1 << 31 for number in numbers):
            raise Malformed(f"a number is too large: {max(numbers, key=abs)}")
        return numbers

    def counted(self, what: str, least: int, longest: int = LONGEST_LINE) -> int:
        """A count of things that follow, each of which takes at least ``least`` bytes."""
        (count,) = self.wholes(1, longest)
        if not 0 <= count * least <= self.left():
            raise Malformed(f"there are {count} {what} in {self.left()} bytes")
        return count

    def end(self) -> None:
        if self.left():
            raise Malformed(f"{self.left()} bytes are left over")
