"""A file that is looked at: what it offers, and what happens to it meanwhile."""

import os

import ecsmpi
from ecsmpi.view.viewed_file import ViewedFile
import numpy as np
import pytest

from support import frames
from support.viewed import BOX, FIELDS, TIMES, ball, begin, write, write_selections


def grow(file, t):
    file.append(t, {name: field(t) for name, field in FIELDS.items()})


def test_values_are_those_of_the_file(tmp_path):
    viewed = ViewedFile(write(tmp_path / "a.h5"))
    assert viewed.choices == [("", "all voxels")]
    for number, t in enumerate(TIMES):
        np.testing.assert_array_equal(
            viewed.values("", "na", number),
            FIELDS["na"](t),
        )


def test_selections_can_be_chosen_where_nothing_is_whole(tmp_path):
    viewed = ViewedFile(write_selections(tmp_path / "a.h5"))
    assert [key for key, _ in viewed.choices] == ["coarse", "layer", "mean"]
    assert viewed.frames("layer").box.shape == (12, 10, 1)
    mean = viewed.values("mean", "k", 4)
    np.testing.assert_allclose(
        mean[:, :, 0],
        ball(20.0).mean(axis=2),
        rtol=1e-12,
    )


def test_series_is_that_of_the_recording(tmp_path):
    path = write(tmp_path / "a.h5")
    place = (5.0, 4.0, 30.0)
    expected = ecsmpi.load(path).series("k", place)
    np.testing.assert_array_equal(
        ViewedFile(path).series("", "k", place),
        expected,
    )
    np.testing.assert_array_equal(expected, [ball(t)[6, 5, 2] for t in TIMES])


def test_file_in_parts_is_read_as_one(tmp_path):
    frames.write(tmp_path / "a.h5", storage="parts")
    assert (tmp_path / "a.rank00000.h5").exists()
    viewed = ViewedFile(tmp_path / "a.h5")
    for number, expected in enumerate(frames.expected("na")):
        np.testing.assert_array_equal(viewed.values("", "na", number), expected)
    (tmp_path / "a.rank00000.h5").unlink()
    with pytest.raises(OSError, match="part .* is missing"):
        viewed.look_again()


def test_new_frames_are_found(tmp_path):
    file = begin(tmp_path / "a.h5")
    grow(file, 0.0)
    viewed = ViewedFile(tmp_path / "a.h5")
    place = (5.0, 4.0, 30.0)
    assert len(viewed.series("", "k", place)) == 1
    assert viewed.look_again() == "same"
    grow(file, 5.0)
    assert viewed.look_again() == "grown"
    assert len(viewed.frames("")) == len(viewed.series("", "k", place)) == 2
    assert viewed.value_range("", "k").all.hi == ball(5.0).max()
    file.close()


def test_a_file_of_another_run_takes_the_place(tmp_path):
    path = write(tmp_path / "a.h5")
    viewed = ViewedFile(path)
    viewed.values("", "k", 0)
    write(
        path,
        names=("k",),
        times=(1.0, 2.0),
        fields={"k": lambda t, box: ball(t) + 100},
    )
    assert viewed.look_again() == "replaced"
    assert viewed.frames("").names == ["k"]
    np.testing.assert_array_equal(
        viewed.values("", "k", 0),
        ball(1.0) + 100,
    )


def test_a_file_that_is_gone_keeps_what_was_read(tmp_path):
    path = write(tmp_path / "a.h5")
    viewed = ViewedFile(path)
    viewed.values("", "k", 2)
    os.rename(path, tmp_path / "b.h5")
    with pytest.raises(OSError, match="there is no file"):
        viewed.look_again()
    np.testing.assert_array_equal(
        viewed.values("", "k", 2),
        ball(10.0),
    )
    with pytest.raises(OSError, match="there is no file"):
        viewed.values("", "k", 3)
    os.rename(tmp_path / "b.h5", path)
    assert viewed.look_again() == "same"


def test_frames_kept_in_memory_have_a_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "ecsmpi.view.viewed_file.KEPT_BYTES",
        2 * 8 * BOX.voxels,
    )
    viewed = ViewedFile(write(tmp_path / "a.h5"))
    for number, t in enumerate(TIMES):
        np.testing.assert_array_equal(
            viewed.values("", "k", number),
            ball(t),
        )
    assert len(viewed._kept) == 2
