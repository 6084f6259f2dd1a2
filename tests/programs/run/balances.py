"""Species whose amounts must balance: `balances.py OUTPUT BACKEND FILE`."""

import sys

import ecsmpi
from ecsmpi.files import output as files
import numpy as np

from support.model import box, cells, n, rank, ranks, rxd, save, steps, uneven

files.ROWS_WAIT = 1e9
ecs, made = box(), cells()
shut = rxd.Extracellular(-50, 200, -40, 51, 260, 60, 9)
if rank == ranks - 1:
    inside = made[9] = n.Section(name="at_the_wall_and_inside")
    for y in (202, 238):
        inside.pt3dadd(-20, y, 10, 5)
    inside.nseg = 4
    inside.insert("hh")
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
held = rxd.Species(shut, d=500, name="k", charge=1, initial=uneven, ecs_boundary_conditions=4)
buffer = rxd.Species(ecs, d=0, name="buffer", charge=0, initial=2)
bound = rxd.Species(ecs, d=0, name="bound", charge=0, initial=0.5)
binds = rxd.Reaction(na + buffer, bound, 1e-4, 0.02)
output = rxd.Output(sys.argv[3], every=5, items=[rxd.Slice(k, z=0)])
of_bound = rxd.Diagnostics(bound, every=1, balance=True, output=output)
asked = dict(threshold=3.05, front="y", centre=(0, 0, 3), shell=15)
of_k = rxd.Diagnostics(k, every=1, balance=True, output=output, **asked)
of_na = rxd.Diagnostics("na", every=0.5, balance=True, output=output, name="sodium")
of_held = rxd.Diagnostics(held, every=2, balance=True, path=sys.argv[3].replace("run", "held"))
n.finitialize(-65)
steps(7)
n.finitialize(-65)
boxes = [k[ecs].states3d.copy()]
for _ in range(30):
    steps(10)
    boxes.append(k[ecs].states3d.copy())
tables = {}
for name, one in (("k", of_k), ("na", of_na), ("held", of_held), ("bound", of_bound)):
    for column, values in one.table.items():
        tables[f"{name} {column}"] = values
assert of_k.balance()["residual"] == of_k.table["residual"][-1]
for bring, fewest, most in ((n.ParallelContext().barrier, 0, 1), (of_k.flush, 31, 31)):
    bring()
    if rank == 0:
        with ecsmpi.load(sys.argv[3]) as file:
            assert fewest <= len(file.diagnostics["k"]["time"]) <= most
left_open = ecsmpi.load(sys.argv[3])  # by every rank, until Python ends
save(boxes=np.array(boxes), held=np.array(held[shut].states3d), **tables)
