"""One of two species has a NaN: `one_nan.py OUTPUT GRAIN`."""

import itertools
import sys

from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.description.profiles import ArrayProfile
from ecsmpi.solver.exchange import plan_exchange
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.stepper import Stepper
from mpi4py import MPI
import numpy as np

comm = MPI.COMM_WORLD
grain = int(sys.argv[2]) or None
slabs = Slabs(5, comm.size, grain)
lo, hi = slabs.planes(comm.rank)


def after_a_nan(nz, wall, varies):
    box = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (5, 11, nz))
    ions = [SpeciesSpec(name, (1.0, 1.0, 1.0), 1, wall=wall) for name in ("k", "na")]
    fields = [SlabField(box, (lo, hi)) for _ in ions]
    for field in fields:
        field.owned[:] = 3.0
    if lo <= 2 < hi:
        fields[0].owned[2 - lo, 5, 3] = np.nan
    fractions = np.linspace(0.2, 0.4, box.voxels).reshape(box.shape)
    tissue = Tissue(ArrayProfile(fractions)) if varies else Tissue()
    exchange = plan_exchange(comm, slabs, box.plane, np.zeros(0, dtype=np.int64), len(ions))
    stepper = Stepper(comm, box, tissue, ions, fields, exchange)
    for _ in range(3):
        stepper.advance(1.0, 0.0)
    stepper.free()
    exchange.free()
    return [np.concatenate(comm.allgather(field.owned)) for field in fields]


lines = (6, 21, 35)  # short lines, of one register or three, and long ones
found = {}
for nz, wall, varies in itertools.product(lines, (None, 3.0), (False, True)):
    key = f"{nz} voxels, wall {wall}, tissue varies: {varies}"
    found[key] = after_a_nan(nz, wall, varies)
if comm.rank == 0:
    np.savez(sys.argv[1], **found)
