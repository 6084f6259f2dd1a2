"""Lines through time, kymographs and files of cells have the numbers of the files."""

from ecsmpi.cli import main
from ecsmpi.description.line import Line
from ecsmpi.files.frame_source import opened
from ecsmpi.files.recording import load
from ecsmpi.files.sonata import of_cells
from ecsmpi.plots.kymograph import time_edges
from ecsmpi.plots.segments import draw_report, draw_spikes
import h5py
import numpy as np
import pytest

from support.drawn import (
    BOX,
    TIMES,
    counted_reads,
    linear,
    saved,
    write_frames,
    write_report,
    write_spikes,
)


@pytest.fixture
def recording(tmp_path):
    fields = {"k": linear, "na": lambda t: 2 * linear(t)}
    return load(write_frames(tmp_path / "k.h5", fields, charges="k 1"))


def lines_of(axes):
    return {line.get_label(): line for line in axes.lines}


# points


def test_a_line_is_the_series_of_its_voxel(recording, monkeypatch):
    points = [(5, 5, 5), (99, -40, 0)]
    with counted_reads(monkeypatch) as reads:
        figure = recording.plot(["na", "k"], points=points)
    assert [(name, size) for name, _, size in reads] == [
        (name, len(TIMES)) for name in ("na", "na", "k", "k")
    ]
    labels = ["(5, 5, 5) µm", "(99, -40, 0) µm"]
    for axes, name, what in zip(figure.axes, ("na", "k"), ("na (mM)", "k⁺ (mM)")):
        lines = lines_of(axes)
        assert list(lines) == labels and axes.get_ylabel() == what
        for label, point in zip(labels, points):
            assert np.array_equal(lines[label].get_xdata(), TIMES)
            assert np.array_equal(lines[label].get_ydata(), recording.series(name, point))
    assert figure.axes[-1].get_xlabel() == "time (ms)"


def test_long_lines_are_in_seconds(tmp_path):
    path = write_frames(tmp_path / "k.h5", {"k": linear}, times=(0.0, 5000.0, 20_000.0))
    (axes,) = load(path).plot(points=[(5, 5, 5)]).axes
    assert axes.get_xlabel() == "time (s)"
    assert axes.lines[0].get_xdata().tolist() == [0, 5, 20]


def test_gaps_of_a_line_are_told(tmp_path):
    def field(t):
        return linear(t) + (np.nan if t == TIMES[1] else 0)

    recording = saved(tmp_path, k=field)
    with pytest.warns(
        UserWarning, match=r"1 of 3 values of k at \(5, 5, 5\) µm are not finite"
    ):
        recording.plot(points=[(5, 5, 5)])


# a line through the box


@pytest.mark.parametrize(
    "ends",
    [
        (
            5,
            -35,
            0,
            95,
            -35,
            0,
        ),
        (
            95,
            35,
            -10,
            95,
            -35,
            -10,
        ),
        (
            0,
            -40,
            -15,
            100,
            40,
            15,
        ),
        (
            3,
            38,
            14,
            61,
            -22,
            -11,
        ),
        (
            10,
            -40,
            0,
            10,
            40,
            0,
        ),  # along faces of voxels
    ],
)
def test_a_line_crosses_voxels_one_after_the_other(ends):
    line = Line.through(BOX, ends)
    start, stop = np.array(ends[:3]), np.array(ends[3:])
    length = np.linalg.norm(stop - start)
    assert line.distance[0] == 0 and line.distance[-1] == pytest.approx(length)
    assert (np.diff(line.distance) > 0).all()
    for voxel, begin, end in zip(line.voxels, line.distance, line.distance[1:]):
        for distance in (begin, (begin + end) / 2, end):
            place = start + (stop - start) * distance / length
            low = BOX.lo + voxel * np.array(BOX.spacing)
            assert (place >= low - 1e-9).all() and (place <= low + 10 + 1e-9).all()
    runs = list(line.runs())
    assert sum(np.abs(last - first).sum() + 1 for first, last in runs) == len(line.voxels)


def mesh_of(figure, panel=0):
    meshes = [
        axes.collections[0] for axes in figure.axes if axes.get_ylabel() == "distance (µm)"
    ]
    return meshes[panel]


def test_a_kymograph_of_a_linear_field_is_its_formula(recording):
    ends = (2, -33, -15, 98, 37, 15)
    figure = recording.plot(kymograph=ends)
    shown = mesh_of(figure).get_array()
    line = Line.through(BOX, ends)
    x, y, z = (np.array(BOX.lo) + 10 * (line.voxels + 0.5)).T
    at_start = 100 + 0.5 * x + 0.25 * y - 0.125 * z
    expected = at_start[:, None] + np.array(TIMES) / 100
    assert np.allclose(shown, expected, rtol=1e-12)
    assert len(x) > 15
    for column, centre in enumerate(zip(x, y, z)):
        assert np.array_equal(shown[column], recording.series("k", centre))


def test_a_kymograph_lies_at_its_times_and_distances(recording):
    ends = (95, 5, 5, 15, 5, 5)
    figure = recording.plot(["k", "na"], kymograph=ends)
    for panel in (0, 1):
        corners = mesh_of(figure, panel).get_coordinates()
        assert np.allclose(corners[0, :, 0], [-50, 50, 200, 400])
        assert np.allclose(corners[:, 0, 1], [0, 5, 15, 25, 35, 45, 55, 65, 75, 80])
    assert [axes.get_xlim() for axes in figure.axes[:2]] == [(0, 300)] * 2
    assert figure.axes[1].get_xlabel() == "time (ms)"
    assert figure.axes[0].get_title(loc="left") == "from (95, 5, 5) to (15, 5, 5) µm"


def test_a_kymograph_reads_the_voxels_of_its_line_alone(recording, monkeypatch):
    with counted_reads(monkeypatch) as reads:
        recording.plot(kymograph=(95, 5, 5, 15, 5, 5))
    assert [size for _, _, size in reads] == [9 * len(TIMES)]
    with counted_reads(monkeypatch) as reads:
        figure = recording.plot(kymograph=(0, -40, -15, 100, 40, 15))
    assert sum(size for _, _, size in reads) == mesh_of(figure).get_array().size


def test_a_kymograph_shows_the_change_in_symmetric_colours(recording):
    figure = recording.plot(kymograph=(95, 5, 5, 15, 5, 5), change=True)
    mesh = mesh_of(figure)
    assert np.allclose(mesh.get_array(), np.tile(np.array(TIMES) / 100, (9, 1)))
    assert np.allclose(mesh.get_clim(), (-3, 3))


def test_a_kymograph_of_one_frame_is_refused(tmp_path):
    recording = saved(tmp_path, k=linear, times=(0.0,))
    with pytest.raises(ValueError, match="has one frame: a kymograph needs two at least"):
        recording.plot(kymograph=(95, 5, 5, 15, 5, 5))


def test_frames_last_until_half_way_to_the_next():
    assert time_edges(np.array([0.0, 1, 3])).tolist() == [-0.5, 0.5, 2, 4]


# reports of segments, and spikes


@pytest.fixture
def report(tmp_path):
    """Cells 3 and 7; cell 3 has sections 0 and 2, the latter with two segments."""
    values = np.arange(20, dtype=np.float32).reshape(4, 5)
    return write_report(
        tmp_path / "r.v.h5", values, [3, 3, 3, 7, 7], [0, 2, 2, 0, 1], [0.5, 0.1, 0.4, 0.5, 0.5]
    )


def drawn_report(path, gids=None, elements=None):
    with opened(path) as file:
        return draw_report(of_cells(file), gids, elements)


def test_a_report_shows_the_first_segment_of_each_cell(report):
    figure, notes = drawn_report(report)
    (axes,) = figure.axes
    lines = lines_of(axes)
    assert list(lines) == ["cell 3, section 0 (0.5)", "cell 7, section 0 (0.5)"] and not notes
    assert lines["cell 3, section 0 (0.5)"].get_ydata().tolist() == [0, 5, 10, 15]
    assert lines["cell 7, section 0 (0.5)"].get_ydata().tolist() == [3, 8, 13, 18]
    assert axes.lines[0].get_xdata().tolist() == [0, 0.5, 1, 1.5]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (ms)", "v (mV)")


def test_a_section_is_shown_by_the_segment_in_its_middle(report):
    figure, _ = drawn_report(report, [3], [2])
    (line,) = figure.axes[0].lines
    assert line.get_label() == "cell 3, section 2 (0.4)"
    assert line.get_ydata().tolist() == [2, 7, 12, 17]


@pytest.mark.parametrize(
    "gids, elements, message",
    [
        (
            [4],
            None,
            "has no cell 4; it has 3, 7",
        ),
        (
            [3],
            [1],
            "cell 3 has no section 1 in the report; it has 0, 2",
        ),
        (
            [3, 3],
            None,
            "gids must be different, got 3, 3",
        ),
    ],
)
def test_a_segment_that_a_report_does_not_have_is_named(report, gids, elements, message):
    with pytest.raises(ValueError, match=message):
        drawn_report(report, gids, elements)


def test_of_a_large_report_only_the_segments_drawn_are_read(tmp_path, monkeypatch):
    cells, frames = 2000, 300
    values = np.random.default_rng(1).normal(size=(frames, cells)).astype(np.float32)
    node = np.arange(cells)
    path = write_report(
        tmp_path / "r.h5", values, node, np.zeros(cells), np.full(cells, 0.5), interval=100
    )
    sizes = []
    read = h5py.Dataset.__getitem__

    def counting(self, where, **how):
        found = read(self, where, **how)
        if self.name.endswith("data"):
            sizes.append(np.size(found))
        return found

    with monkeypatch.context() as patched:
        patched.setattr(h5py.Dataset, "__getitem__", counting)
        figure, notes = drawn_report(path)
    assert sizes == [frames] * 10
    assert notes == ["drawn are the first 10 of 2,000 cells: choose others by gids"]
    line = figure.axes[0].lines[9]
    assert np.array_equal(line.get_ydata(), values[:, 9])
    assert line.get_xdata()[-1] == pytest.approx(29.9)
    assert figure.axes[0].get_xlabel() == "time (s)"


def test_the_unit_of_time_is_that_of_the_file(report):
    with h5py.File(report, "r+") as file:
        file["report/All/mapping/time"].attrs["units"] = "s"
    assert drawn_report(report)[0].axes[0].get_xlabel() == "time (s)"
    with h5py.File(report, "r+") as file:
        del file["report/All/mapping/time"].attrs["units"]
    assert drawn_report(report)[0].axes[0].get_xlabel() == "time"


def drawn_spikes(path, gids=None):
    with opened(path) as file:
        return draw_spikes(of_cells(file), gids)


def test_a_raster_has_a_mark_for_each_spike(tmp_path):
    path = write_spikes(tmp_path / "s.h5", [1.0, 2.5, 2.5, 9.0], [7, 3, 9, 7])
    figure, notes = drawn_spikes(path)
    (axes,) = figure.axes
    (marks,) = axes.lines
    assert marks.get_xdata().tolist() == [1, 2.5, 2.5, 9]
    assert marks.get_ydata().tolist() == [7, 3, 9, 7] and not notes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("time (ms)", "gid")
    figure.canvas.draw()
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert all(float(text.replace("−", "-")).is_integer() for text in shown)
    figure, notes = drawn_spikes(path, [3, 8])
    assert figure.axes[0].lines[0].get_ydata().tolist() == [3]
    assert notes == ["no spikes of 8"]
    with pytest.raises(ValueError, match="there are no spikes to draw"):
        drawn_spikes(path, [8])


def test_the_command_draws_files_of_cells(report, tmp_path, capsys):
    spikes = write_spikes(tmp_path / "s.h5", [1.0, 2.5], [7, 3])
    assert main(["plot", str(report), "--gids", "7", "--elements", "0", "1"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'r.v_traces.png'}\n"
    assert main(["plot", str(spikes)]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 's_raster.png'}\n"
    with h5py.File(report, "r+") as file:
        del file["report/All/mapping"]
    assert main(["plot", str(report)]) == 2
    assert "is damaged" in capsys.readouterr().err
