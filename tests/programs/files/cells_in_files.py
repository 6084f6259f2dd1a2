"""Writes a file of frames of seven cells, five with gids, dealt over the ranks: FOLDER."""

from pathlib import Path
import sys

from ecsmpi import rxd
from neuron import n

folder = Path(sys.argv[1])
pc = n.ParallelContext()


class Cell:
    """A soma by its points, and a dendrite of which only the length is known."""

    def __init__(self, i):
        self.soma = n.Section("soma", self)
        for x in (0.0, 5.0, 10.0):
            self.soma.pt3dadd(40.0 * i + x, -x, 2.0 * x, 10 + i + x / 5)
        self.dend = n.Section("dend", self)
        self.dend.connect(self.soma(1))
        self.dend.L = 20 + i


cells = {}
for gid in (3, 13, 23, 33, 43):
    if gid // 10 % int(pc.nhost()) == int(pc.id()):
        cells[gid] = Cell(gid // 10)
        pc.set_gid2node(gid, pc.id())
        pc.cell(gid, n.NetCon(cells[gid].soma(0.5)._ref_v, None, sec=cells[gid].soma))
if pc.id() == 0:
    alone = [n.Section("alone"), n.Section("bare")]
    for x in (0.0, 7.0):
        alone[0].pt3dadd(x, 1.0, 2.0, 3.0)
    alone[1].L = 5
ecs = rxd.Extracellular(-100, -100, -100, 300, 100, 100, dx=50)
k = rxd.Species(ecs, name="k", charge=1, initial=3)
output = rxd.Output(folder / "k.h5", every=0.1)
without = rxd.Output(folder / "without.h5", every=0.1, cells=False)
n.dt = 0.1
n.finitialize(-65)
n.fadvance()
