"""Ownership is a partition: every plane has one owner, and slabs are as even as they can be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsmpi.description.decomposition import Slabs

unhurried = settings(deadline=None)  # the cores may be shared
planes = st.integers(1, 3000)
ranks = st.integers(1, 500)


@unhurried
@given(planes, ranks)
def test_slabs_follow_each_other_and_cover_the_box(n_planes, n_ranks):
    bounds = [Slabs(n_planes, n_ranks).planes(rank) for rank in range(n_ranks)]
    assert bounds[0][0] == 0 and bounds[-1][1] == n_planes
    assert all(hi == next_lo for (_, hi), (next_lo, _) in zip(bounds, bounds[1:]))
    assert all(lo <= hi for lo, hi in bounds)


@unhurried
@given(planes, ranks)
def test_each_plane_belongs_to_the_rank_whose_slab_holds_it(n_planes, n_ranks):
    slabs = Slabs(n_planes, n_ranks)
    owner = slabs.owner(np.arange(n_planes))
    for rank in range(n_ranks):
        np.testing.assert_array_equal(np.flatnonzero(owner == rank), np.arange(*slabs.planes(rank)))
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
    owning = [lo < hi for lo, hi in map(slabs.planes, range(n_ranks))]
    assert owning == [rank < slabs.owners for rank in range(n_ranks)]
    assert slabs.owners == len(slabs.thicknesses()) == min(n_planes, n_ranks)


def test_ten_planes_on_three_ranks():
    slabs = Slabs(10, 3)
    assert [slabs.planes(rank) for rank in range(3)] == [(0, 4), (4, 7), (7, 10)]


@pytest.mark.parametrize("n_planes, n_ranks", [(0, 1), (1, 0), (-3, 2), (4, -1)])
def test_no_planes_or_no_ranks_are_refused(n_planes, n_ranks):
    with pytest.raises(ValueError, match=f"got {n_planes} and {n_ranks}"):
        Slabs(n_planes, n_ranks)
