"""A model whose ranks change after a run: `changes_world.py WAY`."""

import sys

from ecsmpi import rxd
from mpi4py import MPI
from neuron import n

WAY = sys.argv[1]
if WAY == "an error in one world":
    n.ParallelContext().subworlds(1)

ecs = rxd.Extracellular(0, 0, 0, 6, 6, 6, dx=1)
k = rxd.Species(ecs, name="k", d=1, charge=1, initial=lambda node: node.x3d)
trace = n.Vector().record(k[ecs].node_by_ijk(1, 1, 1)._ref_value)
k[ecs].node_by_ijk(0, 0, 0).include_flux(6.0e5)
n.finitialize(-65)
n.fadvance()
whole = k[ecs].states3d.sum()

if WAY == "follows":
    rxd.options.comm = MPI.COMM_SELF
    n.finitialize(-65)
    n.fadvance()
    assert abs(k[ecs].states3d.sum() / whole - 1) < 1e-12, (k[ecs].states3d.sum(), whole)
    assert abs(trace[-1] / k[ecs].states3d[1, 1, 1] - 1) < 1e-12
    assert len(trace) == 2
    assert rxd.rank() == 0 and rxd.options.comm == MPI.COMM_SELF
    MPI.COMM_WORLD.Barrier()
    print("followed")
elif WAY == "an error in one world":
    if int(n.ParallelContext().id_world()) == 1:
        k.d = -1
    n.fadvance()
    MPI.COMM_WORLD.Barrier()
elif WAY == "rxd.options.comm":
    rxd.options.comm = MPI.COMM_SELF
    n.fadvance()
elif WAY == "subworlds":
    n.ParallelContext().subworlds(1)
    n.fadvance()
