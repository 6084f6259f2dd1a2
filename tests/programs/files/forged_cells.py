"""Restarts from cells that somebody else wrote are refused before NEURON reads a byte.

argv: where to save what each restart said, a folder for the sets. On one rank, which takes its
cells by their gids since the fingerprint in the manifest is another.
"""

from pathlib import Path
import struct
import sys

from ecsmpi.files.saved_checkpoint import SavedCheckpoint
import numpy as np

from support.forged import forge
from support.refusals import refusal
from support.ring import cells, final, gids, n, pc, rxd, spikes

out, folder = sys.argv[1], Path(sys.argv[2])
MOVED = {"cells": ["of other ranks"]}


rxd.Checkpoint(
    folder / "good", every="48 steps", keep=9, vectors={"spikes": spikes, "gids": gids}
)
n.finitialize(-65)
pc.psolve(1.21)
good = next((folder / "good").iterdir())
pc.psolve(5)
expected = final()
rxd.Checkpoint(folder / "not", vectors={"spikes": spikes, "gids": gids})
with SavedCheckpoint(good).part(0) as part:
    cells_now = {gid: part.read_bytes(f"gid {gid}") for gid in cells}
sender = next(
    gid for gid in cells if cells_now[gid].rstrip(b"\0")[:-9][-4:] != b"\xff\xff\xff\xff"
)
cell = cells_now[sender]
whole = struct.pack


def changed(old, new, count=1):
    assert cell.count(old) >= 1, old
    return cell.replace(old, new, count)


at_section = cell.index(b"begin section\0") + len(b"begin section\0dendrite\0\0\0\0\0")
at_contents = cell.index(b"//contents\0") + len(b"//contents\0")
at_netcon = cell.index(b"NetCon\0") + len(b"NetCon\0") + 8
at_self = at_netcon + 8  # no event waits for this NetCon, and it is no cell's own
at_spikes = cell.rindex(b"end cell\0") - 16


def at(place, data):
    return cell[:place] + data + cell[place + len(data) :]


def with_self_event(netcon, place, time=3.0):
    event = b"SelfEvent\0" + whole("ddii", 1.0, time, netcon, place)
    inserted = cell[:at_self] + whole("i", 1) + event + cell[at_self + 4 :]
    size = whole("i", struct.unpack_from("i", cell, at_section)[0] + len(event))
    return inserted[:at_section] + size + inserted[at_section + 4 :]


FORGED = {
    "nothing": b"",
    "half": cell[: len(cell) // 2],
    "more behind it": cell.rstrip(b"\0") + b"\0xyz",
    "an endless name": cell.replace(cell[20:].split(b"\0")[0], b"N" * 5000, 1),
    "an endless name of a synapse": changed(b"ExpSyn[", b"E" * 2000 + b"["),
    "another synapse": changed(b"ExpSyn[", b"NetStim["),
    "an endless name of a section": changed(b"dendrite", b"d" * 700),
    "another section": changed(b"dendrite", b"dendritf"),
    "a section twice": changed(b"soma\0", b"dendrite\0"),
    "fewer bytes than none to skip": at(at_section, whole("i", -100000)).replace(
        b"dendrite", b"nowhere\0", 1
    ),
    "a section far too long": at(at_section, whole("i", 1 << 30)),
    "many segments": at(at_contents, whole("i", 1 << 30)),
    "fewer segments": at(at_contents, whole("i", 0)),
    "many sections": at(cell.index(b"begin section\0") - 4, whole("i", 1 << 30)),
    "no sections": at(cell.index(b"begin section\0") - 4, whole("i", -1)),
    "another mechanism": changed(b"//hh\0", b"//pas\0"),
    "many events": at(at_netcon, whole("i", 1 << 30)),
    "fewer events than none": at(at_netcon, whole("i", -5)),
    "a cell of a NetCon's own": at(at_netcon + 4, whole("i", 1)),
    "many events for itself": at(at_self, whole("i", 1 << 30)),
    "an event by a NetCon far away": with_self_event(1000, -1),
    "an event before all NetCons": with_self_event(-3, -1),
    "an event kept far away": with_self_event(-1, 1 << 20),
    "an event kept before": with_self_event(-1, -2),
    "an event in the past": with_self_event(-1, -1, 0.0),
    "an event at no time": with_self_event(-1, -1, float("nan")),
    "spikes of another": at(at_spikes - 4, whole("i", 77)),
    "many spikes": at(at_spikes, whole("i", 1 << 30)),
    "half a spike": at(at_spikes, whole("i", 1)),
    "spikes of the future": at(at_spikes + 4, whole("d", 1e6)),
    "another gid": at(len(b"begin cell\0"), whole("i", 99)),
}
said = {}
for i, (name, data) in enumerate(FORGED.items()):
    said[name] = refusal(
        forge(good, folder / f"forged {i}", about=MOVED, sections={f"gid {sender}": data})
    )
said["no cell"] = refusal(
    forge(good, folder / "none", about=MOVED, sections={f"gid {sender}": None})
)
goes_on = refusal(forge(good, folder / "moved", about=MOVED))  # with all cells as they were
pc.psolve(5)
differ = [name for name, value in final().items() if not np.array_equal(value, expected[name])]
np.savez(
    out,
    goes_on=goes_on,
    differ=differ,
    names=list(said),
    said=list(said.values()),
    gid=sender,
    cell=np.frombuffer(cell, "u1"),
)
