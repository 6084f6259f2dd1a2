"""Writes k.h5: the whole box, a slice, a mean and diagnostics."""

from ecsmpi import rxd
from neuron import n

ecs = rxd.Extracellular(0, 0, 0, 20, 20, 20, dx=5)
k = rxd.Species(ecs, name="k", charge=1, d=1, initial=lambda node: 3 + node.x3d)
items = [rxd.Field(k, compression=4), rxd.Slice(k, z=3), rxd.Mean(k, axis="x")]
output = rxd.Output("k.h5", every=0.1, items=items)
watch = rxd.Diagnostics(k, every=0.1, threshold=5, balance=True, output=output)
n.dt = 0.1
n.finitialize(-65)
for _ in range(8):
    n.fadvance()
