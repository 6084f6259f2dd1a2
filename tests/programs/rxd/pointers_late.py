"""Pointers that one rank takes in mid-run have their nodes' values: `pointers_late.py OUTPUT`."""

import os
import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
ecs = rxd.Extracellular(0, 0, 0, 60, 30, 30, 10, volume_fraction=0.2)
k = rxd.Species(ecs, d=100, name="k", charge=1, initial=lambda node: 3 + node.x3d / 100)
cell = n.Section(f"cell{rank}")
n.finitialize(-65)
n.fadvance()
found = []
if rank == 0:
    node = k[ecs].node_by_ijk(5, 1, 1)
    late = node._ref_value
    found.append(late[0])
    assert late[0] == node.value
    child = os.fork()
    if child == 0:  # it reads, and ends; the job goes on
        sys.exit(3 if k[ecs].states3d[5, 1, 1] == node.value else 4)
    found.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
for _ in range(3):
    n.fadvance()
    if rank == 0:
        assert late[0] == node.value
        found.append(late[0])
n.finitialize(-65)
n.fadvance()
if rank == 0:
    assert abs(late[0] - found[0]) < 1e-12
    np.savez(sys.argv[1], found=found)
