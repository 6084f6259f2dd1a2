"""Profiles: ranks evaluate their own planes, which together are those of the whole box."""

from ecsmpi.description.grid import Box
from ecsmpi.description.profiles import (
    ArrayProfile,
    BorderProfile,
    FunctionProfile,
    PowerProfile,
    UniformProfile,
    profile_of,
    values_at,
)
import numpy as np
import pytest

BOX = Box.spanning((-3, 2, 0), (4, 7, 6), (1, 1, 2))
PROFILES = {
    "uniform": UniformProfile(3),
    "array": ArrayProfile(np.arange(BOX.voxels, dtype=float).reshape(BOX.shape)),
    "flat array": ArrayProfile(np.arange(BOX.voxels, dtype=float)),
    "function": FunctionProfile(lambda x, y, z: x + 10 * y + 100 * z, at=0.5),
    "power": PowerProfile("tortuosity", UniformProfile(1.6), -2),
    "border": BorderProfile(FunctionProfile(lambda x, y, z: x * y * z), 7),
}


def whole(profile):
    return profile.planes(BOX, 0, BOX.shape[0])


@pytest.mark.parametrize("kind", PROFILES)
@pytest.mark.parametrize("cut", range(BOX.shape[0] + 1))
def test_planes_of_two_ranks_are_those_of_the_box(kind, cut):
    profile = PROFILES[kind]
    parts = profile.planes(BOX, 0, cut), profile.planes(BOX, cut, BOX.shape[0])
    assert np.array_equal(np.concatenate(parts), whole(profile))
    assert whole(profile).shape == BOX.shape


@pytest.mark.parametrize("kind", PROFILES)
@pytest.mark.parametrize("lo, hi", [(0, 0), (0, 3), (2, 5), (0, BOX.shape[0])])
def test_a_slab_is_filled_with_the_planes(kind, lo, hi):
    slab = np.full((hi - lo, *BOX.shape[1:]), np.nan)
    PROFILES[kind].fill(slab, BOX, lo)
    assert np.array_equal(slab, PROFILES[kind].planes(BOX, lo, hi))


@pytest.mark.parametrize("kind", PROFILES)
def test_planes_are_the_callers_own(kind):
    planes = whole(PROFILES[kind])
    before = planes.copy()
    planes[:] = -1
    assert np.array_equal(whole(PROFILES[kind]), before)


def test_border_is_every_voxel_at_a_wall_and_no_other():
    values = whole(BorderProfile(UniformProfile(2), 7))
    assert (values[1:-1, 1:-1, 1:-1] == 2).all()
    assert (values == 7).sum() == BOX.voxels - np.prod([count - 2 for count in BOX.shape])


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 4, 5), (2, 2, 2)])
def test_thin_boxes_are_all_border(shape):
    box = Box.spanning((0, 0, 0), shape, 1)
    assert (BorderProfile(UniformProfile(2), 7).planes(box, 0, shape[0]) == 7).all()


@pytest.mark.parametrize("at", [0.0, 0.5])
def test_function_of_numbers_is_called_voxel_by_voxel_at_the_same_places(at):
    def of_numbers(x, y, z):
        return 1.0 if x < 0 else x + y + z  # raises for arrays

    def of_arrays(x, y, z):
        return np.where(x < 0, 1.0, x + y + z)

    numbers, arrays = FunctionProfile(of_numbers, at), FunctionProfile(of_arrays, at)
    assert np.array_equal(whole(numbers), whole(arrays))
    first = [low + at * edge for low, edge in zip(BOX.lo, BOX.spacing)]
    assert whole(numbers)[0, 0, 0] == of_numbers(*first)


def test_function_that_differs_for_arrays_is_called_voxel_by_voxel():
    def differs(x, y, z):
        return (x + y + z) * (1 if np.ndim(x) else 2)

    twice = FunctionProfile(lambda x, y, z: 2 * (x + y + z))
    assert np.array_equal(whole(FunctionProfile(differs)), whole(twice))


def test_values_at_voxels_are_those_of_the_planes():
    index = np.array([5, 0, BOX.voxels - 1, 5])
    for profile in PROFILES.values():
        assert np.array_equal(values_at(profile, BOX, index), whole(profile).reshape(-1)[index])
    assert (values_at(0.2, BOX, index) == 0.2).all()


def test_wrong_arrays_are_refused():
    with pytest.raises(ValueError, match="must have the box's shape"):
        ArrayProfile(np.zeros((2, 3, 4))).check(BOX)
    with pytest.raises(ValueError, match="alpha must be made of numbers"):
        profile_of("alpha", ["high", "low"])
    with pytest.raises(
        ValueError, match=r"tortuosity must be > 0, got 0.0 at voxel \(2, 0, 0\)"
    ):
        PowerProfile("tortuosity", UniformProfile(0), -2).planes(BOX, 2, 3)


def test_equal_profiles_have_equal_reprs():
    values = np.arange(BOX.voxels, dtype=float)
    assert repr(ArrayProfile(values)) == repr(ArrayProfile(values.copy()))
    assert repr(ArrayProfile(values)) != repr(ArrayProfile(values + 1))
    assert repr(UniformProfile(3)) == "3"
