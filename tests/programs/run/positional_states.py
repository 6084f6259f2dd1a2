"""Restarts from a checkpoint, and from one whose observers' states are lists of values.

`... OUTPUT FOLDER`
"""

from pathlib import Path
import sys

import ecsmpi
from ecsmpi import rxd
from neuron import n
import numpy as np

from support.forged import body_of, forge

out, folder = sys.argv[1], Path(sys.argv[2])
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, 10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=lambda node: 3 + node.x3d / 100)
n.dt = 0.5
path = folder / "k.h5"
output = rxd.Output(path, every=1)
numbers = rxd.Diagnostics(k, 1, balance=True, output=output)
rxd.Checkpoint(folder / "sets", every="4 steps", keep=9)
n.finitialize(-65)
while n.t < 3:
    n.fadvance()
named = next(folder.glob("sets/*step-4"))
states = body_of(named)["about"]["observers"]
places = []
for kind, name, record in states:
    assert record.pop("version") == 2
    places.append([kind, name, *record.values()])
positional = forge(named, folder / "positional", about={"observers": places})

saved = {"positional": str(all(len(place) == 4 for place in places))}
rxd.Checkpoint(folder / "not", every="1000 steps")
for source, what in ((named, "names"), (positional, "places")):
    rxd.restart(source)
    n.finitialize(-65)
    assert n.t == 2
    while n.t < 4:
        n.fadvance()
    output.ended()
    saved[f"times of {what}"] = numbers.table["time"]
    saved[f"stored of {what}"] = numbers.table["stored"]
    with ecsmpi.load(path) as recording:
        saved[f"frames of {what}"] = np.array(recording.time)
np.savez(out, **saved)
