"""NaN does not come through a pointer into the box: `pointers_not_finite.py read|step`."""

import sys

from ecsmpi import rxd
from neuron import n

pc = n.ParallelContext()
ecs = rxd.Extracellular(0, 0, 0, 40, 30, 30, 10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)
n.dt = 0.1
n.finitialize(-65)
good, bad = k[ecs].node_by_ijk(1, 1, 1), k[ecs].node_by_ijk(3, 2, 1)
to_good, to_bad = good._ref_value, bad._ref_value
to_good[0], to_bad[0] = 5, float("nan")
try:
    if sys.argv[1] == "read":
        k[ecs].states3d.sum()
    else:
        n.fadvance()
except ValueError as error:
    assert (
        "k is set to nan mM through the pointer (_ref_value) to voxel (3, 2, 1) at (35, 25, 15) um"
        in str(error)
    ), error
else:
    sys.exit("NaN was taken")
assert (to_bad[0], bad.value, good.value) == (3, 3, 5)
n.fadvance()
assert abs(k[ecs].states3d.sum() - 110) < 1e-9
print("goes on")
