"""Ranks without sections use pointers to nodes from mid-run on.

`pointers_without_cells.py OUTPUT [FOLDER]`.

FOLDER: of checkpoints, in which the run goes on where there is one.
"""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
ecs = rxd.Extracellular(0, 0, 0, 60, 30, 30, 10, volume_fraction=0.2)
k = rxd.Species(ecs, d=100, name="k", charge=1, initial=lambda node: 3 + node.x3d / 100)
if sys.argv[2:]:
    checkpoint = rxd.Checkpoint(sys.argv[2], every="4 steps")
    rxd.restart(sys.argv[2], must=False)
n.finitialize(-65)
print(f"begins at {n.t:g}")
n.fadvance()
recorded = n.Vector()
if rank == ranks - 1:
    node = k[ecs].node_by_ijk(5, 1, 1)
    pointer = node._ref_value
    if not sys.argv[2:]:  # at a restart NEURON wants the vectors that recorded
        recorded.record(pointer)
    node._ref_value[0] = 7
n.fadvance()
if rank == 0:
    node = k[ecs].node_by_ijk(0, 1, 1)
    assert node._ref_value[0] == node.value
for _ in range(4):
    n.fadvance()
if rank == ranks - 1:
    # NEURON adds what is recorded at an initialisation.
    assert recorded.size() in (0, 5), list(recorded)
states = np.array(k[ecs].states3d)
n.finitialize(-65)
n.fadvance()
if rank == 0:
    np.savez(sys.argv[1], states=states, again=np.array(k[ecs].states3d))
