"""Functions of lanes against mpmath in 40 digits: over their whole range, and in every lane."""

import math

from ecsmpi.reactions import lane_functions
from ecsmpi.reactions.lanes import LANES
import mpmath
import numpy as np
import pytest

from support.compiled_laws import over_arrays

DIGITS = 40
RNG = np.random.default_rng(4)
NEAR_0 = RNG.choice([-1, 1], 4000) * 10.0 ** RNG.uniform(-320, 0, 4000)
SUBNORMAL = 5e-324 * RNG.integers(1, 2**40, 500)

RANGES = {  # where each function is asked, and the largest error in units in the last place
    "exp": (np.concatenate([RNG.uniform(-745.2, 709.79, 8000), NEAR_0]), 1.0),
    "expm1": (
        np.concatenate([RNG.uniform(-60, 709.79, 6000), RNG.uniform(-2, 2, 9000), NEAR_0]),
        1.9,
    ),
    "log": (
        np.concatenate(
            [
                10.0 ** RNG.uniform(-307, 308, 6000),
                RNG.uniform(0.4, 2.5, 9000),
                1 + NEAR_0,
                SUBNORMAL,
            ]
        ),
        0.8,
    ),
    "tanh": (
        np.concatenate([RNG.uniform(-23, 23, 6000), RNG.uniform(-1, 1, 9000), NEAR_0]),
        2.6,
    ),
}


def errors(name, at):
    """Errors in units in the last place, and the values found."""
    found = over_arrays(getattr(lane_functions, name))(at)
    exact = getattr(mpmath, name)
    with mpmath.workdps(DIGITS):
        expected = [exact(mpmath.mpf(x)) for x in at.tolist()]
        units = np.spacing(np.abs([float(value) for value in expected]))
        wrong = [abs(mpmath.mpf(y) - value) for y, value in zip(found.tolist(), expected)]
        return np.array([float(each) for each in wrong]) / units, found


@pytest.mark.parametrize("name", RANGES)
def test_error_is_below_what_the_module_states(name):
    at, bound = RANGES[name]
    at = at[(at > 0) | (name != "log")]
    found, values = errors(name, at)
    worst = int(np.argmax(found))
    assert found[worst] <= bound, (at[worst], values[worst])
    assert f"{name} {bound:g}" in lane_functions.__doc__


@pytest.mark.parametrize(
    "name, x, expected",
    [
        (
            "exp",
            [0.0, 710.0, 1e308, math.inf, -750.0, -1e308, -math.inf],
            [1, *[math.inf] * 3, 0, 0, 0],
        ),
        ("expm1", [0.0, 710.0, math.inf, -60.0, -math.inf], [0, math.inf, math.inf, -1, -1]),
        (
            "log",
            [1.0, 0.0, -0.0, math.inf, 5e-324],
            [0, -math.inf, -math.inf, math.inf, math.log(5e-324)],
        ),
        ("log", [-1.0, -5e-324, -math.inf], [math.nan] * 3),
        ("tanh", [0.0, 40.0, math.inf, -40.0, -math.inf], [0, 1, 1, -1, -1]),
    ],
)
def test_ends_of_the_range(name, x, expected):
    found = over_arrays(getattr(lane_functions, name))([*x, math.nan])
    assert np.array_equal(found[:-1], expected, equal_nan=True)
    assert math.isnan(found[-1])


@pytest.mark.parametrize("name", RANGES)
def test_a_number_has_the_same_bits_in_every_lane_whatever_is_beside_it(name):
    applied = over_arrays(getattr(lane_functions, name))
    at = np.array([0.3, 2.5, 17.0, 1e-310, 700.0, math.inf, math.nan, -1.0, 0.7])
    expected = applied(at).view(np.int64)
    for shift in range(1, LANES):
        found = applied(np.roll(at, shift)).view(np.int64)
        assert np.array_equal(np.roll(found, -shift), expected)
