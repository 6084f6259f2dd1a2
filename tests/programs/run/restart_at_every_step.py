"""A run with a checkpoint at every step, then restarts from them.

`restart_at_every_step.py OUTPUT MODEL FOLDER EVERY [MODE]`: MODEL is a module of tests/support,
FOLDER is for the checkpoints, and every EVERY-th of them is restarted from.
"""

from importlib import import_module
from pathlib import Path
import sys

import numpy as np

from support.ring import cells, gids, n, pc, rank, rxd, spikes

out, name, folder = sys.argv[1:4]
every = int(sys.argv[4])
model = import_module(f"support.{name}")

for cell in cells.values():  # a stream of random events, which goes on too
    cell.noise = n.NetStim()
    cell.noise.interval, cell.noise.number, cell.noise.start, cell.noise.noise = 0.3, 1e9, 0, 1
    cell.by_noise = n.NetCon(cell.noise, cell.synapse, 0, 0.4, 0.003)
vectors = {"spikes": spikes, "gids": gids}
rxd.Checkpoint(folder, every="1 step", keep=10**6, vectors=vectors)
n.finitialize(-65)
pc.psolve(2.5)
expected = model.final()
sets = sorted(map(str, Path(folder).iterdir())) if rank == 0 else None
sets = pc.py_broadcast(sets, 0)
rxd.Checkpoint(folder + "-not", vectors=vectors)  # none within an hour
differ = []
for path in sets[:-1:every]:
    rxd.restart(path)
    n.finitialize(-65)
    assert path.endswith(f"-step-{round(n.t / n.dt)}"), (path, n.t)
    pc.psolve(2.5)
    found = model.final()
    for name, value in expected.items():
        if not np.array_equal(found[name], value):
            differ.append((path[-8:], name))
assert not differ, differ[:5]
if rank == 0:
    np.savez(out, sets=len(sets), spikes=expected["spikes"])
