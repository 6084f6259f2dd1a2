"""Ownership is a partition: every plane has one owner, and slabs are as even as they can be."""

from ecsmpi.description.decomposition import Slabs, plane_weights
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

unhurried = settings(deadline=None)  # the cores may be shared
planes = st.integers(1, 3000)
ranks = st.integers(1, 500)
grains = st.none() | st.integers(1, 200)


def bounds_of(slabs):
    """Return the planes [lo, hi) of each rank."""
    return [slabs.planes(rank) for rank in range(slabs.n_ranks)]


def assert_cover(bounds, n_planes):
    """Each part must begin where the one before it ends, from plane 0 to the last."""
    end = 0
    for lo, hi in bounds:
        assert lo == end <= hi
        end = hi
    assert end == n_planes


@unhurried
@given(planes, ranks, grains)
def test_slabs_follow_each_other_and_cover_the_box(n_planes, n_ranks, grain):
    slabs = Slabs(n_planes, n_ranks, grain)
    assert_cover(bounds_of(slabs), n_planes)


@unhurried
@given(planes, ranks, grains)
def test_each_plane_belongs_to_the_rank_whose_slab_holds_it(n_planes, n_ranks, grain):
    slabs = Slabs(n_planes, n_ranks, grain)
    owner = slabs.owner(np.arange(n_planes))
    for rank, (lo, hi) in enumerate(bounds_of(slabs)):
        np.testing.assert_array_equal(np.flatnonzero(owner == rank), np.arange(lo, hi))
    assert slabs.owner(n_planes - 1) == owner[-1]


@unhurried
@given(planes, ranks)
def test_slabs_differ_by_one_plane_at_most_and_the_thicker_come_first(n_planes, n_ranks):
    thicknesses = Slabs(n_planes, n_ranks).thicknesses()
    assert sum(thicknesses) == n_planes and min(thicknesses) >= 1
    assert max(thicknesses) - min(thicknesses) <= 1
    assert thicknesses == sorted(thicknesses, reverse=True)


@unhurried
@given(planes, ranks)
def test_ranks_beyond_the_planes_own_none(n_planes, n_ranks):
    slabs = Slabs(n_planes, n_ranks)
    for rank, (lo, hi) in enumerate(bounds_of(slabs)):
        assert (lo < hi) == (rank < slabs.owners)
    assert slabs.owners == len(slabs.thicknesses()) == min(n_planes, n_ranks)


@unhurried
@given(planes, ranks, st.integers(1, 64))
def test_blocks_of_a_grain_cover_the_box_and_are_even(n_planes, n_ranks, grain):
    slabs = Slabs(n_planes, n_ranks, grain)
    blocks = [slabs.block(number) for number in range(slabs.n_blocks)]
    assert blocks[0][0] == 0 and blocks[-1][1] == n_planes
    assert all(hi == next_lo for (_, hi), (next_lo, _) in zip(blocks, blocks[1:]))
    sizes = [hi - lo for lo, hi in blocks]
    assert min(sizes) >= 1 and max(sizes) <= grain and max(sizes) - min(sizes) <= 1
    assert len(blocks) == 1 or (len(blocks) - 1) * grain < n_planes  # no more than are needed


@unhurried
@given(planes, ranks, ranks, st.integers(1, 64))
def test_blocks_of_a_grain_do_not_depend_on_the_ranks(n_planes, n_ranks, others, grain):
    one, other = Slabs(n_planes, n_ranks, grain), Slabs(n_planes, others, grain)
    assert one.n_blocks == other.n_blocks
    assert [*map(one.block, range(one.n_blocks))] == [*map(other.block, range(one.n_blocks))]


@unhurried
@given(planes, ranks, st.none() | st.integers(1, 64))
def test_a_rank_owns_whole_blocks_one_after_the_other(n_planes, n_ranks, grain):
    slabs = Slabs(n_planes, n_ranks, grain)
    owned = [list(slabs.blocks(rank)) for rank in range(n_ranks)]
    assert sum(owned, []) == list(range(slabs.n_blocks))
    counts = [len(blocks) for blocks in owned]
    assert counts == sorted(counts, reverse=True) and counts[0] - counts[-1] <= 1
    assert slabs.owners == sum(count > 0 for count in counts)
    owner = slabs.owner(np.arange(n_planes))
    for rank, blocks in enumerate(owned):
        if blocks:
            assert slabs.planes(rank) == (slabs.block(blocks[0])[0], slabs.block(blocks[-1])[1])
        np.testing.assert_array_equal(
            np.flatnonzero(owner == rank), np.arange(*slabs.planes(rank))
        )


def test_ten_planes_of_grain_three_on_three_ranks():
    slabs = Slabs(10, 3, 3)
    assert [slabs.block(number) for number in range(4)] == [(0, 3), (3, 6), (6, 8), (8, 10)]
    assert [slabs.planes(rank) for rank in range(3)] == [(0, 6), (6, 8), (8, 10)]


def loads(slabs, weights):
    """Return the weight of each owner's slab."""
    return [sum(weights[slice(*slabs.planes(rank))]) for rank in range(slabs.owners)]


@unhurried
@given(st.lists(st.integers(1, 100), min_size=1, max_size=200), st.integers(1, 40))
def test_weighed_slabs_cover_the_box_and_none_is_heavier_than_an_even_one(weights, n_ranks):
    even = Slabs(len(weights), n_ranks)
    slabs = Slabs.weighed(np.array(weights), n_ranks)
    assert_cover(bounds_of(slabs), len(weights))
    assert slabs.owners == even.owners
    assert min(slabs.thicknesses()) >= max(1, min(even.thicknesses()) // 2)
    assert max(slabs.thicknesses()) <= 2 * max(even.thicknesses())
    heaviest = max(loads(slabs, weights))
    heaviest_even = max(loads(even, weights))
    assert heaviest <= heaviest_even
    assert slabs == even or heaviest < heaviest_even / 1.09


@unhurried
@given(planes, ranks)
def test_planes_that_weigh_the_same_are_cut_evenly(n_planes, n_ranks):
    assert Slabs.weighed(np.full(n_planes, 7.0), n_ranks) == Slabs(n_planes, n_ranks)


def test_weighed_slabs_are_as_light_as_any(n_planes=9, n_ranks=3):
    """Against all ways to cut a box whose first planes are heavy."""
    weights = [5, 5, 4, 1, 1, 1, 1, 1, 1]
    best = sum(weights)
    for a in range(1, n_planes):
        for b in range(a + 1, n_planes):
            heaviest = max(sum(weights[:a]), sum(weights[a:b]), sum(weights[b:]))
            best = min(best, heaviest)
    slabs = Slabs.weighed(np.array(weights), n_ranks)
    assert max(loads(slabs, weights)) == best == 9
    assert slabs.thicknesses() == [1, 2, 6]


def test_plane_that_ranks_ask_for_weighs_more():
    np.testing.assert_array_equal(plane_weights(12, np.array([0, 3, 6])), [12, 18, 24])


def test_ten_planes_on_three_ranks():
    assert bounds_of(Slabs(10, 3)) == [(0, 4), (4, 7), (7, 10)]


@pytest.mark.parametrize("n_planes, n_ranks", [(0, 1), (1, 0), (-3, 2), (4, -1)])
def test_no_planes_or_no_ranks_are_refused(n_planes, n_ranks):
    with pytest.raises(ValueError, match=f"got {n_planes} and {n_ranks}"):
        Slabs(n_planes, n_ranks)
