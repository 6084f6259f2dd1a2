"""Reactions in three planes, on any number of ranks: `on_ranks.py OUTPUT`."""

import sys

from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.reactions.rate_law import Law
from ecsmpi.reactions.reaction import Reactions, in_slab
from mpi4py import MPI
import numpy as np

from support.rate_trees import Concentration, call

comm = MPI.COMM_WORLD
shape = (3, 37, 41)
slabs = Slabs(3, comm.size)
box = Box((0.0,) * 3, (1.0,) * 3, shape)
lo, hi = planes = slabs.planes(comm.rank)
rng = np.random.default_rng(3)
mask = (rng.random(shape) < 0.5)[lo:hi]
mask[slice(None, 1 if lo == 0 else 0)] = False  # a set of laws that only some ranks have
fields = [rng.uniform(0.1, 30, shape)[lo:hi].copy() for _ in range(4)]
k, A, AK, B = (Concentration(i) for i in range(4))
binding = 0.01 * k * A / (1 + call("exp", -(k - 15) / 1.15)) - 0.02 * AK
laws = [
    Law(binding, {0: -1, 1: -1, 2: 1}, "buffer"),
    Law(0.1 * call("tanh", k), {0: -1, 3: 1}, "uptake", mask),
]
reactions = Reactions(comm, laws, fields, list("kABC"), in_slab(box, planes))
for _ in range(20):
    reactions.advance(0.1)
whole = [np.concatenate(comm.allgather(field)) for field in fields]
if comm.rank == 0:
    np.savez(sys.argv[1], *whole)
