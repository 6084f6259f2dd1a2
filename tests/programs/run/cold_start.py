"""A small model from a cold start: what this process compiled, its memory, and the answer.

`cold_start.py [nowhere | ends]`: with "nowhere", Python is not found for the process that compiles;
with "ends", that process ends at once.
"""

import os
import resource
import sys

from numba.core import event

compiled = event.RecordingListener()
event.register("numba:compile", compiled)

from ecsmpi import rxd  # noqa: E402
from ecsmpi.ranks import compiling  # noqa: E402
from neuron import n  # noqa: E402


def children():
    """The numbers of this process's children, of which Open MPI may have made one."""
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return set(file.read().split())


if "nowhere" in sys.argv:
    sys.executable = "/nowhere/python"
if "ends" in sys.argv:
    compiling.PROGRAM = "import sys; sys.exit(1)"

cell = n.Section("cell")
cell.pt3dadd(50, 50, 20, 5)
cell.pt3dadd(50, 50, 80, 5)
cell.insert("hh")
ecs = rxd.Extracellular(0, 0, 0, 100, 100, 100, dx=10)
k = rxd.Species(ecs, name="k", d=1, charge=1, initial=lambda node: 3 + 0.01 * node.x3d)
decay = rxd.Rate(k, -0.25 * k)
before = children()
n.finitialize(-65)
left = len(children() - before)
n.fadvance()
names = [
    one.data["dispatcher"].py_func.__qualname__ for _, one in compiled.buffer if one.is_start
]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(
    f"compiled {len(names)} {names} peak {peak} left {left} mean {k[ecs].states3d.mean().hex()}"
)
