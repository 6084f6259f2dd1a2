"""Is a state that comes from a disk one of the script's own cells? Checked before NEURON reads it.

`savestate_format` has read the state. Here each number in it is compared with what the script has:
the cells, what records, and who may get an event. A statement of hoc in it is left only where the
script has posted the same one.
"""

from __future__ import annotations

import functools
import struct
import zlib
from collections.abc import Iterable
from typing import Any

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
NOWHERE = -1  # NEURON's number for no NetCon and no place
IN_WORDS = {
    "layout": "sections, mechanisms and artificial cells",
    "netcons": "NetCons",
    "sources": "sources of spikes",
}


class ForeignStatement(ValueError):
    """A checkpoint has statements of hoc that the script itself has not posted."""


class Targets:
    """The script's objects that may get an event. Each question is looked up once."""

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
        found = {}
        for one in objects("NetCon"):
            target = one.syn()
            if target is not None:
                number = int(one.hname()[len("NetCon[") : -1])
                found[number] = target.hname()
        return found


def check(found: SavedState, own: SavedState, t: float, earliest: float) -> None:
    """Raise Malformed unless NEURON may read a state. Local.

    Parameters
    ----------
    found : the state that comes from a disk
    own : the state of the script's cells now, at the end of finitialize
    t : ms, of the checkpoint
    earliest : ms, before which no event may wait

    Raises
    ------
    Malformed where the state is not one of the script's cells.
    ForeignStatement where statements of hoc wait that the script has not posted.
    """
    if found.t != t:
        raise Malformed(f"it is of t = {found.t:g} ms, the checkpoint of {t:g}")
    for what, words in IN_WORDS.items():
        if getattr(found, what) != getattr(own, what):
            raise Malformed(f"its {words} are not those that the script makes")
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
    own_kinds = [recorder[0] for recorder in own.recorders]
    if kinds != own_kinds[: len(kinds)]:
        raise Malformed("vectors record or play that the script does not record or play")
    if any(len(recorder) > 2 for recorder in found.recorders):
        most = max((int(vector.size()) for vector in objects("Vector")), default=0)
        for _, number, *places in found.recorders:
            if not all(0 <= place <= most for place in places):
                raise Malformed(
                    f"vector {number} stands at {places}, and none is longer than {most}"
                )


def check_times(times: Iterable[float], earliest: float) -> None:
    """Raise Malformed unless each event waits for a time from ``earliest`` on (ms)."""
    waited_for = np.asarray(times, dtype=float)
    good = np.isfinite(waited_for) & (waited_for >= earliest)
    if not good.all():
        raise Malformed(f"an event waits for t = {waited_for[~good][0]:g} ms")


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
    """Check an event of a mechanism for itself.

    Parameters
    ----------
    name, number, kind : the mechanism, and its type
    netcon : the NetCon whose weights the event has
    place : where the mechanism keeps the event
    """
    target = f"{name}[{number}]"
    if not targets.has(name, number, kind):
        raise Malformed(f"an event goes to {target}, which there is not")
    check_place(place, kind, target)
    if netcon != NOWHERE and targets.reached.get(netcon) != target:
        raise Malformed(f"an event of {target} came by NetCon[{netcon}], which does not lead there")


def check_place(place: int, kind: int, target: str) -> None:
    """Raise Malformed unless a mechanism of a type can keep an event in a place, or in none."""
    if place != NOWHERE and place not in places_of_pointers(kind):
        raise Malformed(f"an event of {target} is kept at {place}, which is no place for one")


def _check_statements(found: SavedState, own: SavedState) -> None:
    posted = {statement for statement in own.statements if statement[0] != PYTHON}
    foreign = [statement for statement in found.statements if statement not in posted]
    if foreign:
        listed = []
        for text, name in foreign[:MOST_SHOWN]:
            listed.append(ascii(text) + (f" in {ascii(name)}" if name else ""))
        more = f" and {len(foreign) - MOST_SHOWN} more" if len(foreign) > MOST_SHOWN else ""
        raise ForeignStatement(
            "statements of hoc wait in it that the script has not posted, and nothing of a "
            f"checkpoint is executed: {', '.join(listed)}{more}; where they are yours, let the "
            "script post them in n.finitialize, by n.FInitializeHandler(lambda: "
            "n.CVode().event(t, statement)), before and after a restart"
        )


def _check_plugins(found: SavedState, own: SavedState) -> None:
    """Bytes of Python modules go only to modules that the script has.

    NEURON's rxd gets only what it would save itself.
    """
    for name in found.plugins:
        if name == EXTRACELLULAR or name not in saving_modules():
            raise Malformed(f"{ascii(name)} has saved something, and there is nothing of that name")
    for name in saving_modules():
        if name.startswith("rxd-"):
            own_bytes = own.plugins.get(name, b"")
            found_bytes = found.plugins.get(name, b"")
            most = len(own_bytes)
            if _layout_of_rxd(found_bytes, most) != _layout_of_rxd(own_bytes, most):
                raise Malformed(
                    "NEURON's rxd saved other species inside cells than the script makes"
                )


def _layout_of_rxd(data: bytes, most: int) -> Any:
    """The lengths in the bytes that NEURON's rxd saves; None where they are something else.

    most: bytes that NEURON's rxd saves of the script's species.
    """
    if not data:
        return ()
    unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        state = unpack.decompress(data[16:], LARGEST_RATIO * most + 1024)
        (count,) = struct.unpack_from("Q", state)
        lengths = [struct.unpack_from("QQ", data)[0], count]
        at = 8
        for _ in range(min(count, len(state))):
            size, version, length = struct.unpack_from("QQQ", state, at)
            lengths += [size, version, length]
            at += 8 + size
    except (zlib.error, struct.error):
        return None
    return tuple(lengths) if unpack.eof and at == len(state) else None
