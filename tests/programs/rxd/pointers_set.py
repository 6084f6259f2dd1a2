"""Voxels are set through NEURON's pointers to them: pointers_set.py RESULT.npz [neuron]

Each rank has a cell, and sets what the comments say. What is saved is the same in NEURON, and on
any number of ranks.
"""

import sys

import numpy as np

if sys.argv[2:] == ["neuron"]:
    from neuron import rxd
else:
    from ecsmpi import rxd
from neuron import n

pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
last = ranks - 1
ecs = rxd.Extracellular(0, 0, 0, 60, 30, 30, 10, volume_fraction=0.2)
k = rxd.Species(ecs, d=100, name="k", charge=1, initial=lambda node: 3 + node.x3d / 100)
tracer = rxd.Species(ecs, d=10, name="tracer", charge=0, initial=1)
cell = n.Section(f"cell{rank}")
cell.L = cell.diam = 5
recorded = {}
kept = []


def node(species, i):
    """A voxel in the middle of plane i, which is the last rank's for i = 5."""
    return species[ecs].node_by_ijk(i, 1, 1)


def follow(name, species, i):
    """Record a voxel, on every rank."""
    recorded[name] = n.Vector().record(node(species, i)._ref_value)


for i in (0, 2, 5):
    follow(f"k {i}", k, i)
    follow(f"tracer {i}", tracer, i)

# played by all ranks, in steps; and by the last one alone, continuously
steps = n.Vector([7, 6, 5, 4, 9, 9, 8])
steps.play(node(k, 5)._ref_value, 0.05)
if rank == last:
    values, times = n.Vector([1, 3, 2]), n.Vector([0.2, 0.4, 0.6])
    values.play(node(tracer, 0)._ref_value, times, False)

# a mechanism of rank 0 adds to a voxel of the last one
if rank == 0 and hasattr(n, "Setter"):
    setter = n.Setter(cell(0.5))
    setter.rate = 2
    n.setpointer(node(tracer, 5)._ref_value, "conc", setter)

n.finitialize(-65)
seen = [node(k, 5).value]
for step in range(16):
    n.fadvance()
    if step == 3 and rank == 0:
        node(k, 5)._ref_value[0] = 44
        assert node(k, 5).value == 44
        assert k[ecs].states3d[5, 1, 1] == 44
        assert k[ecs].nodes((55, 15, 15)).value[0] == 44
    if step == 5:
        node(k, 0).value = 10  # what comes last counts, however it is set
        assert node(k, 0)._ref_value[0] == 10
        node(k, 0)._ref_value[0] = 20
        node(k, 2)._ref_value[0] = 20
        node(k, 2).value = 11
        assert node(k, 2)._ref_value[0] == 11
    if step == 7:
        tracer[ecs].nodes.value = 2
        assert node(tracer, 5)._ref_value[0] == 2
    if step == 9 and rank == last:  # several at once, of which some are first pointed to here
        several = n.PtrVector(6)
        for i in range(6):
            several.pset(i, k[ecs].node_by_ijk(i, 0, 0)._ref_value)
        several.scatter(n.Vector([30, 31, 32, 33, 34, 35]))
    if step == 12:
        kept.append(np.array(k[ecs].states3d))
        n.fcurrent()
    seen.append(node(k, 5).value if step != 3 or rank == 0 else 44)
found = {name: np.array(vector) for name, vector in recorded.items()}
found |= {
    "seen": seen,
    "in between": kept[0],
    "k": np.array(k[ecs].states3d),
    "tracer": np.array(tracer[ecs].states3d),
}
n.finitialize(-65)  # what was set is forgotten
node(k, 0)._ref_value[0] = 17
n.fadvance()
found["again"] = np.array(k[ecs].states3d)
if rank == last:
    pc.barrier()
    np.savez(sys.argv[1], **found)
else:
    pc.barrier()
