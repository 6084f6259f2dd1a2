"""Entries of every kind exchange with the slabs that own their voxels: `exchange.py OUTPUT CASES`.

CASES is [shapes of boxes, names of the ways in which a plan is replayed], in JSON.
"""

from itertools import product
import json
import sys

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver import entry_runs
from ecsmpi.solver.exchange import ExactExchange, Exchange
from mpi4py import MPI
import numpy as np

entry_runs.block_size = lambda n_slots: 8  # so that the cases have several blocks
comm = MPI.COMM_WORLD
rng = np.random.default_rng(comm.rank)
saved = {}


def whole(name, array):
    """Keep an array of all ranks."""
    parts = comm.gather(array)
    if comm.rank == 0:
        saved[name] = np.concatenate(parts, axis=-1)


def take(exchange, amounts, dt, at, factor):
    """Add amounts in two parts, the factor being a half."""
    for part in (0.75 * dt, 0.25 * dt):
        for f in (0, 1):
            exchange.add_sources(f, amounts[f], at, factor, part)


# ---------------------------------------------------------------- voxels of this rank's entries


def anywhere(slabs, plane):
    return rng.integers(0, slabs.n_planes * plane, 70 + comm.rank)


def one_voxel(slabs, plane):
    return np.full(11, slabs.n_planes * plane - 2)


def repeated(slabs, plane):
    return rng.permutation(np.repeat(rng.integers(0, slabs.n_planes * plane, 6), 9))


def runs(slabs, plane):
    """From one entry up to 39 in a voxel, one after the other."""
    voxels = rng.integers(0, slabs.n_planes * plane, 39)
    return np.repeat(voxels, rng.permutation(np.arange(1, 40)))


def odd_ranks(slabs, plane):
    return rng.integers(0, slabs.n_planes * plane, 50 if comm.rank % 2 else 0)


def none(slabs, plane):
    return np.empty(0, dtype=np.int64)


def own_slab(slabs, plane):
    return rng.integers(*(np.array(slabs.planes(comm.rank)) * plane), 30)


WHERE = {
    "anywhere": anywhere,
    "one voxel": one_voxel,
    "repeated": repeated,
    "runs": runs,
    "odd ranks": odd_ranks,
    "none": none,
    "own slab": own_slab,
}


# ---------------------------------------------------------------- a plan that is replayed


def replay(name, kind, slabs, shape):
    """Exchange in each way; keep what was given, taken and got."""
    plane = shape[1] * shape[2]
    lo, hi = slabs.planes(comm.rank)
    voxels = WHERE[name](slabs, plane)
    count = 5 if name in ("anywhere", "odd ranks") else 0
    further = rng.integers(0, slabs.n_planes * plane, count)
    exchange = kind(comm, slabs, plane, voxels, 2, further)
    picked = np.arange(voxels.size, dtype=np.uint32)
    factor = np.full(voxels.size, 0.5)
    ordered = exchange.order(picked).astype(np.uint32)
    owned = np.zeros((2, (hi - lo) * plane))
    # Entries as they were planned, in order of their voxels, and without an index.
    orders = ((picked, picked), (ordered, ordered), (picked, picked[:0]))
    for turn, (way, (order, at)) in enumerate(zip(WAYS, orders)):
        key = f"{name} {shape[0]} {way} {kind.__name__} "
        exchange.reorder(order)
        exact = rng.integers(-1000, 1000, (2, voxels.size)).astype(float)
        take(exchange, exact, 0.5, at, factor)
        exchange.send_sources()
        owned[:, exchange.local_voxels] = exchange.sources
        field = np.arange(lo * plane, hi * plane, dtype=float) + 1e4 * turn
        exchange.set_values([field, -field])
        exchange.fetch_values()
        got = np.full((2, voxels.size), np.nan)
        for f in (0, 1):
            exchange.scatter_values(f, got[f], at)
            seen = [exchange.further_values(f, which) for which in range(further.size)]
            expected = list((1 - 2 * f) * (further + 1e4 * turn))
            assert seen == expected, (comm.rank, seen, further)
        whole(key + "voxels", voxels)
        whole(key + "amounts", exact)
        whole(key + "owned", owned)
        whole(key + "got", got - (1e4 - 2e4 * np.arange(2)[:, np.newaxis]) * turn)
        whole(key + "partners", np.array([exchange.partners]))
        any_amounts = rng.uniform(-1, 1, (2, voxels.size))
        take(exchange, any_amounts, 0.05, at, factor)
        exchange.send_sources()
        whole(key + "given", any_amounts.sum(axis=1, keepdims=True))
        whole(key + "taken", np.array(exchange.sources).sum(axis=1, keepdims=True))
    exchange.free()


shapes, WAYS = json.loads(sys.argv[2])
for shape in shapes:
    slabs = Slabs(shape[0], comm.size)
    for name, kind in product(WHERE, (Exchange, ExactExchange)):
        if name == "own slab" and slabs.owners < comm.size:
            continue
        replay(name, kind, slabs, shape)
if comm.rank == 0:
    np.savez(sys.argv[1], **saved)
