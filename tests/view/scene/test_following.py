"""A file that grows, vanishes or is written anew while it is viewed."""

import os

from ecsmpi.view.follow import look_at_files
import numpy as np

from support.viewed import FIELDS, FLAT, ball, begin, cell, write
from support.viewer import choose, notes, viewer_of


def append(file, t):
    file.append(t, {name: field(t) for name, field in FIELDS.items()})


def test_new_frames_appear_at_the_end(scene, tmp_path):
    file = begin(tmp_path / "a.h5")
    append(file, 0.0)
    viewer = viewer_of(
        scene,
        tmp_path / "a.h5",
        following=True,
    )
    viewer.add_trace((6, 5, 2))
    append(file, 20.0)
    assert look_at_files(viewer)
    assert (viewer.state["frame_number"], viewer.state["frame_count"]) == (1, 2)
    np.testing.assert_array_equal(
        scene.field.values,
        ball(20.0),
    )
    assert scene.scale.hi == ball(20.0).max()
    assert viewer.state["traces"][0]["value"] == f"{ball(20.0)[6, 5, 2]:.6g} mM"
    file.close()


def test_new_frames_leave_an_earlier_one_in_view(scene, tmp_path):
    file = begin(tmp_path / "a.h5")
    append(file, 0.0)
    append(file, 5.0)
    viewer = viewer_of(
        scene,
        tmp_path / "a.h5",
        following=True,
    )
    choose(viewer, frame_number=0)
    append(file, 10.0)
    assert look_at_files(viewer)
    assert (viewer.state["frame_number"], viewer.state["frame_count"]) == (0, 3)
    assert not look_at_files(viewer)
    file.close()


def test_file_without_frames_waits_for_the_first(scene, tmp_path):
    file = begin(tmp_path / "a.h5", cells=cell())
    file.appear()
    viewer = viewer_of(
        scene,
        tmp_path / "a.h5",
        following=True,
    )
    assert viewer.state["time_text"] == "no frames yet"
    assert "waits for the first one" in notes(viewer)
    assert scene.tubes.is_shown
    append(file, 20.0)
    assert look_at_files(viewer)
    assert viewer.state["time_text"] == "t = 20 ms"
    np.testing.assert_array_equal(
        scene.field.values,
        ball(20.0),
    )
    file.close()


def test_file_that_is_gone_is_told_and_comes_back(scene, tmp_path):
    path = write(tmp_path / "a.h5")
    viewer = viewer_of(scene, path, following=True)
    os.rename(path, tmp_path / "b.h5")
    assert look_at_files(viewer)
    assert "there is no file" in viewer.state["problem"]
    assert "stays here" in viewer.state["problem"]
    np.testing.assert_array_equal(
        scene.field.values,
        ball(20.0),
    )
    assert not look_at_files(viewer)
    os.rename(tmp_path / "b.h5", path)
    assert look_at_files(viewer)
    assert viewer.state["problem"] == ""


def test_new_frames_that_cannot_be_read_are_told_and_looked_at_again(
    scene, tmp_path, monkeypatch
):
    file = begin(tmp_path / "a.h5")
    append(file, 0.0)
    viewer = viewer_of(scene, tmp_path / "a.h5", following=True)
    append(file, 20.0)

    def broken(*_):
        raise OSError("cannot read a.h5")

    with monkeypatch.context() as patched:
        patched.setattr(viewer.file, "value_range", broken)
        assert look_at_files(viewer)
        assert (
            "cannot read a.h5; what has been read of it stays here" in viewer.state["problem"]
        )
    append(file, 30.0)
    assert look_at_files(viewer)
    assert (viewer.state["problem"], viewer.state["frame_count"]) == ("", 3)
    file.close()


def test_file_written_anew_is_looked_at_from_its_beginning(scene, tmp_path):
    path = write(tmp_path / "a.h5")
    viewer = viewer_of(scene, path, following=True)
    write(
        path,
        box=FLAT,
        names=("na",),
        times=(0.0, 20.0),
    )
    assert look_at_files(viewer)
    assert viewer.state["species"] == "na"
    assert viewer.state["frame_count"] == 2
    assert "written anew by another run" in notes(viewer)


def test_file_written_anew_without_following_is_told(scene, tmp_path):
    path = write(tmp_path / "a.h5")
    viewer = viewer_of(scene, path)
    write(path, times=(0.0, 20.0))
    state = choose(viewer, frame_number=1)
    assert "replaced by that of another run" in state["problem"]
    look_at_files(viewer)
    assert (state["problem"], state["frame_count"]) == ("", 2)
