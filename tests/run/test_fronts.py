"""Fronts, their speed and shells are where they were put, and where a Gaussian spreads to."""

import math

from ecsmpi.run.observers.fronts import front
import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS


@pytest.mark.parametrize("ranks", [None, long(4)])
def test_front_and_its_speed_are_those_of_a_wave_made_by_hand(ranks, on_ranks):
    found = on_ranks(ranks, PROGRAMS / "run" / "moved_fronts.py", "ecsmpi")
    t = np.arange(11.0)
    for kind, begin, way in (("x", 10, 1), ("-x", 190, -1), ("y", 10, 1), ("-z", 40, -1)):
        at, speed = found[kind]
        np.testing.assert_allclose(at, begin + way * 1.7 * t, atol=1e-9, err_msg=kind)
        assert math.isnan(speed[0])
        np.testing.assert_allclose(speed[1:], way * 1.7, atol=1e-9, err_msg=kind)
    at, speed = found["radius"]
    assert np.abs(at - 10 - 1.7 * t).max() < 1.5  # of shells of 5 um
    assert np.polyfit(t, at, 1)[0] == pytest.approx(1.7, rel=0.05)


def within(radius, spread):
    """Amount of a Gaussian of 2e5 mM um3 within radii (um)."""
    inside = [math.erf(one / math.sqrt(2 * spread)) for one in radius]
    return 2e5 * (
        np.array(inside)
        - np.sqrt(2 / math.pi / spread) * radius * np.exp(-(radius**2) / 2 / spread)
    )


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_gaussian_spreads_as_it_must(ranks, on_ranks):
    found = on_ranks(
        ranks,
        PROGRAMS / "run" / "gaussian.py",
        "ecsmpi",
    )
    r = found["radius"]
    for row, t in enumerate(found["time"]):
        spread = 81 + 2 * t
        peak = 2e5 / (2 * np.pi * spread) ** 1.5
        # The concentration is the threshold at the edge.
        edge = math.sqrt(2 * spread * math.log(peak / 2))
        assert found["volume_above"][row] == pytest.approx(4 / 3 * math.pi * edge**3, rel=0.06)
        assert found["front"][row] == pytest.approx(edge, abs=0.3)
        near = (r > 4) & (r < 30)
        inner, outer = (within(radius, spread) for radius in (r[near] - 1.5, r[near] + 1.5))
        means = (outer - inner) / (
            4 / 3 * math.pi * ((r[near] + 1.5) ** 3 - (r[near] - 1.5) ** 3)
        )
        np.testing.assert_allclose(found["radial_mean"][row, near], means, atol=0.03 * peak)
    assert np.abs(found["residual"]).max() <= 1e-12 * found["stored"][0]
    np.testing.assert_allclose(found["stored"], 0.2 * 2e5, rtol=1e-6)


def test_front_is_the_outermost_fall_through_the_threshold():
    at = np.arange(6.0)
    assert front(at, np.array([5, 1, 5, 4, 2, 0.0]), 3) == 3.5
    assert front(at, np.full(6, 4.0), 3) == 5.0
    assert math.isnan(front(at, np.zeros(6), 3))
    with_empty_shells = np.array([5, np.nan, 5, np.nan, 1, 0.0])  # which are passed over
    assert front(at, with_empty_shells, 3) == 3.0
