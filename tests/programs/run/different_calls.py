"""Ranks that make different calls: different_calls.py KIND on two ranks."""

import sys
import time

from ecsmpi import rxd
from neuron import n

kind = sys.argv[1]
pc = n.ParallelContext()
rank = int(pc.id())
ecs = rxd.Extracellular(0, 0, 0, 40, 30, 30, 10, volume_fraction=0.2)
k = rxd.Species(
    ecs, d=1, name="k", charge=1, initial=3, ecs_boundary_conditions={"xlo": lambda t: wall()}
)


def wall():
    """mM at the wall; on demand it reads what it must not."""
    return k[ecs].states3d.mean() if kind == "read in a step" and n.t > 0.05 else 3


n.finitialize(-65)
n.fadvance()
if kind == "alpha and a step":
    if rank == 0:
        ecs.alpha = 0.3
    else:
        n.fadvance()
elif kind == "alpha and tortuosity":
    if rank == 0:
        ecs.alpha = 0.3
    else:
        ecs.tortuosity = 1.5
elif kind == "step and the end":
    if rank == 0:
        n.fadvance()
elif kind == "alpha alone":
    if rank == 0:
        ecs.alpha = 0.3
    pc.barrier()
elif kind == "read in a step":
    for _ in range(10):
        n.fadvance()
elif kind == "long read":
    begin = time.process_time()
    if rank == 0:
        time.sleep(2)
    n.fadvance()
    if rank == 1:
        print("took", time.process_time() - begin)
