"""A network for the tests of reports: five spiking cells with gids, dealt out to the ranks."""

from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
n.dt, n.steps_per_ms = 0.1, 10


class Cell:
    """A soma, and a dendrite of three segments, that spikes."""

    def __init__(self, number):
        x = 20 * number
        self.soma = n.Section("soma", self)
        self.soma.pt3dadd(x, 0, 0, 8)
        self.soma.pt3dadd(x + 8, 0, 0, 8)
        self.dendrite = n.Section("dendrite", self)
        self.dendrite.pt3dadd(x + 8, 0, 0, 2)
        self.dendrite.pt3dadd(x + 8, 30, 10, 2)
        self.dendrite.connect(self.soma(1))
        self.dendrite.nseg = 3
        self.soma.insert("hh")
        self.dendrite.insert("pas").insert("k_ion")
        self.clamp = n.IClamp(self.soma(0.5))
        self.clamp.delay, self.clamp.dur, self.clamp.amp = 3 * number, 1000, 0.05


def rank_of(number):
    """The rank that makes a cell; of four or more ranks the first one makes none."""
    return number % ranks if ranks < 4 else 1 + number % (ranks - 1)


cells = {10 * i + 3: Cell(i) for i in (4, 0, 2, 3, 1) if rank_of(i) == rank}
for gid, cell in cells.items():
    pc.set_gid2node(gid, rank)
    pc.cell(gid, n.NetCon(cell.soma(0.5)._ref_v, None, sec=cell.soma))
ecs = rxd.Extracellular(-20, -20, -20, 120, 60, 40, dx=(14, 16, 12), volume_fraction=0.2)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
pc.set_maxstep(10)
