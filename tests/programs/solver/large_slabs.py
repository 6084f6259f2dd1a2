"""Entries exchange with slabs of billions of voxels, of which no field is in memory.

`large_slabs.py OUTPUT PLANE`: six planes of PLANE voxels on all ranks, entries in first and last
voxels of each plane.
"""

import sys

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.exchange import ExactExchange, Exchange
from mpi4py import MPI
import numpy as np

comm = MPI.COMM_WORLD
plane = int(sys.argv[2])
slabs = Slabs(6, comm.size)
first = slabs.planes(comm.rank)[0] * plane
voxels = np.concatenate([np.arange(6) * plane, np.arange(1, 7) * plane - 1])
at = np.arange(voxels.size, dtype=np.uint32)
saved = {}
for kind in (Exchange, ExactExchange):
    exchange = kind(comm, slabs, plane, voxels, 1)
    exchange.add_sources(0, 1.0 + at, at, np.ones(voxels.size), 1.0)
    exchange.send_sources()
    sums = comm.gather((exchange.local_voxels.astype(np.int64) + first, exchange.sources[0]))
    exchange.values[0][:] = exchange.local_voxels.astype(np.int64) + first
    exchange.fetch_values()
    got = np.full(voxels.size, np.nan)
    exchange.scatter_values(0, got, at)
    assert np.array_equal(got, voxels), (comm.rank, got, voxels)
    exchange.free()
    if comm.rank == 0:
        where, what = (np.concatenate(each) for each in zip(*sums))
        saved[f"{kind.__name__} voxels"] = where
        saved[f"{kind.__name__} sources"] = what
if comm.rank == 0:
    np.savez(sys.argv[1], **saved)
