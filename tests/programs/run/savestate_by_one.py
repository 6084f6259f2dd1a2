"""A rank alone calls NEURON's SaveState, as under `if pc.id() == 0`.

`savestate_by_one.py save|restore step|barrier`: the second word is what other ranks do.
"""

import sys

from ecsmpi import rxd
from neuron import n

call, others = sys.argv[1:]
pc = n.ParallelContext()
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, 10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)
n.dt = 0.1
n.finitialize(-65)
state = n.SaveState()
if call == "restore":
    state.save()
n.fadvance()
if pc.id() == 0:
    getattr(state, call)()
elif others == "step":
    n.fadvance()
pc.barrier()
