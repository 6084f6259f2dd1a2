"""Scripts read and set concentrations on some ranks only, in many ways.

Each way leaves numbers that one rank leaves too.

reading_anywhere.py RESULT.npz [apart]     apart: ranks take each other for ranks of other machines
"""

import sys
import time

from ecsmpi.ranks import peers
import numpy as np

if sys.argv[2:] == ["apart"]:
    peers._machine = lambda: str(time.time_ns())

from ecsmpi import rxd
from mpi4py import MPI
from neuron import n

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
last = ranks - 1
n.dt, n.steps_per_ms = 0.1, 10

ecs = rxd.Extracellular(
    -50, -40, -40, 51, 42, 60, (7, 8, 9), volume_fraction=0.2, tortuosity=1.6
)
other = rxd.Extracellular(0, 0, 0, 30, 40, 50, 5)
k = rxd.Species(
    [ecs, other], d=2.62, name="k", charge=1, initial=lambda node: 3 + node.x3d / 50
)
na = rxd.Species(ecs, d=1.8, name="na", charge=1, initial=lambda node: 140 + node.y3d / 9)
cells = {}
for i in range(4):
    if i % ranks == rank:
        cell = cells[i] = n.Section(name=f"cell{i}")
        cell.pt3dadd(20 * i - 30, 0, 0, 5)
        cell.pt3dadd(20 * i - 25, 8, 30, 4)
        cell.insert("hh")
saved = {}


def keep(name, value, on=0):
    """Keep what one rank has found; the others know nothing of it."""
    if rank == on:
        saved[name] = np.array(value)


# before anything is initialised
keep("unplanned", k[ecs].states3d)
keep("unplanned node", k[ecs].node_by_location(0, 0, 0).value, on=last)

pc.set_maxstep(10)
n.finitialize(-65)
keep("at the start", k[ecs].states3d, on=last)

# one rank looks after each part of the run; the last one looks at another species
for stop in (0.5, 1.0, 1.5):
    pc.psolve(stop)
    if rank == 0:
        keep(f"mean {stop}", k[ecs].states3d.mean(2))
    if rank == last:
        keep(f"na {stop}", na[ecs].states3d, on=last)
        keep(f"other box {stop}", k[other].nodes.value, on=last)

# right before calls of NEURON's and of MPI's that all make
if rank == 0:
    keep("before barrier", k[ecs].states3d.max())
pc.barrier()
if rank == last:
    keep("before allreduce", na[ecs].nodes.value.min(), on=last)
pc.allreduce(1.0, 1)
if rank == 0:
    keep("before alltoall", k[ecs].concentration.sum())
pc.py_alltoall([rank] * ranks)
if rank == 0:
    keep("before mpi4py", k[ecs].states3d.std())
MPI.COMM_WORLD.allgather(rank)

# loops over nodes, and single nodes
if rank == 0:
    keep("loop", [(node.x3d, node.value) for node in k[ecs].nodes])
if rank == last:
    keep("node", k[ecs].nodes((20, 3, 4))[0].value, on=last)
    keep("mask", na[ecs].nodes[na[ecs].nodes.x3d > 10].value, on=last)
keep("gathered", k[ecs].gather(root=0) if rank == 0 else 0)
assert k[ecs].gather(root=last) is None or rank == last

# the others are in the next step while one still reads
for _ in range(rank):
    assert np.isfinite(k[ecs].states3d).all()  # rank r reads r times
if rank == 0:
    begin = k[ecs].states3d
    time.sleep(0.3)
    again = [node.value for node in k[ecs].nodes]
    keep("unchanged", [np.array_equal(begin.reshape(-1), again)])
n.fadvance()

# one rank sets a voxel, a half of the box, all of it; the rest sets nothing
if rank == last:
    k[ecs].node_by_location(-40, 0, 0).value = 50
    assert k[ecs].node_by_location(-40, 0, 0).value == 50
    assert k[ecs].states3d.max() == 50
n.fadvance()
keep("set by the last", k[ecs].states3d)
if rank == 0:
    nodes = k[ecs].nodes
    nodes[nodes.x3d > 0].value = 7
    nodes[nodes.x3d > 30].value = lambda node: node.z3d / 10 + 5
    keep("seen at once", nodes.value)
n.fadvance()
keep("set by the first", k[ecs].states3d, on=last)
if rank == last:
    na[ecs].concentration = np.linspace(100, 150, na[ecs].region.box.voxels)
n.fadvance()
keep("whole", na[ecs].states3d)

# all ranks do the same, and what they read is what was there, however fast the others are
for node in k[other].nodes[:40]:
    node.value = 2 * node.value
keep("doubled", k[other].states3d, on=last)
k[other].nodes.value = 1.5 * k[other].nodes.value
n.fadvance()
keep("after doubling", k[other].states3d)
keep("segments", [cells[0].ko] if rank == 0 else 0)

# a function that one rank alone has put into the queue
if rank == 0:
    n.CVode().event(n.t + 0.35, lambda: keep("in an event", na[ecs].states3d))
pc.psolve(n.t + 1)


class Looks:
    """Reads in each step, on one rank alone."""

    found = []

    def started(self, simulation, t):
        pass

    def stepped(self, simulation, t):
        if rank == last:
            self.found.append(k[ecs].states3d.min())

    def ended(self):
        pass


rxd.add_observer(Looks())
pc.psolve(n.t + 0.5)
keep("observed", Looks.found, on=last)

everything = MPI.COMM_WORLD.gather(saved)
if rank == 0:
    time.sleep(0.3)  # the others have come to the end of the script
    found = {name: value for part in everything for name, value in part.items()}
    np.savez(sys.argv[1], **found, at_the_end=k[ecs].states3d)
