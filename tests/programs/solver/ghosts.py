"""Slabs of many thicknesses exchange planes that say where they come from: `ghosts.py OUTPUT`."""

import sys

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.halo import Halo
from mpi4py import MPI
import numpy as np

NY, NZ, SPECIES = 3, 5, 4
world = MPI.COMM_WORLD


def coded(species, planes, turn):
    voxel = np.arange(NY * NZ).reshape(NY, NZ)
    return 1e6 * turn + 1e5 * species + 100.0 * np.asarray(planes)[:, None, None] + voxel


def wrong_planes(owners, slabs, lo, hi):
    fields = [np.full((hi - lo + 2, NY, NZ), -1.0) for _ in range(SPECIES)]
    halos = [Halo(owners, u) for u in fields]
    seen = np.clip(np.arange(lo - 1, hi + 1), 0, slabs.n_planes - 1)  # the border planes repeat
    wrong = 0
    for turn in range(3):
        for species, u in enumerate(fields):
            u[1:-1] = coded(species, range(lo, hi), turn)
        for halo in halos:
            halo.start()
        for halo in reversed(halos):
            halo.finish()
        for species, u in enumerate(fields):
            expected = coded(species, seen, turn)
            for plane in np.flatnonzero((u != expected).any(axis=(1, 2))):
                wrong += 1
                place = f"rank {world.rank}, {slabs}, species {species}, turn {turn}"
                told = f"plane {plane}: expected {expected[plane]}, found {u[plane]}"
                print(f"{place}, {told}", file=sys.stderr)
    for halo in halos:
        halo.free()
    return wrong


wrong = 0
for n_planes in (1, 2, 5, 7, 23):
    slabs = Slabs(n_planes, world.size)
    owns = world.rank < slabs.owners
    owners = world.Split(0 if owns else 1, world.rank)
    if owns:
        wrong += wrong_planes(owners, slabs, *slabs.planes(world.rank))
    owners.Free()
if total := world.allreduce(wrong):
    sys.exit(f"{total} wrong planes")
if world.rank == 0:
    np.savez(sys.argv[1], wrong=total)
