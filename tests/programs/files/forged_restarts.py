"""Restarts from checkpoints that somebody else wrote: each must be refused, and no payload may run.

argv: where to save what each restart said, a folder for the sets. On one rank; the network is that
of restarts.py.
"""

import gzip
import io
from pathlib import Path
import pickle
import struct
import sys

from ecsmpi.files.saved_checkpoint import SavedCheckpoint
from ecsmpi.run.checkpoint.fields_in_savestate import _unpacked
from ecsmpi.rxd.session import simulation
import numpy as np

from support.forged import forge, joined, parted
from support.refusals import refusal
from support.ring import cells, gids, n, pc, rxd, spikes

out, folder = sys.argv[1], Path(sys.argv[2])
PAYLOAD = folder / "payload"
COMMAND = f'system("touch {PAYLOAD}")'.encode()

noise = n.NetStim()
noise.start, noise.number, noise.interval = 0.2, 100, 0.4
from_noise = n.NetCon(noise, cells[0].synapse, 0, 0.5, 0.001)
played, at = n.Vector([0, 0.1, 0.2]), n.Vector([0, 2, 4])
played.play(cells[1].clamp._ref_amp, at, 1)
n("said = 0")
n("proc tell() { said += 1 }")
posts = n.FInitializeHandler(lambda: n.CVode().event(2.2, "tell()"))


class Evil:
    """A pickle that runs a command."""

    def __reduce__(self):
        return __import__("os").system, (f"touch {PAYLOAD}",)


rxd.Checkpoint(
    folder / "good", every="60 steps", keep=9, vectors={"spikes": spikes, "gids": gids}
)
n.finitialize(-65)
pc.psolve(1.5)
good = next((folder / "good").iterdir())
with SavedCheckpoint(good).part(0) as part:
    state = part.read_bytes("cells")
before, events, behind = parted(state)
assert joined(before, events, behind) == state
kinds = {int(text.split()[0]) for _, text in events}
assert {3, 5} <= kinds and len(events) >= 3, events
own = next(text for _, text in events if text.startswith(b"3\n"))
mechanism = own.split()[3].decode()


def with_event(text, time=2.0):
    return {"cells": joined(before, [*events, (time, text)], behind)}


def with_state(old, new):
    assert state.count(old) >= 1, old
    return {"cells": state.replace(old, new, 1)}


def module(name, data):
    saved = (
        struct.pack("Q", 0)
        + struct.pack("Q", len(name))
        + name
        + struct.pack("Q", len(data))
        + data
    )
    version = state.replace(b"version 6.0", b"version 7.0", 1)
    return {"cells": version + struct.pack("Q", len(saved)) + saved}


after_time = state.index(b"\n") + 9
counts = state[after_time:].split(b"\n")[0]
rxd_name = next(
    name for name in __import__("neuron")._id_savestates if name.startswith("rxd-")
).encode()
FORGED = {
    "a command": with_event(b"5\n1 0\n" + COMMAND + b"\n"),
    "a command at once": with_event(b"5\n1 0\n" + COMMAND + b"\n", 1.5),
    "a command instead of the statement": {"cells": state.replace(b"tell()", COMMAND)},
    "a command behind the statement": {"cells": state.replace(b"tell()", b"tell() " + COMMAND)},
    "a command in an object": with_event(b"5\n1 1\n" + COMMAND + b"\nNetStim 0\n"),
    "python by hoc": with_event(
        b"5\n1 0\nnrnpython(\"import os; os.system('touch " + str(PAYLOAD).encode() + b"')\")\n"
    ),
    "a Python function": with_event(b"5\n1 0\nPythonObject\n"),
    "an endless statement": with_event(b"5\n1 0\n" + b"x" * 600 + b"\n"),
    "a statement with an end inside": with_event(b"5\n1 0\ntell()\0" + COMMAND + b"\n"),
    "an endless name": with_event(b"3\n" + b"N" * 290 + b" 0 18 -1 3 1\n"),
    "a mechanism that there is not": with_event(b"3\nNetStim 7 18 -1 3 1\n"),
    "a mechanism of another type": with_event(own.replace(b" 0 ", b" 0 1", 1)),
    "a place far away": with_event(own.replace(b" 3 ", b" 300000 ", 1)),
    "a place before": with_event(own.replace(b" 3 ", b" -7 ", 1)),
    "weights of another": with_event(own.replace(b" -1 ", b" 999 ", 1)),
    "a NetCon that there is not": with_event(b"2\n12345\n"),
    "a source that there is not": with_event(b"4\n12345 0\n"),
    "a source on a thread that there is not": with_event(b"4\n0 99\n"),
    "a vector that there is not": with_event(b"6\n4 99\n"),
    "a vector of another kind": with_event(b"6\n1 0\n"),
    "a thread that there is not": with_event(b"7\n99\n"),
    "an event of no type": with_event(b"9\n0\n"),
    "an event in the past": with_event(b"2\n0\n", 0.1),
    "an event at no time": with_event(b"2\n0\n", float("nan")),
    "more events than there are": {"cells": before + b"2000000000\n" + behind},
    "fewer events than none": {"cells": before + b"-5\n" + behind},
    "many sections": with_state(counts + b"\n", b"2000000000 1\n"),
    "fewer sections than none": with_state(counts + b"\n", b"-3 1\n"),
    "nothing": {"cells": b""},
    "half": {"cells": state[: len(state) // 2]},
    "more behind it": {"cells": state + b"x"},
    "another title": with_state(b"version 6.0", b"version 8.0"),
    "a pickle for the boxes": module(b"ecsmpi-extracellular-1", pickle.dumps(Evil())),
    "a pickle for nobody": module(b"nobody", pickle.dumps(Evil())),
    "a bomb for NEURON's rxd": module(
        rxd_name, struct.pack("QQ", 0, 0) + gzip.compress(bytes(1 << 28), 9)
    ),
    "a module's data that end early": {
        "cells": state.replace(b"version 6.0", b"version 7.0", 1) + struct.pack("Q", 1 << 40)
    },
    "a pickle for random streams": {"random": pickle.dumps(Evil())},
    "no list of random streams": {"random": b'{"a": 1}'},
    "too many random streams": {"random": b"[1.0, 2.0, 3.0]"},
    "random streams nowhere": {"random": b"[NaN]"},
    "random streams beyond": {"random": b"[-1e300]"},
    "no state": {"cells": None},
    "no random streams": {"random": None},
    "no spikes": {"vector spikes": None},
    "spikes that are no numbers": {"vector spikes": b"12345"},
}
said = {
    name: refusal(forge(good, folder / f"forged {i}", sections=sections))
    for i, (name, sections) in enumerate(FORGED.items())
}
pc.psolve(3.5)  # what was posted would be executed here

FACTS = {
    "no time": {"dt": 0.0},
    "another box": {"planes": [[[0, 3]]] * len(simulation.regions)},
    "another time": {"t": 1.0},
}
said |= {
    name: refusal(forge(good, folder / f"facts {i}", about=about))
    for i, (name, about) in enumerate(FACTS.items())
}


def unpacked(data):
    """What NEURON's SaveState gives back to ecsmpi."""
    try:
        return repr(_unpacked(data))
    except ValueError as error:
        return type(error).__name__


def packed(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


whole = packed(**{"0 k": np.array([1.0, 2.0])})
boxes = [
    pickle.dumps(Evil()),
    b"",
    b"PK\3\4 no archive",
    packed(k=np.array([Evil()])),
    packed(k=np.array(["text"])),
    whole[:-30],
    whole,
]
boxes = [unpacked(data) for data in boxes]
executed = PAYLOAD.exists()

n.said = 0
goes_on = refusal(good)  # the one that nobody forged
pc.psolve(3.5)
np.savez(
    out,
    executed=executed,
    boxes=boxes,
    goes_on=goes_on,
    told=n.said,
    t=n.t,
    names=list(said),
    said=list(said.values()),
    state=np.frombuffer(state, "u1"),
)
