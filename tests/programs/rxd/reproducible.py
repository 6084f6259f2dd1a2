"""Spiking cells in a box: `reproducible.py OUTPUT MODE THREADS`; MODE is reproducible or usual."""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

rxd.options.reproducible = sys.argv[2] == "reproducible"
rxd.nthread(int(sys.argv[3]))
n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
kept = []
for gid in range(rank, 12, ranks):  # all of them in a few voxels, so that ranks share voxels
    cell = n.Section(name=f"cell{gid}")
    cell.nseg = 5
    for z in (0, 40):
        cell.pt3dadd(3.1 * gid, 0.7 * gid, z, 4 + gid / 3)
    cell.insert("hh")
    clamp = n.IClamp(cell(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.1 * gid, 5, 0.4 + 0.05 * gid
    kept += [cell, clamp]
low, high = (-100, -30, -20), (143, 40, 60)
ecs = rxd.Extracellular(*low, *high, (5, 7, 4), volume_fraction=0.2, tortuosity=1.6)


def uneven(node):
    return 3 + (node.x3d / 100) ** 2 + node.y3d / 50 + node.z3d / 70


k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
na = rxd.Species(ecs, d=60, name="na", charge=1, initial=uneven, ecs_boundary_conditions=135)
fast = rxd.Species(ecs, d=(4000, 2, 30), initial=uneven)
fast[ecs].nodes[100:3000:7].include_flux(1e6 / 3)
k[ecs].node_by_location(10, 0, 10).include_flux(lambda: 1e5 * n.t)
for cell in kept[::2]:
    na[ecs].node_by_location(0, 5, 10).include_flux(cell(0.5)._ref_v)
n.finitialize(-65)
n.dt, n.steps_per_ms = 0.025, 40
n.continuerun(4)
states = {name: one[ecs].states3d for name, one in (("k", k), ("na", na), ("fast", fast))}
mine = {sec.name(): [(seg.v, seg.ko, seg.nao) for seg in sec] for sec in n.allsec()}
volts = {}
for cells in pc.py_allgather(mine):
    volts.update(cells)
if rank == 0:
    np.savez(sys.argv[1], cells=[volts[f"cell{gid}"] for gid in range(12)], **states)
