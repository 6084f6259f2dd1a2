"""A node's trace goes on after a restart on other ranks: restart_traces.py FOLDER [again]"""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

folder, again = sys.argv[1], sys.argv[2:] == ["again"]
n.dt = 0.1
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, 10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=lambda node: node.x3d)
trace, own = n.Vector().record(k[ecs].node_by_ijk(0, 0, 0)._ref_value), n.Vector()
checkpoint = rxd.Checkpoint(
    folder + "-again" * again, every="3 steps", vectors={"trace": trace, "own": own}
)
if again:
    rxd.restart(folder)
n.finitialize(-65)
if not again:
    own.from_python([rxd.rank()])
for _ in range(3):
    n.fadvance()
if again:
    assert trace.size() == 7 and (np.diff(trace) > 0).all(), list(trace)
    assert list(own) == ([0, 1] if rxd.rank() == 0 else []), list(own)
