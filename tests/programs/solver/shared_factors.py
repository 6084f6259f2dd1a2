"""Species that differ in the values at their faces, or in more: `shared_factors.py OUTPUT`.

It saves which of them have the factors of the first.
"""

import sys

from ecsmpi.description.boundaries import Bath, Faces, Held
from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.solver.heterogeneous import HeterogeneousDiffusion, HeterogeneousWorkspace
from ecsmpi.solver.timing import Phases
from ecsmpi.solver.tissue import Conductances, SlabTissue
from ecsmpi.solver.workspace import Workspace
from mpi4py import MPI
import numpy as np

comm = MPI.COMM_WORLD
box = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (6, 5, 4))
slabs = Slabs(6, comm.size)
workspace = Workspace(comm, box, slabs, Phases())
heterogeneous = HeterogeneousWorkspace(workspace)
conductances = Conductances(comm, box, SlabTissue(box, slabs.planes(comm.rank), Tissue(0.2)))


def diffusion(xlo, yhi, d=(1.0, 1.0, 1.0)):
    species = SpeciesSpec("k", d, faces=Faces((xlo, None, None, yhi, None, None)))
    voxels = np.zeros(0, dtype=np.uint32)
    u = np.zeros((slabs.planes(comm.rank)[1] - slabs.planes(comm.rank)[0] + 2, 5, 4))
    return HeterogeneousDiffusion(heterogeneous, species, conductances, voxels, u)


species = {
    "first": diffusion(Held(1.0), Bath(2.0, 0.5)),
    "other values": diffusion(Held(3.0), Bath(np.sin, 0.5)),
    "other permeability": diffusion(Held(1.0), Bath(2.0, 0.4)),
    "other kind": diffusion(Bath(1.0, 0.5), Bath(2.0, 0.5)),
    "one closed": diffusion(Held(1.0), None),
    "other d": diffusion(Held(1.0), Bath(2.0, 0.5), (1.0, 2.0, 1.0)),
}
factors = {name: one.factors(0.1) for name, one in species.items()}
same = {name: each is factors["first"] for name, each in factors.items()}
workspace.free()
if comm.rank == 0:
    np.savez(sys.argv[1], **same)
