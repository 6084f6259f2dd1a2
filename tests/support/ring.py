"""A model for programs of restarts: a ring of eight spiking cells, three species in a box.

With "reproducible" among the arguments of the program, results do not depend on the ranks.
"""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
rxd.options.reproducible = "reproducible" in sys.argv


class Cell:
    """A spiking cell that the one before it in the ring excites."""

    def __init__(self, gid):
        self.soma = n.Section(name="soma", cell=self)
        self.dendrite = n.Section(name="dendrite", cell=self)
        self.dendrite.connect(self.soma(1))
        x, y, z = 12 + 9 * gid, 20 + 37 * (gid % 3), 15 + 23 * (gid % 4)
        start, middle, end = (x, y, z), (x + 11, y, z), (x + 15, y + 12, z + 9)
        for sec, points in ((self.soma, (start, middle)), (self.dendrite, (middle, end))):
            for point in points:
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

high = (100, 120, 110)
ecs = rxd.Extracellular(0, 0, 0, *high, dx=(2.5, 20, 22), volume_fraction=0.05, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 4 if node.x3d < 50 else 3)
na = rxd.Species(ecs, d=1.78, name="na", charge=1)
still = rxd.Species(ecs, d=0, initial=lambda node: node.x3d)
n.dt = 0.025
pc.set_maxstep(10)


def final():
    """Return all that a run ends with, the same on every rank. Collective."""
    mine = {}
    for gid, cell in cells.items():
        segments = [seg for sec in (cell.soma, cell.dendrite) for seg in sec]
        mine[gid] = [(seg.v, seg.hh.m, seg.ko, seg.nao) for seg in segments]
    everyone = {}
    for rows_of_rank in pc.py_allgather(mine):
        everyone.update(rows_of_rank)
    fired = []
    for of_rank in pc.py_allgather(list(zip(spikes, gids))):
        fired += of_rank
    found = {"t": n.t, "spikes": np.array(sorted(fired))}
    found["cells"] = np.array([row for gid in sorted(everyone) for row in everyone[gid]])
    for name, species in (("k", k), ("na", na), ("still", still)):
        found[name] = np.array(species[ecs].states3d)
    return found
