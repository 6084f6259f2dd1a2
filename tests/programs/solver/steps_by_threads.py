"""Steps of two ions by one, two and three threads: `steps_by_threads.py OUTPUT`."""

from itertools import product
import sys

from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.description.profiles import ArrayProfile
from ecsmpi.solver import threads as team
from ecsmpi.solver.exchange import plan_exchange
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.stepper import Stepper
from mpi4py import MPI
import numpy as np


def advanced(shape, threads, dt, varies):
    team.choose(threads)
    assert team.most_for_work() == threads
    rng = np.random.default_rng(7)
    box = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), shape)
    ions = [SpeciesSpec("k", (1.0, 0.7, 1.3), 1), SpeciesSpec("na", (1.3, 1.0, 0.7), 1, 2.0)]
    fields = [SlabField(box, (0, shape[0])) for _ in ions]
    for field in fields:
        field.owned[:] = rng.random(shape)
    tissue = Tissue(ArrayProfile(rng.random(shape))) if varies else Tissue()
    comm, voxels = MPI.COMM_WORLD, rng.integers(0, box.voxels, 500)
    exchange = plan_exchange(comm, Slabs(shape[0], 1), box.plane, voxels, len(ions))
    stepper = Stepper(comm, box, tissue, ions, fields, exchange)
    at_entries, ones = rng.random((2, 500)), np.ones(500)
    at = np.arange(500, dtype=np.uint32)
    for _ in range(3):
        for f, values in enumerate(at_entries):
            exchange.add_sources(f, values, at, ones, dt)
        stepper.advance(dt, 0.0)
        for f, values in enumerate(at_entries):
            exchange.scatter_values(f, values, at)
    stepper.free()
    exchange.free()
    owned = [field.owned.reshape(-1) for field in fields]
    return np.concatenate([*owned, at_entries.reshape(-1)])


# Rows and planes do not divide evenly.
shapes = [(6, 61, 400), (12, 90, 64), (40, 11, 16), (1, 130, 200), (3, 1, 2000)]
found = {}
for case in product(shapes, (0.01, 5.0), (False, True), (1, 2, 3)):
    shape, dt, varies, threads = case
    found[f"{shape} {dt} {varies} {threads}"] = advanced(shape, threads, dt, varies)
np.savez(sys.argv[1], **found)
