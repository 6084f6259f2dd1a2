"""Cells over a section: their outlines in um, to scale, where the section is."""

from itertools import chain

from ecsmpi.files.cells_group import Cells
from ecsmpi.files.recording import load
from ecsmpi.plots.morphology import THINNEST, outlines, pieces_of
import numpy as np
import pytest

from support.drawn import linear, saved, two_cells, write_frames

EVERYWHERE = (-np.inf, np.inf)


def one_section(points, diameters):
    count = len(points)
    return Cells(
        np.array(points, float),
        np.array(diameters, float),
        np.array([0, count]),
        np.array([-1]),
        ("one",),
    )


def corners(cells, axis, between=EVERYWHERE):
    """The corners of each section's outline, (n, 2) um."""
    found = outlines(pieces_of(cells, axis, between))
    return [np.concatenate([one.reshape(-1, 2) for one in shapes]) for shapes in found]


def area(cells, axis):
    """The area (um2) that the outlines cover, on a grid of points."""
    from matplotlib.path import Path

    (drawn,) = corners(cells, axis)
    low, high = drawn.min(axis=0), drawn.max(axis=0)
    n = 400
    steps = (high - low) / n
    grid = np.stack(np.meshgrid(*(low + steps * (np.arange(n)[:, None] + 0.5)).T), axis=-1)
    inside = np.zeros(n * n, bool)
    for polygon in chain(*outlines(pieces_of(cells, axis, EVERYWHERE))[0]):
        inside |= Path(polygon).contains_points(grid.reshape(-1, 2))
    return inside.sum() * steps.prod()


def test_a_cylinder_in_the_plane_is_a_rectangle():
    soma = one_section([(20, 0, 0), (30, 0, 0), (40, 0, 0)], [20, 20, 20])
    (drawn,) = corners(soma, "z")
    assert np.allclose(drawn.min(axis=0), (20, -10)) and np.allclose(
        drawn.max(axis=0), (40, 10)
    )
    assert area(soma, "z") == pytest.approx(400, rel=0.01)


def test_a_cylinder_along_the_line_of_sight_is_a_disc():
    soma = one_section([(20, 0, 0), (30, 0, 0), (40, 0, 0)], [20, 20, 20])
    (drawn,) = corners(soma, "x")
    assert np.allclose(np.abs(drawn).max(axis=0), 10)
    assert area(soma, "x") == pytest.approx(np.pi * 100, rel=0.04)  # of 16 corners


def test_a_cylinder_at_an_angle_ends_in_ellipses():
    length, r = 30.0, 5.0
    tilted = one_section([(0, 0, 0), (length, 0, length)], [2 * r, 2 * r])
    shown = length * 2 * r + np.pi * r * r * np.sqrt(0.5)
    assert area(tilted, "z") == pytest.approx(shown, rel=0.02)


def test_a_taper_is_as_wide_as_its_diameters():
    taper = one_section([(0, 0, 0), (0, 40, 0)], [8, 2])
    (drawn,) = corners(taper, "z")
    at_begin = drawn[np.isclose(drawn[:, 1], 0)]
    at_end = drawn[np.isclose(drawn[:, 1], 40)]
    assert np.ptp(at_begin[:, 0]) == pytest.approx(8)
    assert np.ptp(at_end[:, 0]) == pytest.approx(2)


def test_a_bend_has_no_gap():
    bent = one_section([(0, 0, 0), (20, 0, 0), (20, 20, 0)], [6, 6, 6])
    two_rods_and_a_quarter = 2 * 20 * 6 - 9 + np.pi * 9 / 4
    assert area(bent, "z") == pytest.approx(two_rods_and_a_quarter, rel=0.02)


def test_a_section_of_one_point_is_a_disc():
    point = one_section([(1, 2, 3)], [4])
    (drawn,) = corners(point, "y")
    assert np.allclose(drawn.min(axis=0), (-1, 1)) and np.allclose(drawn.max(axis=0), (3, 5))


@pytest.mark.parametrize(
    "between, sections", [((-5, 5), [0, 1]), ((-15, -11), [2]), ((8, 20), [0]), ((12, 20), [])]
)
def test_a_layer_has_the_parts_that_reach_into_it(between, sections):
    pieces = pieces_of(two_cells(), "z", between)
    assert sorted(set(pieces.section)) == sections
    assert len(outlines(pieces)) == len(sections)


def drawn_cells(figure):
    return figure.findobj(lambda one: one.get_gid() == "cells")


@pytest.fixture
def recording(tmp_path):
    return saved(tmp_path, k=linear, na=linear, cells=two_cells())


def test_cells_are_drawn_in_um_over_each_panel(recording):
    figure = recording.plot(["k", "na"])
    assert len(drawn_cells(figure)) == 2
    soma, dend, rod = (path.vertices for path in drawn_cells(figure)[0].get_paths())
    assert np.allclose(soma.min(axis=0), (20, -10)) and np.allclose(soma.max(axis=0), (40, 10))
    assert np.allclose(dend.min(axis=0), (38, 0)) and np.allclose(dend.max(axis=0), (42, 30))
    assert np.allclose(rod.min(axis=0), (67, -23)) and np.allclose(rod.max(axis=0), (73, -17))


def test_cells_are_as_wide_in_the_picture_as_the_axes_say(recording):
    figure = recording.plot()
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
    axes = figure.axes[0]
    place = axes.get_window_extent()
    height = axes.transData.transform((0, 6))[1]
    row = figure.canvas.get_width_height()[1] - round(height)
    white = np.flatnonzero((pixels[row] > 250).all(axis=1))
    inside = white[(white > place.x0 + 2) & (white < place.x1 - 2)]
    dendrite = 4 - 2 * 6 / 30  # um, at 6 um of 30
    assert len(inside) / place.width == pytest.approx((20 + dendrite / 2) / 100, abs=0.005)


def test_cells_have_an_edge_and_thin_ones_are_seen(recording, tmp_path):
    figure = recording.plot()
    (edges,) = figure.findobj(lambda one: one.get_gid() == "edges of cells")
    assert edges.get_zorder() < drawn_cells(figure)[0].get_zorder()
    thread = one_section([(10, 0, 0), (90, 0, 0)], [1e-3, 1e-3])
    path = write_frames(tmp_path / "thin.h5", {"k": linear}, cells=thread)
    (line,) = drawn_cells(load(path).plot())[0].get_paths()
    points_per_um = 72 * 6.0 / 100
    assert np.ptp(line.vertices[:, 1]) * points_per_um == pytest.approx(THINNEST)


def test_cells_are_left_out_where_nobody_wants_them_or_there_are_none(recording):
    assert not drawn_cells(recording.plot(cells=False))
    with pytest.warns(UserWarning, match="no cell reaches what is drawn"):
        assert not drawn_cells(recording.plot(at=39, axis="y"))
