"""Animations: one colour scale, each frame read once for it and once to be drawn."""

import re
import shutil
import warnings

from ecsmpi.cli import main
from ecsmpi.files.recording import load
from ecsmpi.plots.animation import Animation
from ecsmpi.plots.movie import Movie
from ecsmpi.plots.options import Colouring
from ecsmpi.plots.progress import Progress
from ecsmpi.plots.sections import Sections
import numpy as np
from PIL import Image
import pytest

from support.drawn import TIMES, counted_reads, linear, saved, two_cells, write_frames


@pytest.fixture
def path(tmp_path):
    fields = {"k": linear, "na": lambda t: 2 * linear(t)}
    return write_frames(tmp_path / "k.h5", fields, cells=two_cells())


def images_of(animation):
    return [axes.images[0] for axes in animation.movie.figure.axes if axes.images]


def frames_read(reads, name="k"):
    return [
        where if isinstance(where, int) else where[0] for one, where, _ in reads if one == name
    ]


def test_limits_are_those_of_all_frames_and_stay(path):
    recording = load(path)
    animation = recording.animate(["k", "na"])
    for number, name in enumerate(["k", "na"]):
        sections = [recording.section(name, index, "z") for index in range(3)]
        limits = np.min(sections), np.max(sections)
        for index, section in enumerate(sections):
            animation.movie.show(index)
            image = images_of(animation)[number]
            assert image.get_clim() == limits
            assert np.array_equal(image.get_array().T, section)


@pytest.mark.parametrize("at", [None, 0.0])
def test_each_frame_is_read_once_for_limits_and_once_to_be_drawn(path, at, monkeypatch):
    with counted_reads(monkeypatch) as reads:
        animation = load(path).animate("k", at=at)
        assert frames_read(reads) == [0, 1, 2]
        animation.to_jshtml()
        assert frames_read(reads) == [0, 1, 2, 0, 1, 2]


def test_given_limits_need_no_pass(path, monkeypatch):
    with counted_reads(monkeypatch) as reads:
        animation = load(path).animate("k", limits=(90, 140))
        assert not reads
        assert images_of(animation)[0].colorbar.extend == "both"
        animation.save(path.with_name("k.gif"))
    assert frames_read(reads) == [0, 1, 2]


def test_change_reads_the_first_frame_once(path, monkeypatch):
    with counted_reads(monkeypatch) as reads:
        animation = load(path).animate("k", change=True, limits=(-3, 3))
        animation.save(path.with_name("k.gif"))
    assert frames_read(reads) == [0, 1, 2]
    animation.movie.show(2)
    assert np.allclose(images_of(animation)[0].get_array(), 3)


def test_the_command_reads_each_frame_twice(path, monkeypatch, capsys):
    with counted_reads(monkeypatch) as reads:
        assert main(["animate", str(path), "--scale", "both", "--contours", "120"]) == 0
    assert frames_read(reads) == [0, 1, 2] * 2
    with Image.open(path.with_name("k_k.gif")) as movie:
        assert movie.n_frames == 3


def test_titles_say_the_time_of_their_frame(path):
    animation = load(path).animate("k")
    for index, time in enumerate(TIMES):
        animation.movie.show(index)
        title = animation.movie.figure.texts[0].get_text()
        assert title.replace("\n", " ").endswith(f"t = {time:g} ms")


def test_contours_are_those_of_their_frame_alone(path):
    animation = load(path).animate("k", contours=[120])
    for index, time in enumerate(TIMES):
        animation.movie.show(index)
        axes = images_of(animation)[0].axes
        (lines,) = [one for one in axes.collections if hasattr(one, "levels")]
        x, y = lines.get_paths()[0].vertices.T
        assert np.allclose(100 + 0.5 * x + 0.25 * y + time / 100, 120)


def test_nan_is_told_once_for_all_frames(tmp_path):
    def field(t):
        values = linear(t)
        values[0, 0, :] = np.nan
        return values

    recording = saved(tmp_path, k=field)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        animation = recording.animate()
        animation.save(tmp_path / "k.gif")
    (note,) = [str(one.message) for one in told]
    assert note.startswith("3 of 240 values of k are not finite (NaN)")


# in a notebook


def test_a_notebook_gets_a_player_with_all_frames(path):
    animation = load(path).animate("k", fps=5)
    assert isinstance(animation, Animation)
    html = animation._repr_html_()
    assert len(re.findall(r"frames\[\d+\] = \"data:image/png;base64,", html)) == 3
    assert re.search(r"new Animation\(frames, img_id, slider_id, 200", html)


def test_a_player_that_would_be_too_large_is_refused_before_it_begins(path, monkeypatch):
    animation = load(path).animate("k")
    with counted_reads(monkeypatch) as reads:
        message = (
            r"a player of 3 frames would have \d+ MB, more than 0.01 MB: write a file with"
        )
        with pytest.raises(ValueError, match=message):
            animation.to_jshtml(largest=0.01)
    assert not reads


def test_the_size_of_a_player_is_estimated_from_its_richest_frame(tmp_path):
    rng = np.random.default_rng(3)

    def field(t):
        return linear(0.0) * 0 + 3 if t != TIMES[1] else rng.uniform(3, 9, (10, 8, 3))

    animation = saved(tmp_path, k=field).animate()
    estimated = 1e6 * animation.player_size()
    pictures = re.findall(r"base64,(.*?)\"", animation.to_jshtml(), re.DOTALL)
    sizes = [len(one) for one in pictures]
    assert sizes[1] == max(sizes) > sizes[0]
    assert estimated == pytest.approx(3 * sizes[1], rel=0.03)


def test_frames_are_not_dropped_by_a_limit_of_matplotlib(path):
    import matplotlib

    with matplotlib.rc_context({"animation.embed_limit": 1e-6}):
        html = load(path).animate("k").to_jshtml()
    assert html.count("data:image/png;base64,") == 3


def test_progress_is_told_for_each_pass(path):
    told = []
    recording = load(path)
    sections = Sections(recording, ["k"], "z", None, False)
    movie = Movie(sections, Colouring(), True, "axes", lambda *words: told.append(words))
    for _ in movie.draw():
        pass
    assert told == [(i, 3, what) for what in ("read", "drawn") for i in (1, 2, 3)]


def test_progress_is_one_line_that_is_cleared(monkeypatch, capsys):
    monkeypatch.setattr("ecsmpi.plots.progress.FIRST_AFTER", 0.0)
    monkeypatch.setattr("ecsmpi.plots.progress.EVERY", 0.0)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Progress() as progress:
        progress.tell(9, 10, "read")
        progress.tell(10, 10, "read")
    lines = capsys.readouterr().err.split("\r")
    assert lines == ["", "9 of 10 frames read", "10 of 10 frames read", " " * 20, ""]


# files


def test_a_gif_has_the_colours_of_the_map_and_of_what_is_not_finite(tmp_path):
    def field(t):
        values = linear(t)
        values[0, :, :] = np.nan
        return values

    path = write_frames(tmp_path / "k.h5", {"k": field})
    assert main(["animate", str(path), "-o", str(tmp_path / "k.gif")]) == 0
    with Image.open(tmp_path / "k.gif") as movie:
        for index in range(movie.n_frames):
            movie.seek(index)
            pixels = np.asarray(movie.convert("RGB")).astype(int)
            assert (np.abs(pixels - 204).max(axis=2) <= 4).sum() > 1000


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
def test_an_mp4_is_written_by_a_script(path):
    load(path).animate("k").save(path.with_name("k.mp4"))
    assert path.with_name("k.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.parametrize("name, message", [("k.avi", "a movie is a .gif or an .mp4, got")])
def test_other_kinds_of_movies_are_refused(path, name, message):
    with pytest.raises(ValueError, match=message):
        load(path).animate("k").save(path.with_name(name))
