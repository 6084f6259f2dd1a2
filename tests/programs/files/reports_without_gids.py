"""Reports cells without gids: one of two sections on each rank, and single sections."""

from ecsmpi import rxd
from neuron import n

rank = int(n.ParallelContext().id())
sections = [n.Section(f"a{i}") for i in range(2 + rank)]
for i, sec in enumerate(sections):
    sec.insert("pas").e_pas = -60 - i - 10 * rank
    sec.nseg = 1 + i
sections[1].connect(sections[0](1))  # one cell of two sections
ecs = rxd.Extracellular(-200, -200, -200, 400, 200, 200, dx=100)
k = rxd.Species(ecs, name="k", charge=1, initial=3)
report = rxd.SegmentReport("r.h5", "e_pas", every=0.1)
n.dt = 0.1
n.finitialize(-65)
n.fadvance()
del sec, sections  # before the last frame is taken
