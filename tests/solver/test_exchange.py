"""Amounts of entries arrive where their voxel lives; entries get that voxel's value back."""

import json

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

SHAPE = (9, 4, 5)
THIN = (2, 3, 4)  # fewer planes than ranks
WAYS = ("as planned", "in blocks", "in turn")
RANKS = (1, 2, 3, *(long(ranks) for ranks in (4, 8)))
WHERE = ("anywhere", "one voxel", "repeated", "runs", "odd ranks", "none", "own slab")


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
            PROGRAMS / "solver" / "exchange.py",
            json.dumps([[SHAPE, THIN], WAYS]),
            env={"NUMBA_NUM_THREADS": 2 if ranks < 3 else 1},
        )
    saved = RESULTS[ranks]
    keys = ("voxels", "amounts", "owned", "got", "partners", "given", "taken")
    return {
        case: [saved[case + key] for key in keys] for case in CASES if case + "voxels" in saved
    }


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
        np.testing.assert_allclose(
            taken.sum(axis=1), expected, rtol=0, atol=1e-14, err_msg=case
        )


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


LARGE = PROGRAMS / "solver" / "large_slabs.py"


@pytest.mark.parametrize("ranks", [2, long(3)])
def test_voxels_beyond_32_bits_of_a_box_get_their_sources_and_give_their_values(
    ranks, on_ranks
):
    """Six planes of 2**30 + 5 voxels: 2**31 is passed in a slab, and 2**32 in the box."""
    plane = 2**30 + 5
    found = on_ranks(ranks, LARGE, plane)
    ends = np.concatenate([np.arange(6) * plane, np.arange(1, 7) * plane - 1])
    for kind in KINDS:
        order = np.argsort(ends)
        assert np.array_equal(found[f"{kind} voxels"], ends[order])
        assert np.array_equal(found[f"{kind} sources"], ranks * (1.0 + order))


def test_segments_beyond_32_bits_of_a_slab_are_refused(tmp_path):
    done = mpirun(2, ["python", LARGE, tmp_path / "none.npz", 2**31])
    assert done.returncode != 0
    assert (
        "segments lie in voxel 6,442,450,943 of a rank's slab, and loops count up to "
        "4,294,967,296: run on more ranks"
    ) in done.stderr
