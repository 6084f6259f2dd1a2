"""Models for tests of restarts: a spiking network, the same with all that a model may have, cells
without gids.
"""

import numpy as np

NETWORK = '''
import sys
import numpy as np
from ecsmpi import rxd
from neuron import n
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
rxd.options.reproducible = "reproducible" in sys.argv

class Cell:
    """A spiking cell that the one before it in a ring excites."""
    def __init__(self, gid):
        self.soma, self.dendrite = n.Section(name="soma", cell=self), n.Section(name="dendrite", cell=self)
        self.dendrite.connect(self.soma(1))
        x, y, z = 12 + 9 * gid, 20 + 37 * (gid % 3), 15 + 23 * (gid % 4)
        for sec, (a, b) in ((self.soma, ((x, y, z), (x + 11, y, z))), (self.dendrite, ((x + 11, y, z), (x + 15, y + 12, z + 9)))):
            for point in (a, b):
                sec.pt3dadd(*point, 5)
            sec.insert("hh")
        self.soma.nseg = 3
        self.clamp = n.IClamp(self.soma(0.5))
        self.clamp.delay, self.clamp.dur, self.clamp.amp = 0.1 + 0.2 * gid, 2, 0.5
        pc.set_gid2node(gid, rank)
        self.out = n.NetCon(self.soma(0.5)._ref_v, None, sec=self.soma)
        pc.cell(gid, self.out)
        self.synapse = n.ExpSyn(self.dendrite(0.7))

cells = {gid: Cell(gid) for gid in range(rank, 8, ranks)}
for gid, cell in cells.items():
    cell.into = pc.gid_connect((gid - 1) % 8, cell.synapse)
    cell.into.delay, cell.into.weight[0] = 0.9, 0.02
spikes, gids = n.Vector(), n.Vector()
pc.spike_record(-1, spikes, gids)

ecs = rxd.Extracellular(0, 0, 0, 100, 120, 110, dx=(2.5, 20, 22), volume_fraction=0.05, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 4 if node.x3d < 50 else 3)
na = rxd.Species(ecs, d=1.78, name="na", charge=1)
still = rxd.Species(ecs, d=0, initial=lambda node: node.x3d)
n.dt = 0.025
pc.set_maxstep(10)

def final():
    """All that a run ends with, the same on every rank."""
    mine = {gid: [(seg.v, seg.hh.m, seg.ko, seg.nao) for sec in (cell.soma, cell.dendrite) for seg in sec]
            for gid, cell in cells.items()}
    everyone = {gid: rows for part in pc.py_allgather(mine) for gid, rows in part.items()}
    fired = sorted(pair for part in pc.py_allgather(list(zip(spikes, gids))) for pair in part)
    return {"t": n.t, "k": np.array(k[ecs].states3d), "na": np.array(na[ecs].states3d), "still": np.array(still[ecs].states3d),
            "cells": np.array([row for gid in sorted(everyone) for row in everyone[gid]]), "spikes": np.array(fired)}
'''

FEATURES = NETWORK.replace(
    "n.dt = 0.025\n",
    """
rxd.options.grid_steps = 2 if "grid_steps" in sys.argv else 1
shape = ecs.box.shape
ecs.alpha = 0.05 + 0.01 * np.sin(np.arange(np.prod(shape))).reshape(shape)
ecs.tortuosity = lambda x, y, z: 1.6 + 0.1 * np.sin(x / 9)
swollen = rxd.Extracellular(0, 0, 0, 100, 120, 110, dx=(5, 40, 55), tortuosity=1.6)
alpha = rxd.State(swollen, d=0.3, initial=lambda node: 0.1 + 0.001 * node.x3d)
swollen.set_volume_fraction(alpha)
cl = rxd.Species(swollen, d=2.0, name="cl", charge=-1, initial=lambda node: 100 + node.y3d)
swells = rxd.Rate(alpha, 1e-4 * alpha * (cl - 130))
buffer = rxd.Species(ecs, d=0.1, initial=lambda node: 2 + 0.01 * node.x3d)
bound = rxd.Species(ecs, initial=0.1)
gate = rxd.State(ecs, initial=0.2)
strength = rxd.Parameter(ecs, value=lambda node: 0.01 * (1 + node.y3d / 100))
binding = rxd.Reaction(k + buffer, bound, strength, 0.05, where=lambda node: node.x3d > 30)
gating = rxd.Rate(gate, gate * (1 - gate) * (k - 3) / (k + 1))
pumped = rxd.Rate(k, -0.02 * gate * k / (k + 2))
k[ecs].node_by_location(51, 50, 50).include_flux(2e5)
k[ecs].node_by_location(11, 50, 50).include_flux(lambda: 1e5 * np.sin(n.t))
na[ecs].nodes((51, 50, 50)).include_flux(n._ref_t)
if 3 in cells:
    k[ecs].node_by_location(81, 90, 50).include_flux(cells[3].soma(0.5)._ref_v)
n.dt = 0.025
""",
).replace(
    '"still": np.array(still[ecs].states3d),',
    """"still": np.array(still[ecs].states3d),
            "cl": np.array(cl[swollen].states3d), "alpha": np.array(alpha[swollen].states3d),
            "others": np.array([one[ecs].states3d for one in (buffer, bound, gate)]),""",
)

GOES_ON = (
    FEATURES
    + """
out, to, since, at = sys.argv[1:5]
rxd.Checkpoint(to, every=f"{at} steps", keep=1, vectors={"spikes": spikes, "gids": gids})
if since != "-":
    rxd.restart(since)
n.finitialize(-65)
began = n.t
pc.psolve(5)
found = final()
if rank == 0:
    np.savez(out, began=began, **found)
"""
)

ONE_CELL = """
import sys
import numpy as np
from ecsmpi import rxd
from neuron import n
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
out, to, since, kind = sys.argv[1:5]
kept = []
for i in range(4):
    if rank == (0 if kind == "together" else i % ranks):
        sec = n.Section(name=f"sec{i}")
        sec.pt3dadd(5 + 9 * i, 5, 5, 3)
        sec.pt3dadd(9 + 9 * i, 9, 9, 3)
        sec.insert("hh")
        clamp = n.IClamp(sec(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0.3, 3, 0.1
        kept += [sec, clamp]
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, dx=2, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
if kind == "together":
    cyt = rxd.Region(kept[::2], name="cyt", nrn_region="i")
    ki = rxd.Species(cyt, name="ki", initial=0.1)
    membrane = rxd.Region(kept[::2], name="membrane", geometry=rxd.membrane())
    leak = rxd.MultiCompartmentReaction(ki[cyt], k[ecs], 1, 0.1, membrane=membrane)
n.dt = 0.025
pc.set_maxstep(0.5)
trace = n.Vector().record(k[ecs].node_by_location(9, 9, 9)._ref_value)
rxd.Checkpoint(to, every="40 steps", vectors={"trace": trace})
if since != "-":
    rxd.restart(since)
n.finitialize(-65)
pc.psolve(1.5)
states = k[ecs].states3d
if rank == 0:
    np.savez(out, k=states, trace=np.array(trace))
"""


def differences(found, expected, tolerance):
    return [
        name
        for name, value in expected.items()
        if name != "began"
        and not np.all(np.abs(found[name] - value) <= tolerance * np.abs(value).max())
    ]
