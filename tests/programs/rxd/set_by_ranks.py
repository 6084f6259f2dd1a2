"""What ranks set between two steps, in ways that are easy to get wrong: set_by_ranks.py RESULT.npz

Each number is the same on any number of ranks; that of `by the rank` is the number of ranks.
"""

import sys

from ecsmpi import rxd
from mpi4py import MPI
from neuron import n
import numpy as np

pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
last = ranks - 1
ecs = rxd.Extracellular(0, 0, 0, 60, 30, 30, 10, volume_fraction=0.2)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=lambda node: 3 + node.x3d / 100)
twice = rxd.Species(ecs, d=1, initial=lambda node: 2 * k[ecs].node_by_ijk(*ijk(node)).value)
saved = {}


def ijk(node):
    """The voxel of a node of the box, whose voxels are 10 um wide."""
    return [int(x // 10) for x in (node.x3d, node.y3d, node.z3d)]


def keep(name, species, on):
    """Keep the box of a species as one rank reads it, and see that all read the same."""
    box = np.array(species[ecs].states3d)
    assert all(np.array_equal(box, other) for other in MPI.COMM_WORLD.allgather(box)), (
        name,
        rank,
        box,
    )
    saved[name] = box


# initial concentrations that read those of another species, which is elsewhere by then
n.finitialize(-65)
k[ecs].concentration = 9
n.fadvance()
if rank == last:
    assert np.allclose(
        k[ecs].states3d, 9
    )  # what is kept of this must not answer in n.finitialize
n.finitialize(-65)
keep("initial of initial", twice, 0)
n.fadvance()

# a State that is made in mid-run, and set before its first step
one = rxd.State(ecs, initial=1)
decay = rxd.Rate(one, -0.1 * one)
if rank == last:
    one[ecs].node_by_ijk(0, 0, 0).value = 40
    one[ecs].nodes[one[ecs].nodes.x3d > 50].value = 50
n.fadvance()
keep("new, set by one", one, 0)
n.fadvance()
keep("and a step later", one, last)
other = rxd.State(ecs, initial=1)
other_decays = rxd.Rate(other, -0.1 * other)
other[ecs].concentration = 20
other[ecs].node_by_ijk(5, 0, 0).value = 30
n.fadvance()
n.fadvance()
keep("new, set by all", other, last)

# the highest rank counts, wherever the voxel lies
twice.d = 0
n.fadvance()
for i in range(6):
    twice[ecs].node_by_ijk(i, 0, 0).value = 1 + rank
twice[ecs].nodes[twice[ecs].nodes.y3d > 20].value = np.full(18, 1.0 + rank)
n.fadvance()
keep("by the rank", twice, 0)
saved["by the rank"] = np.concatenate(
    [saved["by the rank"][:, 0, 0], saved["by the rank"][:, 2].reshape(-1)]
)
twice[ecs].concentration = 1 + rank
n.fadvance()
assert (twice[ecs].states3d == ranks).all()

# functions give what they give when the script says so: on one rank, on all
for setters in ({last}, set(range(ranks))):
    if rank in setters:
        for j in range(3):
            row = twice[ecs].nodes[twice[ecs].nodes.y3d == 5 + 10 * j]
            row.value = lambda node: 10 * j + node.x3d
        twice[ecs].nodes[twice[ecs].nodes.z3d > 20].value = lambda node: (
            2 * k[ecs].node_by_ijk(*ijk(node)).value
        )
    k[ecs].concentration = 5
    n.fadvance()
    keep(f"functions of {len(setters) == ranks}", twice, 0)
    n.fadvance()
saved.pop("functions of False", None)
offset = 7
twice[ecs].concentration = rxd.from_function(lambda x, y, z: offset + x + 0 * y + 0 * z)
offset = 9
n.fadvance()
keep("a function of arrays", twice, 0)

# NEURON's SaveState has what one rank has set in the planes of another
if rank == 0:
    k[ecs].node_by_ijk(5, 0, 0).value = 44
state = n.SaveState()
state.save()
for _ in range(3):
    n.fadvance()
state.restore()
keep("saved", k, last)

if rank == 0:
    np.savez(sys.argv[1], **saved)
