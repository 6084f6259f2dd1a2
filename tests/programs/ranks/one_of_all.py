"""A model that uses most of what speaks to other ranks; prints numbers of it.

It writes files into the current folder.
"""

import sys

from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")
rxd.options.reproducible = sys.argv[1] == "exact"
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
k = rxd.Species(ecs, name="k", d=2, charge=1, initial=lambda node: 3 + node.x3d / 100)
ca = rxd.Species(ecs, name="ca", d=2, charge=2, initial=1)
reaction = rxd.Reaction(k, ca, 0.1)
output = rxd.Output("grid.h5", every=0.5, items=[rxd.Field(k), rxd.Mean(ca, axis="x")])
numbers = rxd.Diagnostics(k, every=0.5, centre=(0, 0, 0), shell=10, balance=True)
soma = n.Section("soma")
soma.L = soma.diam = 10
soma.insert("hh")
report = rxd.SegmentReport("report.h5", ["v"], every=0.5)
checkpoint = rxd.Checkpoint("checkpoints", every="10 steps")
trace = n.Vector().record(k[ecs].node_by_ijk(1, 2, 3)._ref_value)
n.finitialize(-65)
n.continuerun(1)
values = [
    k[ecs].states3d.sum(),
    k[ecs].gather(0)[1, 2, 3],
    k[ecs].node_by_ijk(1, 2, 3).value,
    *k[ecs].nodes.value[:3],
    soma(0.5).ko,
    trace[-1],
    *numbers.table["radial_mean"][-1][:3],
    numbers.balance()["residual"] < 1e-6,
]
print("values", *(float(value).hex() for value in values))
