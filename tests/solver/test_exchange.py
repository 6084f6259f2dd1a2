"""What entries give arrives where their voxel lives, and what they get back is that voxel's value."""

import json

import numpy as np
import pytest

SHAPE = (9, 4, 5)
THIN = (2, 3, 4)  # fewer planes than ranks
WAYS = ("as planned", "in blocks", "in turn")
RANKS = (1, 2, 3, *(pytest.param(ranks, marks=pytest.mark.long) for ranks in (4, 8)))
WHERE = ("anywhere", "one voxel", "repeated", "runs", "odd ranks", "none", "own slab")

EXCHANGED = """
    import json
    import sys
    from itertools import product
    import numpy as np
    from mpi4py import MPI
    from ecsmpi.description.decomposition import Slabs
    from ecsmpi.solver import entry_runs
    from ecsmpi.solver.exchange import ExactExchange, Exchange

    entry_runs.BLOCK = 8  # so that the cases have several
    comm = MPI.COMM_WORLD
    rng = np.random.default_rng(comm.rank)
    saved = {}

    def whole(name, array):
        parts = comm.gather(array)
        if comm.rank == 0:
            saved[name] = np.concatenate(parts, axis=-1)

    def take(exchange, amounts, dt, at):
        # in two parts, the factor being a half
        for part in (0.75 * dt, 0.25 * dt):
            for f in (0, 1):
                exchange.add_sources(f, amounts[f], at, factor, part)

    def own_voxels(slabs, plane):
        return rng.integers(*(np.array(slabs.planes(comm.rank)) * plane), 30)

    def runs(slabs, plane):
        # of one entry up to 39 in a voxel, one after the other
        return np.repeat(rng.integers(0, slabs.n_planes * plane, 39), rng.permutation(np.arange(1, 40)))

    def repeated(slabs, plane):
        return rng.permutation(np.repeat(rng.integers(0, slabs.n_planes * plane, 6), 9))

    WHERE = {
        "anywhere": lambda slabs, plane: rng.integers(0, slabs.n_planes * plane, 70 + comm.rank),
        "one voxel": lambda slabs, plane: np.full(11, slabs.n_planes * plane - 2),
        "repeated": repeated,
        "runs": runs,
        "odd ranks": lambda slabs, plane: rng.integers(0, slabs.n_planes * plane, 50 if comm.rank % 2 else 0),
        "none": lambda slabs, plane: np.empty(0, dtype=np.int64),
        "own slab": own_voxels,
    }

    shapes, WAYS = json.loads(sys.argv[2])
    for shape in shapes:
        slabs, plane = Slabs(shape[0], comm.size), shape[1] * shape[2]
        lo, hi = slabs.planes(comm.rank)
        for (name, where), kind in product(WHERE.items(), (Exchange, ExactExchange)):
            if name == "own slab" and slabs.owners < comm.size:
                continue
            voxels = where(slabs, plane)
            watched = rng.integers(0, slabs.n_planes * plane, 5 if name in ("anywhere", "odd ranks") else 0)
            exchange = kind(comm, slabs, plane, voxels, 2, watched)
            picked, factor = np.arange(voxels.size, dtype=np.uint32), np.full(voxels.size, 0.5)
            ordered = exchange.order(picked).astype(np.uint32)
            owned = np.zeros((2, (hi - lo) * plane))
            # a plan replayed, with entries as they were planned, in order of their voxels, and without an index
            for turn, (way, order, at) in enumerate(zip(WAYS, (picked, ordered, picked), (picked, ordered, picked[:0]))):
                key = f"{name} {shape[0]} {way} {kind.__name__} "
                exchange.reorder(order)
                exact = rng.integers(-1000, 1000, (2, voxels.size)).astype(float)
                take(exchange, exact, 0.5, at)
                exchange.send_sources()
                owned[:, exchange.local_voxels] = exchange.sources
                field = np.arange(lo * plane, hi * plane, dtype=float) + 1e4 * turn
                exchange.set_values([field, -field])
                exchange.fetch_values()
                got = np.full((2, voxels.size), np.nan)
                for f in (0, 1):
                    exchange.scatter_values(f, got[f], at)
                    seen = [exchange.watched_values(f, which) for which in range(watched.size)]
                    assert seen == list((1 - 2 * f) * (watched + 1e4 * turn)), (comm.rank, seen, watched)
                whole(key + "voxels", voxels)
                whole(key + "amounts", exact)
                whole(key + "owned", owned)
                whole(key + "got", got - (1e4 - 2e4 * np.arange(2)[:, np.newaxis]) * turn)
                whole(key + "partners", np.array([exchange.partners]))
                any_amounts = rng.uniform(-1, 1, (2, voxels.size))
                take(exchange, any_amounts, 0.05, at)
                exchange.send_sources()
                whole(key + "given", any_amounts.sum(axis=1, keepdims=True))
                whole(key + "taken", np.array(exchange.sources).sum(axis=1, keepdims=True))
            exchange.free()
    if comm.rank == 0:
        np.savez(sys.argv[1], **saved)
"""

KINDS = ("Exchange", "ExactExchange")
CASES = [
    f"{where} {shape[0]} {way} {kind} "
    for shape in (SHAPE, THIN)
    for where in WHERE
    for way in WAYS
    for kind in KINDS
]
RESULTS = {}


@pytest.fixture(params=RANKS)
def exchanged(request, on_ranks):
    """What every case gave on so many ranks: name -> its arrays; run once, for all tests."""
    ranks = request.param
    if ranks not in RESULTS:
        RESULTS[ranks] = on_ranks(
            ranks,
            EXCHANGED,
            json.dumps([[SHAPE, THIN], WAYS]),
            env={"NUMBA_NUM_THREADS": 2 if ranks < 3 else 1},
        )
    saved = RESULTS[ranks]
    keys = ("voxels", "amounts", "owned", "got", "partners", "given", "taken")
    return {case: [saved[case + key] for key in keys] for case in CASES if case + "voxels" in saved}


def test_sources_are_the_sums_of_their_voxels_entries(exchanged):
    """Whole numbers and a scale of a quarter: every sum is exact."""
    for case, (voxels, amounts, owned, *_) in exchanged.items():
        expected = 0.25 * np.array(
            [np.bincount(voxels, weights, owned.shape[1]) for weights in amounts]
        )
        np.testing.assert_array_equal(owned, expected, err_msg=case)


def test_entries_get_the_value_of_their_voxel(exchanged):
    for case, (voxels, _, _, got, *_) in exchanged.items():
        np.testing.assert_array_equal(got, [voxels, -voxels], err_msg=case)


def test_nothing_is_lost_on_the_way(exchanged):
    for case, (*_, given, taken) in exchanged.items():
        expected = 0.025 * given.sum(axis=1)
        np.testing.assert_allclose(taken.sum(axis=1), expected, rtol=0, atol=1e-14, err_msg=case)


def test_only_ranks_that_share_voxels_exchange_messages(exchanged):
    """A rank counts an owner it asks, and a rank it serves."""
    ranks = len(next(iter(exchanged.values()))[4])
    for case, (_, _, _, _, partners, *_) in exchanged.items():
        if case.startswith(("none", "own slab")):
            assert not partners.any(), case
        if case.startswith("one voxel"):
            assert sorted(partners) == [1] * (ranks - 1) + [ranks - 1], case


def test_ranks_may_have_no_planes_and_no_entries(exchanged):
    """The cases above hold both: without them the other laws would be weaker than they seem."""
    ranks = len(exchanged["none 2 in turn Exchange "][4])
    assert ("own slab 2 in turn Exchange " in exchanged) == (ranks <= THIN[0])
    assert not exchanged["none 9 in turn Exchange "][0].size
    assert exchanged["odd ranks 9 in turn Exchange "][0].size == 50 * (ranks // 2)
