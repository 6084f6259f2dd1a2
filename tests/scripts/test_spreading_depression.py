"""Newton's model: its exact test, and its script's table in ecsmpi and in NEURON alone."""

import re

import numpy as np
import pytest

from support.exact import spread_block
from support.long_form import long
from support.ranks import ROOT, mpirun

SCRIPT = ROOT / "scripts" / "models" / "spreading_depression.py"
SMALL = ["--size", "260", "--dx", "20", "--density", "20000", "--tstop", "400", "--r0", "60"]
BLOCK = ROOT / "tests" / "programs" / "scripts" / "spreading_block.py"


def error(on_ranks, ranks, dx, tstop):
    """The largest deviation of the middle voxel until tstop (ms).

    It is compared with the Green's function with mirror images at the walls.
    """
    found = on_ranks(ranks, BLOCK, str(dx), str(tstop))
    voxels = round(21 / dx)
    d = 2.62 / 1.6**2
    exact = []
    for t in found["time"][1:]:
        exact.append(spread_block(voxels, 21.0, (6.0, 15.0), d, t)[voxels // 2] ** 3)
    assert len(exact) == 10 * tstop
    return np.abs(found["trace"][1:] - exact).max()


@pytest.mark.long  # in every run: what ranks print is what NEURON gives
def test_block_of_potassium_spreads_as_greens_functions_say(on_ranks):
    coarse = error(on_ranks, 2, 1.0, 200)
    assert coarse < 0.012
    assert (
        coarse / error(on_ranks, 1, 0.6, 50) > 2.6
    )  # (1 / 0.6)^2 = 2.8; it is largest in the first 10 ms


def table(ranks, tmp_path, *options):
    """What the script prints of a small box: {quantity: here}."""
    picture = tmp_path / f"on_{ranks}.png"
    words = [
        "python",
        SCRIPT,
        *SMALL,
        "--output",
        tmp_path / f"on_{ranks}.h5",
        "--picture",
        picture,
        *options,
    ]
    done = mpirun(ranks, words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    return dict(re.findall(r"^(\S.+?)  +(?:\S+|5 %)  +(.+)$", done.stdout, re.MULTILINE))


@pytest.mark.parametrize("ranks", [long(1), 3])
def test_any_number_of_ranks_prints_what_neuron_gives(ranks, tmp_path):
    expected = table(None, tmp_path, "--neuron")
    assert expected["neurons"] == "351" and expected["voxels"] == "2,197" and len(expected) == 6
    assert 50 < float(expected["front (um)"].split()[0]) < 130
    assert table(ranks, tmp_path) == expected


@pytest.mark.parametrize(
    "option, said", [("--size=20", "no room for a cell"), ("--dx=-1", "--dx must be > 0")]
)
def test_wrong_numbers_are_named(option, said, tmp_path):
    done = mpirun(None, ["python", SCRIPT, option], cwd=tmp_path)
    assert done.returncode != 0
    assert said in done.stderr
