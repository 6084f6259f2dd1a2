"""A model whose reaction is compiled."""

from ecsmpi import rxd
from neuron import n

ecs = rxd.Extracellular(0, 0, 0, 4, 4, 4, dx=1)
k = rxd.Species(ecs, name="k", d=1, charge=1, initial=3)
decay = rxd.Rate(k, -0.25 * k)
n.finitialize(-65)
n.fadvance()
print("value", k[ecs].states3d[0, 0, 0] < 3)
