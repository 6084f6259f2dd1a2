"""What the commands info, plot and animate show, and what they refuse."""

import faulthandler
import os
import resource
import shutil
import signal

from ecsmpi.cli import main
from ecsmpi.cli.child_process import read_in_child
from ecsmpi.description.grid import Box
from ecsmpi.files.items import Encoding, Mean, Slice
from ecsmpi.files.output import GridFile
from ecsmpi.files.recording import load
import numpy as np
from PIL import Image
import pytest

from support.frames import Alone, opened, write

HOT = np.array([253, 231, 36])  # the colour of the greatest value, and of the least
COLD = np.array([68, 1, 84])


@pytest.fixture
def file(tmp_path):
    write(tmp_path / "k.h5")
    return tmp_path / "k.h5"


@pytest.fixture
def spot(tmp_path):
    """A box of 10 x 8 x 6 voxels, 5 mM in one voxel that moves along x and 3 mM elsewhere."""
    box = Box((0.0, 0.0, 0.0), (10.0, 10.0, 10.0), (10, 8, 6))
    grid = GridFile(tmp_path / "spot.h5", box, ["k"], (0, 10), Alone())
    for step in range(3):
        values = np.full(box.shape, 3.0)
        values[1 + 4 * step, 6, 2] = 5.0
        grid.append(float(step), {"k": values})
    grid.close()
    return tmp_path / "spot.h5"


def command(capsys, *words):
    """Status, standard output and standard error of `ecsmpi WORDS`."""
    status = main([str(word) for word in words])
    told = capsys.readouterr()
    return status, told.out, told.err


def pixels(image):
    return np.asarray(image.convert("RGB")).astype(int)


def place_of(image, colour, other):
    """Where in the picture of the box, (across, up) from 0 to 1, the pixels of a colour have their
    middle.
    """
    colours = pixels(image)
    # The colour bar has both colours too: it is the part right of the first white column after the
    # box.
    near = (np.abs(colours - colour).max(axis=2) < 12) | (
        np.abs(colours - other).max(axis=2) < 12
    )
    columns = np.flatnonzero(near.sum(axis=0) > 20)
    right = columns[np.argmax(np.diff(columns, append=columns[-1] + 99) > 5)]
    rows = np.flatnonzero(near[:, :right].sum(axis=1) > 20)
    up, across = np.nonzero(np.abs(colours[:, :right] - colour).max(axis=2) < 12)
    return (across.mean() - columns[0]) / (right - columns[0]), (rows[-1] - up.mean()) / (
        rows[-1] - rows[0]
    )


def test_info_tells_grid_times_ranges_and_provenance(file, capsys):
    status, out, _ = command(capsys, "info", file)
    assert status == 0
    assert "x -10 to 4, y 5 to 17, z 100 to 115 um" in out
    assert "7 x 4 x 3 = 84 of 2 x 3 x 5 um" in out
    assert "3, from 0 to 1 ms" in out
    rows = [line.split() for line in out.splitlines()]
    assert ["k", "0", "0", "316", "632"] in rows and ["k", "1", "2000", "2316", "2632"] in rows
    assert ["na", "0", "0.5", "316.5", "632.5"] in rows
    assert ["seed", "7"] in rows


def test_info_of_a_file_without_frames_says_none(tmp_path, capsys):
    opened(tmp_path / "k.h5", Alone(), "single")[0].close()
    status, out, _ = command(capsys, "info", tmp_path / "k.h5")
    assert status == 0 and "none yet" in out


@pytest.mark.parametrize(
    "axis, coordinate, place",
    [
        ("z", 25, (5.5 / 10, 6.5 / 8)),
        ("y", 65, (5.5 / 10, 2.5 / 6)),
        ("x", 55, (6.5 / 8, 2.5 / 6)),
    ],
)
def test_plot_shows_a_voxel_at_its_place(spot, capsys, axis, coordinate, place):
    status, out, _ = command(
        capsys, "plot", spot, "--axis", axis, "--at", coordinate, "--frame", 1
    )
    assert (status, out.strip()) == (0, str(spot.with_name("spot_k.png")))
    with Image.open(spot.with_name("spot_k.png")) as image:
        np.testing.assert_allclose(place_of(image, HOT, COLD), place, atol=0.01)


def test_plot_of_a_mean_shows_what_lies_in_any_layer(spot, tmp_path, capsys):
    assert (
        command(capsys, "plot", spot, "--mean", "--time", 1.9, "-o", tmp_path / "mean.png")[0]
        == 0
    )
    with Image.open(tmp_path / "mean.png") as image:
        np.testing.assert_allclose(place_of(image, HOT, COLD), (9.5 / 10, 6.5 / 8), atol=0.01)


def test_uniform_field_is_drawn_in_one_colour(file, spot, tmp_path, capsys):
    assert command(capsys, "plot", spot, "--at", 5, "-o", tmp_path / "flat.png")[0] == 0
    with Image.open(tmp_path / "flat.png") as image:
        height, width, _ = pixels(image).shape
        box = pixels(image)[height // 4 : height // 2, width // 4 : width // 2]
    assert np.abs(box - box[0, 0]).max() == 0


def test_plot_draws_a_line_for_each_point(spot, tmp_path, capsys):
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    assert command(capsys, "plot", spot, "--point", 15, 65, 25, "-o", one)[0] == 0
    assert (
        command(capsys, "plot", spot, "--point", 15, 65, 25, "--point", 55, 65, 25, "-o", two)[
            0
        ]
        == 0
    )
    second = [255, 127, 14]
    orange = [
        (np.abs(pixels(Image.open(path)) - second).max(axis=2) < 12).sum()
        for path in (one, two)
    ]
    assert orange[0] == 0 and orange[1] > 100


def test_plot_of_points_has_a_name_of_its_own(spot, capsys):
    _, out, _ = command(capsys, "plot", spot, "--point", 15, 65, 25)
    picture = spot.with_name("spot_k.points.png")
    assert out.strip() == str(picture) and picture.is_file()


def test_gif_shows_all_frames_with_the_same_colours(spot, capsys):
    status, out, _ = command(capsys, "animate", spot, "--at", 25, "--fps", 4)
    assert (status, out.strip()) == (0, str(spot.with_name("spot_k.gif")))
    with Image.open(spot.with_name("spot_k.gif")) as movie:
        assert movie.n_frames == 3
        for step in range(3):
            movie.seek(step)
            assert movie.info["duration"] == 250
            place = (1.5 + 4 * step) / 10, 6.5 / 8
            np.testing.assert_allclose(place_of(movie, HOT, COLD), place, atol=0.01)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_mp4_is_written_where_ffmpeg_is(spot, capsys):
    movie = spot.with_name("spot.mp4")
    assert command(capsys, "animate", spot, "-o", movie)[0] == 0
    assert movie.read_bytes()[4:8] == b"ftyp"


def test_mp4_without_ffmpeg_is_refused_with_the_cure(spot, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    status, _, err = command(capsys, "animate", spot, "-o", spot.with_name("spot.mp4"))
    assert (
        status == 2 and "needs ffmpeg, which is not on PATH: install it, or write a .gif" in err
    )


@pytest.mark.parametrize(
    "words, message",
    [
        (("plot", "--species", "cl"), "has no species 'cl'; it has na, k"),
        (("plot", "--time", "7"), "time 7 ms is outside"),
        (("plot", "--frame", "3"), "has frames 0 to 2, got frame 3"),
        (("plot", "--at", "99"), "z = 99 um is outside the box"),
        (("plot", "--point", "0", "6", "99"), "z = 99 um is outside the box"),
        (("plot", "--point", "0", "6", "101", "--time", "1"), "leave out --time 1,"),
        (("plot", "--point", "0", "6", "101", "--mean"), "leave out --mean"),
        (("plot", "-o", "absent/k.png"), "there is no folder absent; create it first"),
        (("plot", "-o", "k.h5"), "is not supported"),
        (("animate", "--species", "cl"), "has no species 'cl'"),
        (("animate", "--fps", "0"), "fps must be more than 0 and at most 50, got 0"),
        (("animate", "-o", "k.avi"), "a movie is a .gif or an .mp4, got k.avi"),
        (("animate", "--axis", "x", "--at", "-11"), "x = -11 um is outside the box"),
    ],
)
def test_wish_that_cannot_be_met_is_one_line_and_status_2(
    file, capsys, monkeypatch, words, message
):
    monkeypatch.chdir(file.parent)
    before = file.read_bytes()
    status, out, err = command(capsys, words[0], file.name, *words[1:])
    assert (status, out) == (2, "") and message in err and err.count("\n") == 1
    assert file.read_bytes() == before and [path.name for path in file.parent.iterdir()] == [
        file.name
    ]


@pytest.mark.parametrize("name", ["info", "plot", "animate"])
def test_missing_file_is_one_line_and_status_2(tmp_path, capsys, name):
    status, _, err = command(capsys, name, tmp_path / "absent.h5")
    assert status == 2 and "there is no file" in err and err.count("\n") == 1


@pytest.mark.parametrize("name", ["plot", "animate"])
def test_file_without_frames_is_not_drawn(tmp_path, capsys, name):
    opened(tmp_path / "k.h5", Alone(), "single")[0].close()
    status, _, err = command(capsys, name, tmp_path / "k.h5")
    assert status == 2 and "has no frames yet" in err


def test_slice_and_mean_are_drawn_as_the_box_that_they_are_of(spot, capsys, tmp_path):
    with load(spot) as recording:
        box, values = recording.box, recording["k"]
    selections = {
        "layer": (Slice("k", y=65.0).selection(box), {"k": Encoding("float32")}),
        "mean": (Mean("k", axis="z").selection(box), {"k": Encoding()}),
    }
    file = GridFile(tmp_path / "chosen.h5", box, [], (0, 10), Alone(), selections=selections)
    for t, u in enumerate(values):
        for group in selections:
            file.append(float(t), {"k": u}, group)
    file.close()
    chosen = tmp_path / "chosen.h5"
    for name, place in (("layer", (5.5 / 10, 2.5 / 6)), ("mean", (5.5 / 10, 6.5 / 8))):
        status, out, _ = command(capsys, "plot", chosen, "--selection", name, "--frame", 1)
        assert (status, out.strip()) == (0, str(tmp_path / f"chosen_{name}.png"))
        with Image.open(tmp_path / f"chosen_{name}.png") as image:
            np.testing.assert_allclose(place_of(image, HOT, COLD), place, atol=0.01)
    assert command(capsys, "animate", chosen, "--selection", "layer")[0] == 0
    with Image.open(tmp_path / "chosen_layer.gif") as movie:
        assert movie.n_frames == 3
    assert command(capsys, "plot", chosen)[:2] == (
        0,
        f"{tmp_path / 'chosen_k.png'}\n",
    )  # the first selection
    status, _, err = command(capsys, "plot", chosen, "--selection", "k")
    assert status == 2 and "has no selection 'k'; it has layer, mean" in err
    _, out, _ = command(capsys, "info", chosen)
    assert (
        "layer: slice at y = 65 um" in out
        and "10 x 1 x 6 = 60 of 10 x 10 x 10 um" in out
        and "mean: mean over z" in out
    )


def test_file_on_which_the_library_crashes_is_named(tmp_path):
    def crash(path):
        faulthandler.disable()
        os.kill(os.getpid(), signal.SIGSEGV)

    def spin(path):
        resource.setrlimit(resource.RLIMIT_CPU, (1, 2))
        while True:
            pass

    path = tmp_path / "k.h5"
    path.write_bytes(b"")
    assert read_in_child(lambda path: f"{path.name} is whole", path) == "k.h5 is whole"
    for read, why in ((crash, "crashes on it"), (spin, "reading it does not end")):
        with pytest.raises(OSError, match=f"k.h5 is damaged: .*{why}"):
            read_in_child(read, path)
    with pytest.raises(
        ValueError, match="k.h5 is damaged .*no such thing.*; run the simulation again"
    ):
        read_in_child(lambda path: {}["no such thing"] if path else None, path)
