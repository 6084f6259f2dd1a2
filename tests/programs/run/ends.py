"""A script ends in one of several ways while rank 0 still reads: `ends.py KIND`.

Ranks take each other for ranks of other machines.
"""

import sys
import time

from ecsmpi.ranks import peers

peers._machine = lambda: str(time.time_ns())

from ecsmpi import rxd  # noqa: E402
from neuron import n  # noqa: E402

kind = sys.argv[1]
pc = n.ParallelContext()
ecs = rxd.Extracellular(0, 0, 0, 40, 30, 30, 10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=lambda node: node.x3d)
n.finitialize(-65)
n.fadvance()
if pc.id() == 0:
    time.sleep(0.5)
    print("mean", k[ecs].states3d.mean(), flush=True)
if kind in ("runworker", "quit"):
    pc.runworker()
    pc.done()
if kind in ("quit", "quit alone"):
    n.quit()
if pc.id() == 0:
    print("mean", k[ecs].states3d[2:].mean(), flush=True)
