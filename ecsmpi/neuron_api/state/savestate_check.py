"""Is a state that comes from a disk one of the script's own cells? Asked before NEURON reads a byte
of it.

`savestate_format` has read it; here each number in it is compared with what the script has: the cells,
what records, and who may get an event. A statement of hoc in it is left only where the script has
posted the same one.
"""

from __future__ import annotations

import functools
import struct
import zlib

import numpy as np

from ecsmpi.neuron_api.gids import context
from ecsmpi.neuron_api.inventory import saving_modules
from ecsmpi.neuron_api.mechanisms import objects, places_of_pointers, point_types
from ecsmpi.neuron_api.state import savestate_format
from ecsmpi.neuron_api.state.savestate_format import (
    EXTRACELLULAR,
    PYTHON,
    Event,
    Malformed,
    SavedState,
)

MOST_SHOWN = 3  # statements in a message
LARGEST_RATIO = 1100  # of bytes to those that gzip makes of them
NAMES = {
    "layout": "sections, mechanisms and artificial cells",
    "netcons": "NetCons",
    "sources": "sources of spikes",
}


class ForeignStatement(ValueError):
    """A checkpoint has statements of hoc that the script itself has not posted."""


class Targets:
    """Who of the script's may get an event. Each question is looked up once."""

    def __init__(self, own: SavedState):
        self.recorders = [recorder[0] for recorder in own.recorders]
        self.netcons = {number for number, _ in own.netcons}
        self.sources = range(own.sources)
        self.threads = range(int(context().nthread()))
        self._types = point_types()
        self._names: dict[str, set[str]] = {}

    def has(self, name: str, number: int, kind: int) -> bool:
        """Whether there is a point process of this name, number and type."""
        if self._types.get(name) != kind:
            return False
        if name not in self._names:
            self._names[name] = {one.hname() for one in objects(name)}
        return f"{name}[{number}]" in self._names[name]

    @functools.cached_property
    def reached(self) -> dict[int, str]:
        """The point process that each NetCon leads to, by the NetCon's number."""
        pairs = ((one, one.syn()) for one in objects("NetCon"))
        return {
            int(one.hname()[len("NetCon[") : -1]): target.hname()
            for one, target in pairs
            if target is not None
        }


def check(found: SavedState, own: SavedState, t: float, earliest: float) -> None:
    """Raise Malformed unless NEURON may read a state. Local.

    own: the state of the script's cells now, at the end of finitialize. t: ms, of the checkpoint.
    earliest: ms, before which no event may wait. Raises ForeignStatement where statements of hoc
    wait that the script has not posted.
    """
    if found.t != t:
        raise Malformed(f"it is of t = {found.t:g} ms, the checkpoint of {t:g}")
    for what in NAMES:
        if getattr(found, what) != getattr(own, what):
            raise Malformed(f"its {NAMES[what]} are not those that the script makes")
    _check_recorders(found, own)
    check_times(found.times, earliest)
    targets = Targets(own)
    for event in found.events:
        _check_event(event, targets)
    _check_statements(found, own)
    _check_plugins(found, own)


def _check_recorders(found: SavedState, own: SavedState) -> None:
    """The script may record more than it did, at the end of the list."""
    kinds = [recorder[0] for recorder in found.recorders]
    if kinds != [recorder[0] for recorder in own.recorders[: len(kinds)]]:
        raise Malformed("vectors record or play that the script does not record or play")
    if any(len(recorder) > 2 for recorder in found.recorders):
        most = max((int(vector.size()) for vector in objects("Vector")), default=0)
        for _, number, *places in found.recorders:
            if not all(0 <= place <= most for place in places):
                raise Malformed(
                    f"vector {number} stands at {places}, and none is longer than {most}"
                )


def check_times(times, earliest: float) -> None:
    """Raise Malformed unless each event waits for a time from ``earliest`` on (ms)."""
    times = np.asarray(times, dtype=float)
    good = np.isfinite(times) & (times >= earliest)
    if not good.all():
        raise Malformed(f"an event waits for t = {times[~good][0]:g} ms")


def _check_event(event: Event, targets: Targets) -> None:
    if event.kind == savestate_format.NETCON and event.fields[0] not in targets.netcons:
        raise Malformed(f"an event goes to NetCon[{event.fields[0]}], which there is not")
    if event.kind == savestate_format.SOURCE:
        source, thread = event.fields
        if source not in targets.sources or thread not in targets.threads:
            raise Malformed(
                f"an event comes from source {source} on thread {thread}, which there is not"
            )
    if event.kind == savestate_format.EXCHANGE and event.fields[0] not in targets.threads:
        raise Malformed(f"spikes are exchanged on thread {event.fields[0]}, which there is not")
    if event.kind == savestate_format.VECTOR:
        kind, number = event.fields
        if number not in range(len(targets.recorders)) or targets.recorders[number] != kind:
            raise Malformed(f"an event goes to vector {number}, which there is not")
    if event.kind == savestate_format.SELF:
        _check_self_event(targets, *event.fields)


def _check_self_event(
    targets: Targets, name: str, number: int, kind: int, netcon: int, place: int
) -> None:
    """An event of a mechanism for itself: the mechanism, the NetCon whose weights it has, and where
    it is kept.
    """
    target = f"{name}[{number}]"
    if not targets.has(name, number, kind):
        raise Malformed(f"an event goes to {target}, which there is not")
    check_place(place, kind, target)
    if netcon != -1 and targets.reached.get(netcon) != target:
        raise Malformed(f"an event of {target} came by NetCon[{netcon}], which does not lead there")


def check_place(place: int, kind: int, target: str) -> None:
    """Raise Malformed unless a mechanism of this type can keep an event there; -1 for nowhere."""
    if place != -1 and place not in places_of_pointers(kind):
        raise Malformed(f"an event of {target} is kept at {place}, which is no place for one")


def _check_statements(found: SavedState, own: SavedState) -> None:
    posted = {statement for statement in own.statements if statement[0] != PYTHON}
    foreign = [statement for statement in found.statements if statement not in posted]
    if foreign:
        listed = [
            ascii(text) + (f" in {ascii(name)}" if name else "")
            for text, name in foreign[:MOST_SHOWN]
        ]
        more = f" and {len(foreign) - MOST_SHOWN} more" if len(foreign) > MOST_SHOWN else ""
        raise ForeignStatement(
            "statements of hoc wait in it that the script has not posted, and nothing of a checkpoint is executed: "
            f"{', '.join(listed)}{more}; where they are yours, let the script post them in n.finitialize, by "
            "n.FInitializeHandler(lambda: n.CVode().event(t, statement)), before and after a restart"
        )


def _check_plugins(found: SavedState, own: SavedState) -> None:
    """What modules of Python saved goes only to those that the script has, and to NEURON's rxd only
    what it would save itself.
    """
    for name in found.plugins:
        if name == EXTRACELLULAR or name not in saving_modules():
            raise Malformed(f"{ascii(name)} has saved something, and there is nothing of that name")
    for name in saving_modules():
        if name.startswith("rxd-"):
            now = own.plugins.get(name, b"")
            if _layout_of_rxd(found.plugins.get(name, b""), len(now)) != _layout_of_rxd(
                now, len(now)
            ):
                raise Malformed(
                    "NEURON's rxd saved other species inside cells than the script makes"
                )


def _layout_of_rxd(data: bytes, most: int):
    """The lengths in what NEURON's rxd saves of species inside cells; None where it is something
    else.
    """
    if not data:
        return ()
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        state = unpack.decompress(data[16:], LARGEST_RATIO * most + 1024)
        (count,) = struct.unpack_from("Q", state)
        lengths, at = [struct.unpack_from("QQ", data)[0], count], 8
        for _ in range(min(count, len(state))):
            size, version, length = struct.unpack_from("QQQ", state, at)
            lengths += [size, version, length]
            at += 8 + size
    except (zlib.error, struct.error):
        return None
    return tuple(lengths) if unpack.eof and at == len(state) else None
