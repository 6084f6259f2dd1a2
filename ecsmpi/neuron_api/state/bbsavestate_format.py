"""NEURON's BBSaveState format of one cell, read without NEURON: bytes only.

NEURON's reader trusts its bytes: it copies texts into buffers of fixed size, skips as far as it is
told, and takes numbers as places in memory. So a cell that comes from a disk is read here first,
beside the same cell as the script has made it: both must have the same layout.

    "begin cell"  gid  size
    cell         name; sections, or the mechanism of an artificial cell
    section      "begin section"  name  index  size  "//contents"  segments; nodes, and the two
                 ends  "end section"
    node         v; mechanisms
    mechanism    type  "//name"  states; its events  "callback" states of its own
    source       whether it has a threshold; spikes on their way
    "end cell"

Texts end with a byte of zero; whole numbers have 4 bytes, other numbers 8. The bytes do not say how
many states a mechanism has, as NEURON knows it. Here that number is found from a cell that NEURON
has just written: only with the right number of states for each mechanism are the texts where they
should be.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field

from ecsmpi.neuron_api.state.savestate_format import Malformed

LONGEST_TEXT = 99  # bytes; NEURON's buffers take 100 with the end
MOST_VALUES = 2000  # of one mechanism, when their number is looked for
MOST_DRAWN = 1 << 34  # by a random stream; NEURON counts 32 bits of fours
_NAME = re.compile(rb"[!-~]+")  # of a section or a mechanism


@dataclass(frozen=True)
class Mechanisms:
    """How many values each mechanism has, which its bytes do not say.

    Attributes
    ----------
    random : number of random streams, by type; their positions follow the states
    sizes : by ("states", type); ("weights", type), of a NetCon that leads to it; ("receives",
        type), whether NetCons may lead to it; ("callback", type), values that a function of its own
        saves
    """

    random: dict
    sizes: dict = field(default_factory=dict)

    def with_size(self, what: tuple[str, int], size: int) -> Mechanisms:
        """The same with one more size."""
        return Mechanisms(self.random, self.sizes | {what: size})


@dataclass
class SavedCell:
    """A cell without its values.

    Attributes
    ----------
    sections : counts and types of all values, by name and index of the section; of an artificial
        cell, under None
    threshold : whether its source of spikes has one
    times : ms, of events that wait
    sent : ms, of spikes that are on their way
    places : (type of the mechanism, place) of each event that a mechanism keeps
    """

    sections: dict = field(default_factory=dict)
    threshold: tuple = ()
    times: list = field(default_factory=list)
    sent: list = field(default_factory=list)
    places: list = field(default_factory=list)


class Unknown(Exception):
    """A number of values is needed that is not known. what: a key of `Mechanisms.sizes`."""

    def __init__(self, what: tuple[str, int]):
        super().__init__(what)
        self.what = what


def learn(data: bytes, gid: int, has_source: bool, known: Mechanisms) -> Mechanisms:
    """Add to ``known`` the sizes of mechanisms that a cell shows which NEURON has just written.

    Raises Malformed where no sizes fit.
    """
    try:
        read(data, gid, has_source, known)
        return known
    except Unknown as unknown:
        what = unknown.what
    for size in range(2 if what[0] == "receives" else MOST_VALUES):
        try:
            return learn(data, gid, has_source, known.with_size(what, size))
        except Malformed:
            continue
    raise Malformed("this NEURON's BBSaveState writes in another way than that of NEURON 9.0")


def read(data: bytes, gid: int, has_source: bool, known: Mechanisms) -> SavedCell:
    """Read the bytes that BBSaveState wrote of the cell with a gid, and zeros behind them.

    has_source: whether NEURON has a source of the cell's spikes. Raises Malformed where any byte is
    not as NEURON writes it, Unknown where a size of a mechanism is not known.
    """
    return _Reader(data, gid, known).cell(has_source)


class _Reader:
    """Takes bytes from the front; raises Malformed where there are no more."""

    def __init__(self, data: bytes, gid: int, known: Mechanisms):
        self._data = data
        self._at = 0
        self._gid = gid
        self._known = known
        self._found = SavedCell()

    def cell(self, has_source: bool) -> SavedCell:
        self._expect(b"begin cell")
        if self._whole() != self._gid:
            raise Malformed(f"it is not of gid {self._gid}")
        self._whole()  # a size that NEURON does not use
        self._text()  # NEURON numbers objects as it goes: another name is the same cell
        if self._data[self._at + 4 : self._at + 6] == b"//":
            layout = self._found.sections[None] = []
            self._mechanism(layout)
        else:
            for _ in range(self._count(16)):
                self._section()
        self._source(has_source)
        self._expect(b"end cell")
        if self._data[self._at :].strip(b"\0"):
            raise Malformed("something follows the end of the cell")
        return self._found

    def _section(self) -> None:
        self._expect(b"begin section")
        key = (self._text(), self._whole())
        name = ascii(key[0].decode("latin-1"))
        if not _NAME.fullmatch(key[0]) or key in self._found.sections:
            raise Malformed(f"a section is called {name}, or two are")
        layout: list = []
        self._found.sections[key] = layout
        size = self._whole()
        begin = self._at
        self._expect(b"//contents")
        segments = self._count(12)
        layout.append(segments)
        for _ in range(segments + 2):
            self._take(8)
            mechanisms = self._count(8)
            layout.append(mechanisms)
            for _ in range(mechanisms):
                self._mechanism(layout)
        if self._at - begin != size:
            raise Malformed(f"section {name} has {self._at - begin} bytes, and says {size}")
        self._expect(b"end section")

    def _mechanism(self, layout: list) -> None:
        kind, name = self._whole(), self._text()
        if not name.startswith(b"//") or not _NAME.fullmatch(name):
            raise Malformed("a mechanism has no name")
        layout += [kind, name]
        self._states(kind)
        if self._size("receives", kind):
            self._receives(kind, name[2:], layout)
        if self._data.startswith(b"callback\0", self._at):
            layout.append("callback")
            self._expect(b"callback")
            self._take(8 * self._size("callback", kind))

    def _states(self, kind: int) -> None:
        data = self._take(8 * self._size("states", kind))
        random = self._known.random.get(kind, 0)
        if not random or len(data) < 8 * random:
            return
        drawn = struct.unpack(f"{random}d", data[len(data) - 8 * random :])
        if not all(0 <= place < MOST_DRAWN for place in drawn):
            raise Malformed("a random stream stands where no stream comes to")

    def _receives(self, kind: int, name: bytes, layout: list) -> None:
        """NetCons that lead to a mechanism, with events on their way, and its events for itself."""
        if not re.fullmatch(re.escape(name) + rb"\[\d+\]", self._text()):
            raise Malformed(f"a mechanism is no {name.decode()}")
        netcons = self._count(8)
        layout.append(netcons)
        self._expect(b"NetCon")
        for _ in range(netcons):
            self._take(8 * self._size("weights", kind))
            self._found.times += [self._double() for _ in range(self._count(8))]
            from_cell = self._whole()
            layout.append(from_cell)
            if from_cell not in (0, 1):
                raise Malformed("a NetCon has neither a cell of its own nor none")
            if from_cell:
                self._mechanism(layout)
        for _ in range(self._count(34)):
            self._expect(b"SelfEvent")
            self._take(8)
            self._found.times.append(self._double())
            netcon, place = self._whole(), self._whole()
            self._found.places.append((kind, place))
            if not -1 <= netcon < netcons:
                raise Malformed(f"an event came by NetCon {netcon} of {netcons}")

    def _source(self, has_source: bool) -> None:
        """The source of the cell's spikes, and those of them that are on their way."""
        has_state = self._whole()
        if has_state not in ((-1, 1) if has_source else (-1,)):
            raise Malformed("its source of spikes has neither a threshold nor none")
        threshold = has_source and self._whole() >= 0 and has_state == 1
        self._found.threshold = (has_state, threshold)
        if threshold:
            self._expect(b"PreSyn")
            if self._whole() not in (0, 1):
                raise Malformed("its source of spikes is neither above its threshold nor below")
            self._take(8)
        on_their_way = self._whole()
        if on_their_way == -1:
            return
        if on_their_way != self._gid:
            raise Malformed(f"spikes of {on_their_way} are on their way, not of gid {self._gid}")
        for _ in range(self._pairs()):
            self._found.sent.append(self._double())
            self._whole()

    def _pairs(self) -> int:
        count = self._count(6)
        if count % 2:
            raise Malformed("times of spikes and their numbers of NetCons are no pairs")
        return count // 2

    def _size(self, what: str, kind: int) -> int:
        if (what, kind) not in self._known.sizes:
            raise Unknown((what, kind))
        return self._known.sizes[what, kind]

    def _take(self, count: int) -> bytes:
        if not 0 <= count <= len(self._data) - self._at:
            raise Malformed("it ends too early")
        self._at += count
        return self._data[self._at - count : self._at]

    def _whole(self) -> int:
        return struct.unpack("i", self._take(4))[0]

    def _double(self) -> float:
        return struct.unpack("d", self._take(8))[0]

    def _count(self, least: int) -> int:
        """A count of things that follow, each of which takes at least ``least`` bytes."""
        count = self._whole()
        if not 0 <= count * least <= len(self._data) - self._at:
            raise Malformed(
                f"there are {count} of what takes {least} bytes, in {len(self._data) - self._at}"
            )
        return count

    def _text(self) -> bytes:
        end = self._data.find(b"\0", self._at, self._at + LONGEST_TEXT + 1)
        if end < 0:
            raise Malformed(f"a text is longer than {LONGEST_TEXT} bytes, or has no end")
        return self._take(end + 1 - self._at)[:-1]

    def _expect(self, word: bytes) -> None:
        if self._text() != word:
            raise Malformed(f"{word.decode()!r} is missing")
