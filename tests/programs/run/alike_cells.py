"""Two ranks have cells that look alike, without gids: `alike_cells.py OUTPUT TO SINCE ORDER`.

TO is the folder of the checkpoints, SINCE the one to go on from, or "-". ORDER holds a letter for
each rank: "a" and "b" for cells that look alike, "-" for none.
"""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

pc = n.ParallelContext()
rank = int(pc.id())
out, to, since, order = sys.argv[1:]
own = order[rank]
kept = []
if own != "-":
    soma = n.Section(name="soma")
    x = 5 if own == "a" else 25
    soma.pt3dadd(x, 5, 5, 3)
    soma.pt3dadd(x + 4, 9, 9, 3)
    soma.insert("hh")
    clamp = n.IClamp(soma(0.5))
    clamp.dur, clamp.amp = 3, 0.02 if own == "a" else -0.03
    kept += [soma, clamp]
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, dx=5, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
n.dt = 0.025
pc.set_maxstep(0.5)
if since != "-":
    rxd.restart(since)
else:
    rxd.Checkpoint(to, every="40 steps")
n.finitialize(-65)
pc.psolve(1.5)
voltages = {}
for of_rank in pc.py_allgather({own: soma(0.5).v} if own != "-" else {}):
    voltages |= of_rank
states = k[ecs].states3d
if rank == 0:
    np.savez(out, k=states, v=[voltages["a"], voltages["b"]])
