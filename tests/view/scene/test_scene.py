"""The scene: what is drawn is what the frame has, where it has it."""

from ecsmpi.description.grid import Box
from ecsmpi.view.scene.colour_scale import ColourScale
from ecsmpi.view.scene.field import Field
from ecsmpi.view.scene.scene import Look
from ecsmpi.view.scene.surfaces import contours
import numpy as np
import pytest

from support.viewed import BOX, FLAT, ball, cell

SCALE = ColourScale(3.0, 13.0)
NOTHING = Look(
    volume=False,
    cells=False,
    axes=False,
)


def field(t=20.0, box=BOX):
    return Field(box, ball(t, box))


def draw(scene, look, frame=None, box=BOX, scale=SCALE, cells=None):
    scene.set_box(box, cells)
    scene.draw(
        frame or field(box=box),
        "k",
        scale,
        look,
    )


@pytest.mark.parametrize(
    "axis, layer",
    [(0, 0), (0, 7), (1, 9), (2, 3)],
)
def test_slice_is_the_layer_at_its_position(scene, axis, layer):
    slices = [None, None, None]
    slices[axis] = layer
    draw(
        scene,
        Look(volume=False, slices=tuple(slices)),
    )
    shown = scene.slices[axis]
    np.testing.assert_array_equal(
        shown.values,
        np.take(field().values, layer, axis=axis),
    )
    assert shown.position == BOX.lo[axis] + (layer + 0.5) * BOX.spacing[axis]
    bounds = np.reshape(shown._grid.bounds, (3, 2))
    for a in range(3):
        ends = (shown.position,) * 2 if a == axis else (BOX.lo[a], BOX.hi[a])
        assert bounds[a] == pytest.approx(ends)


def test_layer_that_the_box_does_not_have_is_refused(scene):
    with pytest.raises(ValueError, match="z has layers 0 to 5, got 6"):
        draw(
            scene,
            Look(volume=False, slices=(None, None, 6)),
        )


def test_slice_has_the_colours_of_its_voxels(scene):
    flat = field(box=FLAT)
    draw(
        scene,
        Look(volume=False, slices=(None, None, 0), axes=False),
        flat,
        FLAT,
    )
    scene.look_along(2)
    picture = scene.picture()
    height, width = picture.shape[:2]
    table = SCALE.table()
    for voxel in ((2, 2, 0), (6, 5, 0), (9, 8, 0)):
        centre = [flat.centre(a, voxel[a]) for a in range(3)]
        scene.plotter.renderer.SetWorldPoint(
            *centre,
            1,
        )
        scene.plotter.renderer.WorldToDisplay()
        x, y, _ = scene.plotter.renderer.GetDisplayPoint()
        seen = picture[height - 1 - int(y), int(x)] / 255
        assert seen == pytest.approx(table.map_value(flat.values[voxel])[:3], abs=0.01)
        assert scene.voxel_at_pixel(x, y) == voxel


def test_iso_surface_lies_where_the_field_has_the_value():
    box = Box(
        (0.0, 0.0, 0.0),
        (2.0, 2.0, 2.0),
        (24, 24, 24),
    )
    x, y, z = (np.indices(box.shape) + 0.5) * 2 - 24
    distance = np.sqrt(x**2 + y**2 + z**2)
    surface = contours(
        Field(box, distance),
        [10.0, 18.0],
    )
    radii = np.linalg.norm(
        np.asarray(surface.points) - 24,
        axis=1,
    )
    values = surface.point_data["mM"]
    assert set(np.unique(values)) == {10.0, 18.0}
    assert np.abs(radii - values).max() < 0.05  # of linear interpolation between voxels of 2 um
    area = surface.compute_cell_sizes()["Area"].sum()
    assert area == pytest.approx(4 * np.pi * (10**2 + 18**2), rel=0.01)


def test_iso_surface_beyond_all_values_is_empty():
    assert contours(field(), [99.0]).n_cells == 0
    assert contours(field(), []).n_cells == 0


def test_iso_surface_has_a_hole_at_nan():
    values = ball(20.0)
    whole = contours(Field(BOX, values), [6.0])
    holed = values.copy()
    holed[:6] = np.nan
    part = contours(Field(BOX, holed), [6.0])
    assert np.isfinite(part.points).all()
    assert 0 < part.n_cells < whole.n_cells
    assert np.asarray(part.points)[:, 0].min() >= BOX.lo[0] + 6.5 * BOX.spacing[0] - 1e-3


def test_flat_box_has_iso_lines():
    lines = contours(field(box=FLAT), [6.0])
    assert lines.n_lines > 0
    assert np.allclose(np.asarray(lines.points)[:, 2], 6.0)


def test_threshold_shows_the_voxels_between_and_counts_them(scene):
    draw(
        scene,
        Look(volume=False, between=(6.0, 9.0)),
    )
    values = ball(20.0)
    mask = (values >= 6) & (values <= 9)
    assert scene.between.count == mask.sum() > 0
    shown = set(np.round(scene.between.mesh.cell_data["mM"], 9))
    outer = set(np.round(values[mask], 9))
    assert shown <= outer
    assert scene.between.mesh.bounds.x_min == BOX.lo[0] + BOX.spacing[0] * first_along(mask, 0)


def first_along(mask, axis):
    others = tuple(a for a in range(3) if a != axis)
    return int(np.argmax(mask.any(axis=others)))


def test_threshold_that_no_voxel_meets_shows_nothing(scene):
    draw(
        scene,
        Look(volume=False, between=(50.0, 60.0)),
    )
    assert scene.between.count == 0
    assert not scene.between.actor.visibility


def test_threshold_leaves_out_nan(scene):
    values = ball(20.0)
    values[0] = np.nan
    draw(
        scene,
        Look(volume=False, between=(0.0, 99.0)),
        Field(BOX, values),
    )
    assert scene.between.count == BOX.voxels - 60


def test_volume_has_the_values_of_the_frame(scene):
    draw(scene, Look())
    np.testing.assert_allclose(
        scene.volume.values,
        ball(20.0),
        rtol=1e-6,
    )
    assert scene.volume.stride == 1


def test_volume_of_many_voxels_is_thinned(scene, monkeypatch):
    monkeypatch.setattr(scene.volume, "_most", 100)
    draw(scene, Look())
    assert scene.volume.stride == 2
    np.testing.assert_allclose(
        scene.volume.values,
        ball(20.0)[::2, ::2, ::2],
        rtol=1e-6,
    )


@pytest.mark.parametrize(
    "end, value",
    [("high", 3.0), ("low", 13.0)],
)
def test_nan_is_clear_in_the_volume(scene, end, value):
    values = ball(20.0)
    values[3, 3, 3] = np.nan
    scale = ColourScale(3.0, 13.0, opaque_end=end)
    draw(
        scene,
        Look(),
        Field(BOX, values),
        scale=scale,
    )
    assert scene.volume.values[3, 3, 3] == value == scale.clear
    assert scale.volume_opacities().GetValue(value) == 0


def test_flat_box_has_no_volume(scene):
    draw(scene, Look(), box=FLAT)
    with pytest.raises(ValueError, match="no volume"):
        scene.volume.show(field(box=FLAT), SCALE)


def test_thickness_makes_tubes_wider_and_leaves_their_lines(scene):
    draw(scene, Look(thickness=1.0), cells=cell())
    once = scene.tubes.mesh.bounds
    draw(scene, Look(thickness=2.0), cells=cell())
    twice = scene.tubes.mesh.bounds
    assert once.y_min == pytest.approx(-6.0, rel=1e-3)
    assert twice.y_min == pytest.approx(-12.0, rel=1e-3)
    assert twice.x_min == once.x_min == -6.0
    draw(scene, Look(), cells=cell())


def test_cells_are_switched_on_and_off(scene):
    draw(scene, Look(cells=True), cells=cell())
    assert scene.tubes.is_shown
    draw(scene, Look(cells=False), cells=cell())
    assert not scene.tubes.is_shown
    draw(scene, Look(cells=True), cells=None)
    assert not scene.tubes.is_shown


def test_many_points_are_lines(scene, monkeypatch):
    monkeypatch.setattr(
        "ecsmpi.view.scene.tubes.COARSE",
        3,
    )
    draw(scene, Look(cells=True), cells=cell())
    assert scene.tubes.drawn_as == "lines"
    assert scene.tubes.is_shown


def test_axes_have_round_numbers_and_units(scene):
    scene.plotter.window_size = [800, 600]
    draw(scene, Look())
    scene.picture()
    texts = scene.surroundings.texts
    scene.plotter.window_size = [320, 240]
    assert {"x (µm)", "y (µm)", "z (µm)", "k (mM)"} <= set(texts)
    assert {"-50", "0", "50"} <= set(texts)
    assert "60" not in texts  # at a corner, where labels would meet


def test_flat_box_has_no_axis_across(scene):
    draw(scene, NOTHING, box=FLAT)
    draw(
        scene,
        Look(volume=False, slices=(None, None, 0)),
        box=FLAT,
    )
    scene.picture()
    assert "z (µm)" not in scene.surroundings.texts


@pytest.mark.parametrize("dark", [True, False])
def test_background_is_dark_or_light(scene, dark):
    draw(
        scene,
        Look(volume=False, cells=False, dark=dark),
    )
    corner = scene.picture()[2, 2]
    assert (corner.max() < 40) if dark else (corner.min() > 240)


def test_picture_changes_with_time_and_is_not_blank(scene):
    pictures = []
    for t in (0.0, 10.0, 20.0):
        draw(scene, Look(axes=False), field(t))
        pictures.append(scene.picture().astype(int))
    assert pictures[2].max() > 150
    later = np.abs(pictures[2] - pictures[1]).max(axis=2) > 20
    earlier = np.abs(pictures[1] - pictures[0]).max(axis=2) > 20
    assert later.mean() > 0.01
    assert earlier.mean() > 0.01


def test_picture_is_twice_as_fine_where_wanted(scene):
    draw(scene, Look())
    assert scene.picture(scale=2).shape == (480, 640, 3)


def test_click_in_the_volume_means_the_middle_of_the_bell(scene):
    draw(scene, Look())
    found = scene.voxel_at_pixel(160, 120)
    values = ball(20.0)
    assert values[found] > 0.9 * values.max()
    assert scene.voxel_at_pixel(1, 1) is None


def test_click_on_a_block_means_its_voxel(scene):
    draw(
        scene,
        Look(volume=False, between=(9.0, 99.0)),
    )
    scene.look_along(2)
    found = scene.voxel_at_pixel(160, 120)
    assert ball(20.0)[found] >= 9.0
    assert found[2] == np.flatnonzero((ball(20.0) >= 9).any(axis=(0, 1))).max()


def test_view_fits_the_window_when_that_changes(scene):
    draw(scene, Look())
    before = scene.plotter.camera.parallel_scale
    scene.plotter.window_size = [160, 240]
    scene.picture()
    assert scene.plotter.camera.parallel_scale > before
    scene.plotter.window_size = [320, 240]
    scene.picture()
    assert scene.plotter.camera.parallel_scale == pytest.approx(before)


def label_places(scene):
    """{text: (x, y)} of the labels, in pixels."""
    found = {}
    for labels in scene.surroundings._axes._labels:
        for actor in labels:
            if actor.GetVisibility():
                place = actor.GetPositionCoordinate().GetValue()
                found[actor.GetInput()] = place[:2]
    return found


def test_labels_are_where_the_box_is_in_the_first_picture_of_another_size(scene):
    draw(scene, Look())
    scene.plotter.render_window.SetSize(200, 400)
    scene.plotter.render_window.Render()
    first = label_places(scene)
    scene.plotter.render_window.Render()
    assert first == label_places(scene)
    scene.plotter.window_size = [320, 240]


def test_view_that_was_moved_stays(scene):
    draw(scene, Look())
    scene.plotter.camera.position = (500.0, 400, 300)
    scene.plotter.window_size = [160, 240]
    scene.picture()
    assert scene.plotter.camera.position == (500.0, 400, 300)
    scene.plotter.window_size = [320, 240]


def test_without_a_field_the_box_is_drawn(scene):
    scene.set_box(BOX, None)
    scene.draw(None, "", SCALE, Look())
    scene.picture()
    assert "x (µm)" in scene.surroundings.texts
    assert scene.voxel_at_pixel(160, 120) is None
