"""A point lies in the voxel that NEURON would count it in.

A box that cannot be names the wrong number.
"""

import math

from ecsmpi.description.grid import Box, spacing_of
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest

unhurried = settings(deadline=None)  # the cores may be shared
corners = st.tuples(*[st.floats(-1e4, 1e4)] * 3)
spacings = st.tuples(*[st.floats(1e-2, 1e2)] * 3)
shapes = st.tuples(*[st.integers(1, 400)] * 3)
boxes = st.builds(Box, corners, spacings, shapes)
UNEVEN = Box((-10.0, 0.1, 5.0), (2.0, 0.7, 12.5), (6, 3, 2))


def flat(box, ijk):
    return np.ravel_multi_index(ijk, box.shape)


@unhurried
@given(corners, spacings, st.tuples(*[st.floats(1e-3, 1e3)] * 3))
def test_box_is_the_smallest_of_whole_voxels_that_covers_the_extent(lo, dx, extent):
    hi = tuple(low + length for low, length in zip(lo, extent))
    box = Box.spanning(lo, hi, dx)
    slack = 1e-12 * max(map(abs, lo + hi))
    for low, high, h, n, upper in zip(lo, hi, dx, box.shape, box.hi):
        assert n == math.ceil((high - low) / h)
        assert upper >= high - slack and upper - h < high + slack


def test_one_spacing_serves_all_axes():
    assert Box.spanning((0, 0, 0), (10, 20, 30), 5) == Box.spanning(
        (0, 0, 0), (10, 20, 30), (5, 5, 5)
    )
    assert spacing_of(np.array([1, 2, 3])) == (1.0, 2.0, 3.0)
    assert spacing_of(np.array(5.0)) == (5.0, 5.0, 5.0)


@pytest.mark.parametrize(
    "description",
    [
        lambda: Box((0, 0), (1, 1, 1), (2, 2, 2)),
        lambda: Box((0, 0, 0), (-1, 1, 1), (2, 2, 2)),
        lambda: Box((0, 0, 0), (1, 1, 1), (0, 2, 2)),
        lambda: Box.spanning((0, 0), (1, 1), 1),
        lambda: Box.spanning((0, 0, 0), (1e308, 1, 1), 1e-9),
        lambda: Box.spanning((0, 0, 0), (1e6, 1e6, 1e6), 1),
    ],
)
def test_no_box_is_made_from_nonsense(description):
    with pytest.raises(ValueError):
        description()


def test_volume_is_that_of_the_voxels():
    box = Box.spanning((0, 0, 0), (11, 4, 9), (2.5, 2, 3))
    assert box.shape == (5, 2, 3) and box.hi == (12.5, 4.0, 9.0)
    assert box.voxels == 30
    assert box.voxels * box.voxel_volume == 12.5 * 4 * 9


def test_boxes_that_touch_do_not_overlap():
    box = Box.spanning((0, 0, 0), (10, 10, 10), 5)
    for other, overlap in {(9, 9, 9): True, (10, 0, 0): False, (0, 0, -10): False}.items():
        hi = tuple(low + 10 for low in other)
        assert box.overlaps(Box.spanning(other, hi, 5)) is overlap


@unhurried
@given(boxes, st.data())
def test_inner_points_lie_where_neuron_counts_them(box, data):
    inside = st.tuples(
        *[st.floats(low, high, exclude_max=True) for low, high in zip(box.lo, box.hi)]
    )
    points = data.draw(st.lists(inside, min_size=1, max_size=5))
    expected = []
    for point in points:
        counted = [int((x - low) / h) for x, low, h in zip(point, box.lo, box.spacing)]
        # on the last ulp below the upper face, NEURON's quotient may round up to the number of
        # voxels
        expected.append(flat(box, [min(i, n - 1) for i, n in zip(counted, box.shape)]))
    np.testing.assert_array_equal(box.index_of(points), expected)


@unhurried
@given(boxes, st.data())
def test_centre_of_a_voxel_lies_in_it(box, data):
    ijk = tuple(data.draw(st.integers(0, n - 1)) for n in box.shape)
    assert box.index_of(box.centre(*ijk)) == [flat(box, ijk)]


def test_every_voxel_has_an_index_of_its_own():
    centres = [UNEVEN.centre(*ijk) for ijk in np.ndindex(UNEVEN.shape)]
    np.testing.assert_array_equal(UNEVEN.index_of(np.array(centres)), np.arange(UNEVEN.voxels))


@pytest.mark.parametrize("axis", range(3))
def test_faces_between_voxels_belong_to_the_upper_one(axis):
    box = Box((-8.0, 0.0, 4.0), (2.0, 0.5, 4.0), (6, 3, 2))  # binary fractions: faces are exact
    for face in range(box.shape[axis]):
        point, ijk = list(box.centre(0, 0, 0)), [0, 0, 0]
        point[axis], ijk[axis] = box.lo[axis] + face * box.spacing[axis], face
        assert box.index_of(point) == [flat(box, ijk)]


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize("box", [UNEVEN, Box((0.1, 0.1, 0.1), (0.1, 0.3, 0.7), (3, 7, 11))])
def test_upper_face_belongs_to_the_last_voxel(box, axis):
    point, ijk = list(box.centre(0, 0, 0)), [0, 0, 0]
    point[axis], ijk[axis] = box.hi[axis], box.shape[axis] - 1
    assert box.index_of(point) == [flat(box, ijk)]


@pytest.mark.parametrize("axis", range(3))
def test_points_outside_have_no_voxel(axis):
    below, above = np.nextafter(UNEVEN.lo[axis], -np.inf), np.nextafter(UNEVEN.hi[axis], np.inf)
    for outside in (below, above, -1e300, 1e300, np.inf, -np.inf, np.nan):
        point = list(UNEVEN.centre(0, 0, 0))
        point[axis] = outside
        inside = UNEVEN.centre(5, 2, 1)
        np.testing.assert_array_equal(UNEVEN.index_of([point, inside]), [-1, UNEVEN.voxels - 1])


def test_no_points_have_no_voxels():
    assert UNEVEN.index_of(np.empty((0, 3))).shape == (0,)


@pytest.mark.parametrize(
    "dx, named",
    [
        (0, "dx must be > 0.*got 0"),
        (-2.5, "dx must be > 0.*got -2.5"),
        ((1, 0, 1), r"dx must be > 0.*\(1, 0, 1\)"),
        ((1, 1, -3), r"dx must be > 0.*\(1, 1, -3\)"),
        (math.nan, "dx must be finite, got nan"),
        ((1, math.inf, 1), "dx must be finite, got inf"),
        ("wide", "dx must be a number.*'wide'"),
        (None, "dx must be a number, got None"),
        ("123", "dx must be a number.*'123'"),
        ((1, 2), r"dx must be a number or \(dx, dy, dz\), got \(1, 2\)"),
        ((1, 2, 3, 4), r"got \(1, 2, 3, 4\)"),
    ],
)
def test_bad_spacing_is_named(dx, named):
    with pytest.raises(ValueError, match=named):
        Box.spanning((0, 0, 0), (10, 10, 10), dx)


@pytest.mark.parametrize("axis", range(3))
@pytest.mark.parametrize(
    "low, high, named",
    [
        (1.0, 1.0, "{0}hi must be greater than {0}lo, got {0}lo=1.0, {0}hi=1.0"),
        (2.0, -3.0, "{0}hi must be greater than {0}lo, got {0}lo=2.0, {0}hi=-3.0"),
        (math.nan, 1.0, "{0}lo must be finite, got nan"),
        (0.0, math.inf, "{0}hi must be finite, got inf"),
        ("left", 1.0, "{0}lo must be a number, got 'left'"),
        (0.0, None, "{0}hi must be a number, got None"),
    ],
)
def test_bad_corners_are_named(axis, low, high, named):
    lo, hi = [0.0] * 3, [10.0] * 3
    lo[axis], hi[axis] = low, high
    with pytest.raises(ValueError, match=named.format("xyz"[axis])):
        Box.spanning(lo, hi, 1.0)
