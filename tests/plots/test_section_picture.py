"""Sections: what is drawn has the numbers of the file, at its place, in um."""

import re
import warnings

import ecsmpi
from ecsmpi.description.grid import Box
from ecsmpi.files.items import Encoding, Mean, Slice
from ecsmpi.files.recording import load
from matplotlib.text import Text
import numpy as np
import pytest

from support.drawn import BOX, TIMES, counted_reads, linear, saved, two_cells, write_frames


@pytest.fixture
def recording(tmp_path):
    fields = {"k": linear, "ca": lambda t: 1e-4 * linear(t)}
    path = write_frames(tmp_path / "k.h5", fields, cells=two_cells(), charges="k 1, ca 2")
    return load(path)


def image_of(figure, panel=0):
    return [axes for axes in figure.axes if axes.images][panel].images[0]


def bar_of(figure, panel=0):
    return image_of(figure, panel).colorbar


def artist(figure, gid, panel=0):
    axes = image_of(figure, panel).axes
    (found,) = axes.findobj(lambda one: one.get_gid() == gid)
    return found


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda one: hasattr(one, "get_text"))]


def title_of(figure):
    return figure.texts[0].get_text()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "axis, at, extent",
    [
        (
            "z",
            None,
            (0, 100, -40, 40),
        ),
        (
            "z",
            12,
            (0, 100, -40, 40),
        ),
        (
            "y",
            -40,
            (0, 100, -15, 15),
        ),
        (
            "x",
            None,
            (-40, 40, -15, 15),
        ),
    ],
)
def test_image_is_the_section_of_the_recording_in_um(recording, axis, at, extent):
    figure = recording.plot("k", frame=1, axis=axis, at=at)
    image = image_of(figure)
    assert np.array_equal(image.get_array().T, recording.section("k", 1, axis, at))
    assert image.origin == "lower" and tuple(image.get_extent()) == extent
    across, up = [letter for letter in "xyz" if letter != axis]
    assert image.axes.get_xlabel() == f"{across} (µm)"
    assert image.axes.get_ylabel() == f"{up} (µm)"


@pytest.mark.parametrize("count", [1, 2])
def test_pictures_are_to_scale(recording, count):
    figure = recording.plot(["k", "ca"][:count], axis="y")
    for panel in range(count):
        place = image_of(figure, panel).axes.get_window_extent()
        assert place.width / place.height == pytest.approx(100 / 30, rel=1e-6)


def test_species_stand_side_by_side_with_colours_of_their_own(recording):
    figure = recording.plot(["k", "ca"], time=110)
    for panel, name in enumerate(["k", "ca"]):
        section = recording.section(name, 1, "z")
        image = image_of(figure, panel)
        assert np.array_equal(image.get_array().T, section)
        assert image.get_clim() == (section.min(), section.max())
    left, right = (image_of(figure, panel).axes.get_window_extent() for panel in (0, 1))
    assert left.x1 < right.x0 and left.y0 == pytest.approx(right.y0)


def test_frames_stand_side_by_side_in_the_same_colours(recording, monkeypatch):
    with counted_reads(monkeypatch) as reads:
        figure = recording.plot(["k", "ca"], frame=[0, 2])
    assert [(name, where) for name, where, _ in reads] == [
        ("k", 0),
        ("ca", 0),
        ("k", 2),
        ("ca", 2),
    ]
    names = []
    for panel, (name, index) in enumerate((n, i) for n in ("k", "ca") for i in (0, 2)):
        image = image_of(figure, panel)
        both = [recording.section(name, frame, "z") for frame in (0, 2)]
        assert np.array_equal(image.get_array().T, recording.section(name, index, "z"))
        assert image.get_clim() == (np.min(both), np.max(both))
        names.append(image.axes.get_title(loc="left"))
    assert names == [f"{one}, t = {t} ms" for one in ("k⁺", "ca²⁺") for t in (0, 300)]
    places = [image_of(figure, panel).axes.get_window_extent() for panel in range(4)]
    assert places[0].x1 < places[1].x0 and places[2].y1 < places[0].y0
    assert title_of(figure) == "mean over z"
    figure = recording.plot(time=[0, 100], change=True)
    assert title_of(figure) == "k⁺, mean over z, change since t = 0 ms"
    assert image_of(figure, 1).axes.get_title(loc="left") == "t = 100 ms"


def test_title_and_labels_say_species_charge_place_time_and_units(recording):
    figure = recording.plot("ca", time=120, at=3)
    assert title_of(figure).replace("\n", " ") == "ca²⁺, z = 0 µm, t = 100 ms"
    assert bar_of(figure).ax.get_ylabel() == "ca²⁺ (mM)"
    assert title_of(recording.plot()).startswith("k⁺, mean over z")


def test_a_charge_that_the_file_does_not_say_is_not_guessed(tmp_path):
    figure = saved(tmp_path, k=linear).plot()
    assert title_of(figure).startswith("k, mean over z")


def test_long_times_are_seconds(tmp_path):
    file = write_frames(tmp_path / "k.h5", {"k": linear}, times=(0.0, 20_000.0))
    assert title_of(load(file).plot()).endswith("t = 20 s")
    assert title_of(load(file).plot(frame=0)).endswith("t = 0 s")


def boxes_of_texts(figure, monkeypatch):
    """{text: where it is drawn}, in dots."""
    drawn = []
    draw = Text.draw

    def noting(self, renderer):
        if self.get_visible() and self.get_text():
            drawn.append((self.get_text(), self.get_window_extent(renderer)))
        draw(self, renderer)

    with monkeypatch.context() as patched:
        patched.setattr(Text, "draw", noting)
        figure.canvas.draw()
    return drawn


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "species, options",
    [
        (
            ["k", "ca"],
            {"axis": "x", "scale": "both", "change": True},
        ),
        (
            ["k"],
            {"axis": "y", "scale": "bar"},
        ),
        (
            ["k", "ca", "na", "cl", "mg"],
            {"axis": "z", "scale": "both", "log": True},
        ),
        (
            ["k"],
            {"axis": "y", "scale": "both", "contours": [110, 130]},
        ),
    ],
)
@pytest.mark.parametrize("shape", [(10, 8, 3), (3, 100, 20), (60, 2, 3), (2, 60, 4)])
def test_no_text_is_cut_and_no_text_lies_on_another(
    species, options, shape, tmp_path, monkeypatch
):
    box = Box(BOX.lo, BOX.spacing, shape)
    fields = {name: lambda t: linear(t, box) for name in species}
    figure = load(write_frames(tmp_path / "k.h5", fields, box=box)).plot(species, **options)
    drawn = boxes_of_texts(figure, monkeypatch)
    assert len(drawn) > 5
    for number, (text, place) in enumerate(drawn):
        assert place.x0 >= 0 and place.y0 >= 0, text
        assert place.x1 <= figure.bbox.x1 and place.y1 <= figure.bbox.y1, text
        for other, elsewhere in drawn[:number]:
            assert not place.padded(-1).overlaps(elsewhere.padded(-1)), (text, other)


@pytest.mark.parametrize("axis, length", [("z", 20), ("x", 20)])
@pytest.mark.parametrize("scale", ["bar", "both"])
def test_scale_bar_has_a_round_length_in_um(recording, axis, length, scale):
    figure = recording.plot(axis=axis, scale=scale)
    bar = artist(figure, "scale bar")
    x = bar.get_xdata()
    assert x[1] - x[0] == length and f"{length} µm" in texts(figure)
    figure.canvas.draw()
    image = image_of(figure).axes.get_window_extent()
    drawn = bar.get_window_extent()
    assert bar.get_transform().transform([(x[1], 0)])[0, 0] - image.x0 == pytest.approx(
        image.width * length / (100 if axis == "z" else 80), abs=0.01
    )
    assert drawn.y1 < image.y0
    assert bool(image_of(figure).axes.get_xlabel()) == (scale == "both")


def test_change_is_the_difference_to_the_first_frame_in_symmetric_colours(
    recording, monkeypatch
):
    with counted_reads(monkeypatch) as reads:
        figure = recording.plot("k", change=True)
    image = image_of(figure)
    expected = recording.section("k", -1, "z") - recording.section("k", 0, "z")
    assert np.array_equal(image.get_array().T, expected)
    low, high = image.get_clim()
    assert low == -high == -np.abs(expected).max()
    assert [where for _, where, _ in reads] == [0, len(TIMES) - 1]
    assert "change since t = 0 ms" in title_of(figure)
    assert bar_of(figure).ax.get_ylabel() == "change of k⁺ (mM)"


def test_change_of_the_first_frame_is_nothing_and_reads_it_once(recording, monkeypatch):
    with counted_reads(monkeypatch) as reads:
        figure = recording.plot("k", change=True, frame=0)
    assert not image_of(figure).get_array().any() and len(reads) == 1
    low, high = image_of(figure).get_clim()
    assert low == -high and high > 1e-5


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_only_what_is_drawn_is_read(recording, monkeypatch):
    with counted_reads(monkeypatch) as reads:
        recording.plot("k", at=0, axis="x")
    assert [(name, size) for name, _, size in reads] == [("k", 8 * 3)]


def nan_and_negative(t):
    field = linear(t)
    field[2, 3, 1] = np.nan
    field[4, :, 1] = -1.0
    return field


def test_nan_is_grey_and_told_and_no_limit(tmp_path):
    path = write_frames(tmp_path / "k.h5", {"k": nan_and_negative})
    with pytest.warns(UserWarning, match=r"^1 of 80 values of k are not finite .* light grey"):
        figure = load(path).plot(at=0)
    image = image_of(figure)
    assert image.get_array().mask.sum() == 1 and image.get_array().mask[3, 2]
    values = load(path).section("k", -1, "z", 0)
    assert image.get_clim() == (-1.0, np.nanmax(values))
    colour = image.cmap(image.norm(image.get_array()))[3, 2]
    assert np.allclose(colour[:3], 0.8)


def test_log_colours_tell_of_values_that_have_no_place(tmp_path):
    path = write_frames(tmp_path / "k.h5", {"k": nan_and_negative})
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        figure = load(path).plot(at=0, log=True)
    assert re.match("8 of 80 values of k are at most 0.* light blue", str(told[1].message))
    image = image_of(figure)
    values = load(path).section("k", -1, "z", 0)
    assert image.get_clim() == (values[values > 0].min(), np.nanmax(values))
    low, high = image.get_clim()
    assert image.norm(np.sqrt(low * high)) == pytest.approx(0.5)
    drawn = image.cmap(image.norm(image.get_array()))[:, 4]
    assert np.allclose(drawn, drawn[0]) and tuple(np.rint(255 * drawn[0])[:3]) == (
        159,
        216,
        255,
    )
    assert bar_of(figure).extend == "min"


def test_limits_are_those_that_are_given_and_arrows_say_what_lies_beyond(recording):
    figure = recording.plot("k", limits=(120, 130))
    assert image_of(figure).get_clim() == (120, 130) and bar_of(figure).extend == "both"
    figure = recording.plot("k", limits=(0, 130))
    assert bar_of(figure).extend == "max"
    figure = recording.plot("k")
    assert bar_of(figure).extend == "neither"


@pytest.mark.parametrize("limits", [(3, 3.002), (3, 3.0075), (0, 140)])
def test_ticks_of_the_colour_bar_are_round_numbers(recording, limits):
    _, bar = recording.plot("k", limits=limits).axes
    ticks = [tick for tick in bar.get_yticks() if limits[0] <= tick <= limits[1]]
    step = ticks[1] - ticks[0]
    assert np.allclose(np.array(ticks) / step, np.round(np.array(ticks) / step), atol=1e-6)
    assert np.isclose(step / 10 ** np.floor(np.log10(step) + 1e-9), [1, 2, 5], atol=1e-6).any()


def test_uniform_field_is_not_stretched_to_all_colours(tmp_path):
    noisy = write_frames(tmp_path / "k.h5", {"k": lambda t: 3 + 1e-14 * linear(t)})
    for options in ({}, {"change": True}, {"log": True}):
        image = image_of(load(noisy).plot(**options))
        shown = image.norm(image.get_array())
        assert np.ptp(shown) < 1e-5


def test_voxels_below_the_threshold_are_white(recording):
    figure = recording.plot("k", threshold=125)
    image = image_of(figure)
    section = recording.section("k", -1, "z").T
    colours = image.cmap(image.norm(image.get_array()))
    is_white = (colours == 1).all(axis=2)
    assert np.array_equal(is_white, section < 125) and is_white.any()
    assert image.get_clim() == (125, section.max()) and bar_of(figure).extend == "min"
    with pytest.raises(ValueError, match=r"no voxel of k.* reaches the threshold of 999 mM"):
        recording.plot("k", threshold=999)


def test_contour_lies_where_the_field_has_its_concentration(recording):
    figure = recording.plot("k", contours=[120.0, 130.0])
    (lines,) = [one for one in image_of(figure).axes.collections if hasattr(one, "levels")]
    assert list(lines.levels) == [120, 130]
    for level, path in zip(lines.levels, lines.get_paths()):
        x, y = path.vertices.T
        assert len(x) > 3
        assert np.allclose(103 + 0.5 * x + 0.25 * y, level)  # z = 0 in the mean
    marks = [line.get_ydata()[0] for line in bar_of(figure).ax.lines]
    assert marks == [120, 130]


def test_a_contour_that_no_value_reaches_is_told(recording):
    with pytest.warns(UserWarning, match=r"no contour of k⁺ at 999 mM: the values go from 9"):
        recording.plot("k", contours=[120, 999])


def test_selections_are_drawn_as_what_they_are(tmp_path):
    selections = {
        "layer": (Slice("k", y=5.0).selection(BOX), {"k": Encoding()}),
        "mean": (Mean("k", axis="x").selection(BOX), {"k": Encoding()}),
    }
    path = write_frames(
        tmp_path / "k.h5", {"k": linear}, selections=selections, cells=two_cells()
    )
    recording = load(path)
    layer = recording.selections["layer"].plot()
    assert np.array_equal(image_of(layer).get_array().T, linear(300.0)[:, 4, :])
    assert "slice at y = 5 µm" in title_of(layer)
    assert len(artist(layer, "cells").get_paths()) == 2  # the rod is elsewhere
    mean = recording.selections["mean"].plot()
    assert np.allclose(image_of(mean).get_array().T, linear(300.0).mean(axis=0))
    assert np.array_equal(  # without the whole box, the first selection
        image_of(recording.plot()).get_array(), image_of(layer).get_array()
    )


def test_svg_and_pdf_have_text_as_text(recording, tmp_path):
    figure = recording.plot("ca")
    figure.savefig(tmp_path / "ca.svg")
    assert "ca²⁺ (mM)</text>" in (tmp_path / "ca.svg").read_text()
    figure.savefig(tmp_path / "ca.pdf")
    assert b"/Type /Font" in (tmp_path / "ca.pdf").read_bytes()
    assert b"/Subtype /Type0" in (tmp_path / "ca.pdf").read_bytes()


def test_a_notebook_shows_the_figure(recording):
    assert recording.plot()._repr_png_()[:8] == b"\x89PNG\r\n\x1a\n"


def test_control_characters_and_dollars_in_a_name_are_drawn_as_they_are(tmp_path):
    path = write_frames(tmp_path / "k.h5", {"a$b$": linear})
    figure = ecsmpi.load(path).plot()
    figure.canvas.draw()
    assert title_of(figure).startswith("a$b$, ")


def test_a_box_too_thin_to_be_seen_to_scale_is_told(tmp_path):
    long = type(BOX)((0.0, 0.0, 0.0), (10.0, 10.0, 10.0), (300, 2, 2))
    path = write_frames(tmp_path / "k.h5", {"k": lambda t: linear(t, long)}, box=long)
    with pytest.warns(UserWarning, match="not to scale"):
        load(path).plot()
