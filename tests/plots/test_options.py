"""Options without effect, and values that cannot be, are refused by name."""

import subprocess
import sys

from ecsmpi.cli import main
from ecsmpi.files.recording import load
import pytest

from support.drawn import linear, write_frames, write_report, write_spikes

LINE = (5, -35, 0, 95, 35, 0)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("options")
    fields = {"k": linear, "na": linear}
    return write_frames(folder / "k.h5", fields)


@pytest.mark.parametrize(
    "options, message",
    [
        (
            {"points": [(5, 5, 5)], "log": True},
            "leave out log=True, which has no effect on lines",
        ),
        (
            {"points": [(5, 5, 5)], "time": 1.0, "cells": False},
            "leave out time=1.0, cells=False, which have no effect on lines at points",
        ),
        (
            {"kymograph": LINE, "scale": "bar"},
            "scale='bar', which has no effect on a kymograph",
        ),
        (
            {"kymograph": LINE, "at": 3},
            "leave out at=3, which",
        ),
        (
            {"kymograph": LINE, "points": [(5, 5, 5)]},
            "points and a kymograph are two pictures",
        ),
        (
            {"time": 1.0, "frame": 0},
            "time 1 and frame 0 both say what to draw: give one",
        ),
        (
            {"time": [100, 120]},
            "frames side by side must be different, got 1, 1",
        ),
        (
            {"colours": "jet"},
            "colours must be one of viridis, cividis, .* got jet",
        ),
        (
            {"colours": "viridis", "change": True},
            "colours of a change must be one of coolwarm",
        ),
        (
            {"limits": (5, 3)},
            "limits must be LOW HIGH with LOW < HIGH, got 5 3",
        ),
        (
            {"limits": (0, 3), "log": True},
            "limits of a log scale must be above 0, got 0 3",
        ),
        (
            {"limits": (0, 3), "change": True},
            "as far below 0 as above, such as -3 3; got 0 3",
        ),
        (
            {"limits": 3},
            "limits must be two numbers, got 3",
        ),
        (
            {"limits": (1, float("nan"))},
            "limits must be finite, got nan",
        ),
        (
            {"log": True, "change": True},
            "give change or log, not both",
        ),
        (
            {"threshold": 3, "limits": (1, 2)},
            "give limits or threshold, not both",
        ),
        (
            {"threshold": 3, "change": True},
            "give change or threshold, not both",
        ),
        (
            {"threshold": 0, "log": True},
            "the threshold of a log scale must be above 0, got 0",
        ),
        (
            {"contours": ["a"]},
            "contours must be a number, got 'a'",
        ),
        (
            {"scale": "inch"},
            "scale must be one of axes, bar, both, got 'inch'",
        ),
        (
            {"axis": "w"},
            "axis must be x, y or z, got 'w'",
        ),
        (
            {"species": ["k", "k"]},
            "species must be different names, got k, k",
        ),
        (
            {"species": []},
            "species must be different names, got none",
        ),
        (
            {"species": "cl"},
            "has no species 'cl'; it has k, na",
        ),
        (
            {"points": [(1, 2)]},
            r"points are \(x, y, z\) in um, got \(1, 2\)",
        ),
        (
            {"points": []},
            "points must be different, and one at least",
        ),
        (
            {"points": [(5, 5, 5), (5.0, 5, 5)]},
            "points must be different",
        ),
        (
            {"kymograph": (1, 2, 3)},
            "a line is X0 Y0 Z0 X1 Y1 Z1 in um",
        ),
        (
            {"kymograph": (5, 5, 5, 5, 5, 5)},
            "begins and ends at the same point",
        ),
        (
            {"kymograph": (5, 5, 5, 5, 500, 5)},
            "y = 500 um of the line is outside the box",
        ),
    ],
)
def test_a_script_learns_what_is_wrong(path, options, message):
    with pytest.raises(ValueError, match=message):
        load(path).plot(**options)


def test_an_unknown_option_is_a_type_error(path):
    with pytest.raises(TypeError, match="colors"):
        load(path).plot(colors="viridis")


def test_animations_have_no_options_of_still_pictures(path):
    with pytest.raises(ValueError, match="leave out points=.*, which has no effect on an anim"):
        load(path).animate(points=[(1, 2, 3)])
    with pytest.raises(ValueError, match="fps must be more than 0 and at most 50, got 99"):
        load(path).animate(fps=99)


@pytest.mark.parametrize(
    "words, message",
    [
        (
            ["--point", 5, 5, 5, "--log", "--no-cells"],
            "leave out --no-cells, --log, which have",
        ),
        (
            ["--kymograph", *LINE, "--at", 3],
            "leave out --at 3.0, which has no effect on a kymogr",
        ),
        (
            ["--kymograph", *LINE, "--point", 5, 5, 5],
            "points and a kymograph are two pictures",
        ),
        (
            ["--point", 5, 5, 5, "--limits", 1, 2],
            "leave out --limits 1 2, which has no effect",
        ),
        (
            ["--point", 5, 5, 5, "--scale", "bar"],
            "leave out --scale bar, which has no effect",
        ),
        (
            ["--gids", 3],
            "leave out --gids 3, which has no effect on frames of voxels",
        ),
    ],
)
def test_the_command_line_names_its_own_options(path, capsys, words, message):
    assert main(["plot", str(path), *map(str, words)]) == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1


def test_reports_and_spikes_have_no_sections(tmp_path, capsys):
    report = write_report(tmp_path / "r.h5", [[1.0]], [3], [0], [0.5])
    spikes = write_spikes(tmp_path / "s.h5", [1.0], [3])
    words = ["--axis", "x", "--species", "k", "na", "--contours", "3"]
    for path, what in ((report, "a report of segments"), (spikes, "a file of spikes")):
        assert main(["plot", str(path), *words]) == 2
        told = capsys.readouterr().err
        named = "leave out --species k na, --axis x, --contours 3, which have no effect on "
        assert named + what in told
    assert main(["plot", str(spikes), "--elements", "0"]) == 2
    assert "leave out --elements 0, which has no effect" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["plot()", "plot(points=[(5, 5, 5)])", "animate()"])
def test_without_matplotlib_the_extra_is_named_and_files_can_be_read(path, call):
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "import ecsmpi\n"
        f"recording = ecsmpi.load({str(path)!r})\n"
        "print(recording['k'].shape)\n"
        f"recording.{call}\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "(3, 10, 8, 3)\n"
    assert done.stderr.splitlines()[-1].endswith(
        "a picture needs the package matplotlib, which is not installed: "
        "python -m pip install 'ecsmpi[plot]'"
    )
