"""Ranges of values, round numbers, and which frames of a large file are read."""

import ecsmpi
from ecsmpi.view.ticks import round_ticks
from ecsmpi.view.value_range import MOST_BYTES, Span, ValueRange, chosen_frames, with_width
import numpy as np
import pytest

from support.viewed import BOX, TIMES, ball, write


def range_of(path, name="k"):
    found = ValueRange()
    found.read(ecsmpi.load(path), name)
    return found


def test_range_is_that_of_all_times(tmp_path):
    found = range_of(write(tmp_path / "a.h5"))
    every = np.stack([ball(t) for t in TIMES])
    assert found.all == (every.min(), every.max())
    assert found.frames_read == found.frames == len(TIMES)
    assert (found.first, found.opaque_end, found.without) == (3.0, "high", 0)


def test_species_that_falls_is_opaque_at_its_low_end(tmp_path):
    assert range_of(write(tmp_path / "a.h5"), "na").opaque_end == "low"


def holed(t, box=BOX):
    values = ball(t)
    values[0, :2, 0] = np.nan
    values[1, 0, 0] = np.inf
    return values


def test_values_that_are_not_finite_are_counted_and_are_no_limits(tmp_path):
    found = range_of(write(tmp_path / "a.h5", names=("k",), fields={"k": holed}))
    assert found.without == 3 * len(TIMES)
    kept = np.isfinite(holed(20.0))
    assert found.all == (3.0, ball(20.0)[kept].max())


def test_nothing_finite_has_an_empty_range(tmp_path):
    nothing = {"k": lambda t, box: np.full(box.shape, np.nan)}
    found = range_of(write(tmp_path / "a.h5", names=("k",), fields=nothing))
    assert found.all == found.most == (0.0, 0.0)
    assert found.without == BOX.voxels * len(TIMES)


def spiked(t, box=BOX):
    values = ball(t)
    if t == TIMES[-1]:
        values[3, 3, 3] = 1000.0
    return values


def test_one_hot_voxel_makes_the_range_wide(tmp_path):
    found = range_of(write(tmp_path / "a.h5", names=("k",), fields={"k": spiked}))
    assert found.is_wide
    assert found.all.hi == 1000.0
    samples = np.stack([spiked(t) for t in TIMES])
    assert found.most == tuple(np.percentile(samples, [0.1, 99.9]))


def test_a_file_that_grows_widens_the_range(tmp_path):
    path = tmp_path / "a.h5"
    found = ValueRange()
    found.read(
        ecsmpi.load(write(path, times=TIMES[:3])),
        "k",
    )
    before = found.all
    found.read(ecsmpi.load(write(path)), "k")
    assert found.frames_read == len(TIMES)
    assert found.all.hi == ball(20.0).max() > before.hi == ball(10.0).max()


def test_of_a_large_file_frames_evenly_spaced_are_read():
    frame = MOST_BYTES // 5
    assert chosen_frames(1001, frame) == [0, 250, 500, 750, 1000]
    assert chosen_frames(5, frame) == [0, 1, 2, 3, 4]
    assert chosen_frames(100, 10 * MOST_BYTES) == [0, 50, 99]
    assert chosen_frames(0, frame) == []


@pytest.mark.parametrize(
    "value",
    [0.0, 3.0, -5e4],
)
def test_uniform_values_have_a_narrow_span_around_them(value):
    lo, hi = with_width(Span(value, value))
    assert lo < value < hi
    assert hi - lo == pytest.approx(2e-6 * max(abs(value), 1e-6))


@pytest.mark.parametrize(
    "lo, hi, most, expected",
    [
        (-233.5, 286.5, 6, [-200, -100, 0, 100, 200]),
        (0, 10, 5, [0, 2, 4, 6, 8, 10]),
        (3, 29, 6, [5, 10, 15, 20, 25]),
        (0.001, 0.0031, 3, [0.001, 0.002, 0.003]),
        (0, 1, 0, []),
    ],
)
def test_ticks_are_round_and_inside(lo, hi, most, expected):
    assert round_ticks(lo, hi, most) == pytest.approx(expected)
