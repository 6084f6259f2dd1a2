"""A small model for tests of files: one spiking cell on each rank in a box of 4 x 4 x 4 voxels."""

from ecsmpi import rxd
from neuron import n

pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())


class Cell:
    """One spiking segment."""

    def __init__(self, number):
        self.soma = n.Section("soma", self)
        self.soma.pt3dadd(20 * number, 0, 0, 8)
        self.soma.pt3dadd(20 * number + 8, 0, 0, 8)
        self.soma.insert("hh")
        self.clamp = n.IClamp(self.soma(0.5))
        self.clamp.delay, self.clamp.dur, self.clamp.amp = 0, 1000, 0.5


cell = Cell(rank)
pc.set_gid2node(rank, rank)
pc.cell(rank, n.NetCon(cell.soma(0.5)._ref_v, None, sec=cell.soma))
ecs = rxd.Extracellular(-20, -20, -20, 60, 60, 60, dx=20, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)
n.dt = 0.1
pc.set_maxstep(10)


def steps(count):
    """Go on by so many steps."""
    for _ in range(count):
        n.fadvance()


def run(count=20):
    """Initialise, and take some steps."""
    n.finitialize(-65)
    steps(count)
