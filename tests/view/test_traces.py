"""Traces: their chart, their colours, and their values."""

import re

import ecsmpi
from ecsmpi.view.scene.colours import MARKERS
from ecsmpi.view.trace_chart import MOST_POINTS, Trace, chart, thinned
from ecsmpi.view.traces import Point, told, with_point
import numpy as np

from support.viewed import TIMES, ball, write


def lines(svg):
    """The points of each line: arrays (n, 2) in pixels."""
    found = []
    for text in re.findall(r'<polyline points="([^"]*)"', svg):
        found.append(np.array([point.split(",") for point in text.split()], dtype=float))
    return found


def test_line_goes_through_all_frames_and_higher_is_more():
    time = np.array([0.0, 1.0, 3.0])
    (points,) = lines(chart(time, [Trace("#ff0000", np.array([1.0, 5.0, 3.0]))], 1.0, "k"))
    across = points[:, 0]
    assert np.isclose((across[2] - across[1]) / (across[1] - across[0]), 2, atol=0.01)
    up = -points[:, 1]
    assert np.isclose((up[1] - up[0]) / (up[1] - up[2]), 2, atol=0.01)


def test_line_has_a_gap_where_a_value_is_not_finite():
    values = np.array([1.0, 2.0, np.nan, 3.0, 4.0])
    found = lines(chart(np.arange(5.0), [Trace("#ff0000", values)], 0.0, "k"))
    assert [len(points) for points in found] == [2, 2]


def test_chart_names_the_species_and_units_without_markup_of_the_file():
    svg = chart(
        np.arange(2.0),
        [Trace("#ff0000", np.ones(2))],
        0.0,
        "<script>k",
    )
    assert "&lt;script&gt;k (mM)" in svg
    assert "<script" not in svg
    assert "time (ms)" in svg


def test_one_frame_is_a_dot():
    assert "<circle" in chart(np.zeros(1), [Trace("#ff0000", np.ones(1))], 0.0, "k")


def test_long_line_is_thinned_and_keeps_its_peaks():
    values = np.sin(np.arange(100_000) / 5000)
    values[[12_345, 67_890]] = 7.0, -9.0
    values[50_000:51_000] = np.nan
    time, kept = thinned(np.arange(100_000.0), values)
    assert len(kept) <= MOST_POINTS + 2
    assert (np.nanmax(kept), np.nanmin(kept)) == (7.0, -9.0)
    assert np.isnan(kept).any()
    np.testing.assert_array_equal(
        kept,
        values[time.astype(int)],
    )


def test_traces_have_different_colours_and_the_oldest_goes():
    points = []
    for number in range(len(MARKERS) + 2):
        points = with_point(points, (number, 0, 0))
        assert len({one.colour for one in points}) == len(points)
    assert [one.voxel[0] for one in points] == list(range(2, len(MARKERS) + 2))


def test_voxel_that_is_clicked_twice_has_one_trace():
    points = with_point(
        with_point([], (1, 2, 3)),
        (1, 2, 3),
    )
    assert [one.voxel for one in points] == [(1, 2, 3)]


def test_value_told_is_that_of_the_frame(tmp_path):
    recording = ecsmpi.load(write(tmp_path / "a.h5"))
    found = told(
        [Point((6, 5, 2), "#ff0000")], recording, lambda at: recording.series("k", at), "k", 3
    )
    assert found.places == [(5.0, 4.0, 30.0)]
    (row,) = found.rows
    assert row["place"] == "(5, 4, 30) µm"
    assert row["value"] == f"{ball(TIMES[3])[6, 5, 2]:.6g} mM"
    assert len(lines(found.chart)[0]) == len(TIMES)


def test_without_points_there_is_no_chart(tmp_path):
    recording = ecsmpi.load(write(tmp_path / "a.h5"))
    assert told([], recording, None, "k", 0) == ([], [], "")
