"""Fields: thinning, faces of voxels, and which voxel a click means."""

from ecsmpi.description.grid import Box
from ecsmpi.view.scene.field import Field, faces_of
from ecsmpi.view.scene.picking import line_in_box, most_opaque, through_slices
import numpy as np
import pytest

BOX = Box(
    (-10.0, 0.0, 100.0),
    (2.0, 3.0, 5.0),
    (7, 4, 3),
)


def indexed(box=BOX):
    i, j, k = np.indices(box.shape)
    return Field(box, 100.0 * i + 10 * j + k)


def test_thinned_field_keeps_every_nth_voxel_where_it_is():
    thin, stride = indexed().thinned(16)
    assert stride == 2
    np.testing.assert_array_equal(
        thin.values,
        indexed().values[::2, ::2, ::2],
    )
    for axis in range(3):
        for layer in range(thin.box.shape[axis]):
            assert thin.centre(axis, layer) == indexed().centre(axis, 2 * layer)


@pytest.mark.parametrize(
    "most, stride",
    [(84, 1), (83, 2), (8, 3), (1, 7)],
)
def test_thinned_field_has_at_most_so_many_voxels(most, stride):
    thin, found = indexed().thinned(most)
    assert found == stride
    assert thin.values.size <= most


def test_voxel_of_a_point_holds_it():
    field = indexed()
    assert field.voxel_at((-9.9, 0.1, 100.1)) == (0, 0, 0)
    assert field.voxel_at((-7.9, 3.1, 105.1)) == (1, 1, 1)
    assert field.voxel_at((99, 99, 999)) == (6, 3, 2)
    assert field.voxel_at((-99, -99, -99)) == (0, 0, 0)


def test_faces_of_one_voxel_are_its_six_sides():
    mask = np.zeros(BOX.shape, dtype=bool)
    mask[2, 1, 1] = True
    corners, voxels = faces_of(mask, BOX)
    assert corners.shape == (6, 4, 3)
    assert (voxels == [2, 1, 1]).all()
    assert corners.reshape(-1, 3).min(axis=0) == pytest.approx([-6, 3, 105])
    assert corners.reshape(-1, 3).max(axis=0) == pytest.approx([-4, 6, 110])
    areas = sorted(area(square) for square in corners)
    assert areas == pytest.approx([6, 6, 10, 10, 15, 15])


def area(square):
    return np.linalg.norm(np.cross(square[1] - square[0], square[3] - square[0]))


@pytest.mark.parametrize("seed", range(3))
def test_faces_are_those_between_a_voxel_in_the_mask_and_one_outside(seed):
    mask = np.random.default_rng(seed).random(BOX.shape) < 0.4
    expected = 0
    for index in np.argwhere(mask):
        for axis in range(3):
            for step in (-1, 1):
                other = index.copy()
                other[axis] += step
                inside = 0 <= other[axis] < mask.shape[axis] and mask[tuple(other)]
                expected += not inside
    corners, voxels = faces_of(mask, BOX)
    assert len(corners) == len(voxels) == expected
    assert mask[tuple(voxels.T)].all()


def test_line_is_cut_at_the_faces_of_the_box():
    begin, end = line_in_box((-20, 6, 107), (20, 6, 107), BOX)
    assert begin == pytest.approx([-10, 6, 107])
    assert end == pytest.approx([4, 6, 107])
    assert line_in_box((-20, 60, 107), (20, 60, 107), BOX) is None
    assert line_in_box((-20, 6, 107), (-15, 6, 107), BOX) is None


def test_click_means_the_slice_that_is_nearest_to_the_eye():
    near, far = (-20.0, 6.0, 107.0), (20.0, 6.0, 107.0)
    assert through_slices(near, far, BOX, {0: -1.0}) == pytest.approx([-1, 6, 107])
    assert through_slices(near, far, BOX, {0: -1.0, 1: 6.0}) == pytest.approx([-1, 6, 107])
    assert through_slices(near, far, BOX, {2: 107.0}) is None  # along the slice
    assert through_slices(near, far, BOX, {}) is None
    steep = through_slices(
        (0, 30.0, 107),
        (0, -30, 107),
        BOX,
        {1: 10.0, 0: 0.0},
    )
    assert steep == pytest.approx([0, 10, 107])


def test_click_beside_a_slice_means_nothing():
    assert through_slices((-20.0, 60, 107), (20.0, 60, 107), BOX, {0: -1.0}) is None


def test_click_in_the_volume_means_the_most_opaque_voxel_behind_it():
    field = indexed()
    field.values[3, 2, 1] = 1e4
    assert most_opaque((-20, 7, 107), (20, 7, 107), field, lambda v: v) == (3, 2, 1)
    assert most_opaque((-20, 1, 101), (20, 1, 101), field, lambda v: v) == (6, 0, 0)
    assert most_opaque((-20, 1, 101), (20, 1, 101), field, lambda v: -v) == (0, 0, 0)
    assert most_opaque((-20, 70, 107), (20, 70, 107), field, lambda v: v) is None


def test_nan_is_never_the_most_opaque():
    field = indexed()
    field.values[1:, 0, 0] = np.nan
    assert most_opaque((-20, 1, 101), (20, 1, 101), field, lambda v: v) == (0, 0, 0)
