"""The viewer: what the page's choices do, without a browser."""

from ecsmpi.view.player import Player
import numpy as np
import pytest

from support.viewed import (
    BOX,
    FIELDS,
    FLAT,
    TIMES,
    ball,
    cell,
    write,
    write_selections,
)
from support.viewer import choose, notes, viewer_of


def test_first_view_is_the_last_frame_of_the_first_species(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5", cells=cell()),
    )
    state = viewer.state
    assert state["species"] == "k"
    assert (state["frame_number"], state["frame_count"]) == (4, 5)
    assert state["time_text"] == "t = 20 ms"
    assert scene.surroundings.title == "k,  t = 20 ms"
    assert state["cells_count"] == 2
    assert scene.tubes.is_shown
    np.testing.assert_allclose(
        scene.volume.values,
        ball(20.0),
        rtol=1e-6,
    )
    assert state["problem"] == ""


def test_limits_are_those_of_all_times_whichever_frame_is_shown(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    for number in (0, 2, 4):
        choose(
            viewer,
            frame_number=number,
            limits_kind="all",
        )
        assert (scene.scale.lo, scene.scale.hi) == (3.0, ball(20.0).max())
        assert scene.field.values.max() == ball(TIMES[number]).max()


def test_limits_of_this_frame_and_given_ones(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    choose(
        viewer,
        frame_number=2,
        limits_kind="frame",
    )
    values = ball(10.0)
    assert (scene.scale.lo, scene.scale.hi) == (values.min(), values.max())
    choose(
        viewer,
        limits_kind="given",
        limits_lo="2",
        limits_hi="5.5",
    )
    assert (scene.scale.lo, scene.scale.hi) == (2.0, 5.5)
    state = choose(viewer, limits_lo="9")
    assert "give lo < hi" in state["problem"]
    state = choose(viewer, limits_lo="many")
    assert state["problem"] == "colours from: 'many' is not a number"


def test_logarithm_from_zero_begins_above_it(scene, tmp_path):
    fields = {"k": lambda t, box: ball(t, box, base=0.0)}
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5", names=("k",), fields=fields),
    )
    state = choose(viewer, logarithmic=True)
    assert state["problem"] == ""
    assert 0 < scene.scale.lo == pytest.approx(1e-4 * scene.scale.hi)


def test_another_species_is_drawn_and_traced(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    viewer.add_trace((6, 5, 2))
    viewer.choose_species("na")
    expected = FIELDS["na"](20.0)
    np.testing.assert_allclose(
        scene.volume.values,
        expected,
        rtol=1e-6,
    )
    assert scene.scale.opaque_end == "low"
    (row,) = viewer.state["traces"]
    assert row["value"] == f"{expected[6, 5, 2]:.6g} mM"
    assert "na (mM)" in viewer.state["chart"]


def test_point_as_text_is_the_voxel_there(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    viewer.add_point("3, 2 31")
    assert viewer.state["traces"][0]["place"] == "(5, 4, 30) µm"
    assert scene.markers.shown == [(5.0, 4.0, 30.0)]
    viewer.add_point("1 2")
    assert "a point is x y z in um" in viewer.state["problem"]
    viewer.add_point("999 0 0")
    assert "outside the box" in viewer.state["problem"]
    viewer.clear_traces()
    assert viewer.state["traces"] == scene.markers.shown == []


def test_click_traces_the_voxel_of_the_slice(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    choose(
        viewer,
        volume_on=False,
        slice_z_on=True,
        slice_z=3,
        axes_on=False,
    )
    viewer.look_along("z")
    viewer.pick(0.5, 0.5)
    (row,) = viewer.state["traces"]
    assert row["place"] in (
        "(5, 4, 42) µm",
        "(-5, 4, 42) µm",
        "(5, -4, 42) µm",
        "(-5, -4, 42) µm",
    )
    viewer.pick(0.001, 0.001)
    assert len(viewer.state["traces"]) == 1


def test_slice_says_where_it_is(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    state = choose(
        viewer,
        slice_x_on=True,
        slice_x=0,
    )
    assert state["slice_x_text"] == "-55 µm"
    assert scene.slices[0].position == -55.0


def test_threshold_says_how_much_it_is(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    state = choose(
        viewer,
        between_on=True,
        between_ends=[6.0, 99.0],
    )
    count = int((ball(20.0) >= 6).sum())
    volume = count * 960e-9
    assert state["between_text"].startswith(f"{count} voxels, {volume:.4g} mm³")


def test_surfaces_take_several_values(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    choose(
        viewer,
        surfaces_on=True,
        surface_value=6.0,
        surface_text="8, 9",
    )
    assert set(np.unique(scene.surfaces.mesh.point_data["mM"])) == {6.0, 8.0, 9.0}
    state = choose(viewer, surface_text="8; 9")
    assert state["problem"] == "iso-surfaces: '8;' is not a number"


def test_cells_that_would_hide_the_box_begin_thin(scene, tmp_path):
    thick = cell()._replace(diameters=np.full(5, 60.0))
    viewer = viewer_of(scene, write(tmp_path / "a.h5", cells=thick))
    assert viewer.state["thickness"] == 0.1
    assert "cells are drawn 0.1 times as thick as they are" in notes(viewer)
    choose(viewer, thickness=1.0)
    assert "thick as they are" not in notes(viewer)


def test_flat_box_shows_its_slice(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5", box=FLAT),
    )
    assert viewer.state["slice_z_on"]
    assert scene.slices[2].layer == 0
    assert "one voxel thick" in notes(viewer)
    assert scene.plotter.camera.parallel_projection


def test_uniform_field_is_drawn(scene, tmp_path):
    fields = {"k": lambda t, box: np.full(box.shape, 3.0)}
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5", names=("k",), fields=fields),
    )
    state = choose(
        viewer,
        surfaces_on=True,
        between_on=True,
    )
    assert state["problem"] == ""
    assert scene.scale.lo < 3.0 < scene.scale.hi


def test_nan_is_told(scene, tmp_path):
    def holed(t, box):
        values = ball(t)
        values[:2, :, :] = np.nan
        return values

    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5", names=("k",), fields={"k": holed}),
    )
    assert "120 voxels of this frame have no finite value" in notes(viewer)
    choose(
        viewer,
        slice_z_on=True,
        surfaces_on=True,
        between_on=True,
    )
    assert viewer.state["problem"] == ""


def test_nothing_but_nan_is_drawn(scene, tmp_path):
    fields = {"k": lambda t, box: np.full(box.shape, np.nan)}
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5", names=("k",), fields=fields),
    )
    choose(
        viewer,
        limits_kind="frame",
        slice_z_on=True,
    )
    assert viewer.state["problem"] == ""
    assert "720 voxels" in notes(viewer)


def test_selections_are_chosen(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write_selections(tmp_path / "a.h5"),
    )
    assert [one["value"] for one in viewer.state["choice_items"]] == ["coarse", "layer", "mean"]
    assert scene.field.box.shape == (6, 5, 3)
    viewer.choose("mean")
    assert scene.field.box.shape == (12, 10, 1)
    assert scene.slices[2].layer == 0
    np.testing.assert_allclose(
        scene.field.values[:, :, 0],
        ball(20.0).mean(axis=2),
    )


def test_thinning_is_told(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(scene.volume, "_most", 100)
    monkeypatch.setattr(
        "ecsmpi.view.value_range.MOST_BYTES",
        3,
    )
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    assert "volume: every second voxel along each axis is drawn" in notes(viewer)
    assert "colours and ranges are those of 3 of 5 frames" in notes(viewer)


def test_files_are_chosen(scene, tmp_path):
    first = write(tmp_path / "a.h5", cells=cell())
    second = write(tmp_path / "b.h5", box=FLAT)
    viewer = viewer_of(scene, first, second)
    assert [one["title"] for one in viewer.state["file_titles"]] == ["a.h5", "b.h5"]
    viewer.open_file(1)
    assert scene.field.box.shape == (12, 10, 1)
    assert not scene.tubes.is_shown


def test_play_goes_on_and_begins_again(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    player = Player(viewer, viewer.state)
    player.toggle()
    seen = []
    for _ in range(6):
        seen.append(viewer.state["frame_number"])
        player.advance()
    assert seen == [0, 1, 2, 3, 4, 0]
    viewer.state["repeating"] = False
    for _ in range(5):
        player.advance()
    assert (viewer.state["frame_number"], viewer.state["playing"]) == (4, False)


def test_steps_stop_at_the_ends(scene, tmp_path):
    viewer = viewer_of(
        scene,
        write(tmp_path / "a.h5"),
    )
    player = Player(viewer, viewer.state)
    player.step(1)
    assert viewer.state["frame_number"] == 4
    player.step(-1)
    assert viewer.state["frame_number"] == 3
    np.testing.assert_array_equal(
        scene.field.values,
        ball(15.0),
    )
    player.go_to_end(last=False)
    player.step(-1)
    assert viewer.state["frame_number"] == 0


def test_boxes_of_one_voxel_are_drawn(scene, tmp_path):
    from ecsmpi.description.grid import Box

    one = Box(BOX.lo, BOX.spacing, (1, 1, 1))
    line = Box(BOX.lo, BOX.spacing, (12, 1, 1))
    for number, box in enumerate((one, line)):
        viewer = viewer_of(
            scene,
            write(tmp_path / f"{number}.h5", box=box),
        )
        choose(
            viewer,
            surfaces_on=True,
            between_on=True,
        )
        assert viewer.state["problem"] == ""
        assert viewer.scene.picture().shape == (240, 320, 3)
