"""Rank 0 sets a part of states3d, as a script of one rank does."""

from ecsmpi import rxd
from neuron import n

ecs = rxd.Extracellular(0, 0, 0, 60, 30, 30, 10)
k = rxd.Species(ecs, name="k", charge=1, initial=3)
n.finitialize(-65)
if rxd.rank() == 0:
    k[ecs].states3d[2:4] = 5
n.fadvance()
