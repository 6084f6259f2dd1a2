"""Newton's model: its small exact test, and what its script prints, in ecsmpi and in NEURON alone."""

import re

import numpy as np
import pytest

from support.exact import spread_block
from support.ranks import ROOT, mpirun

SCRIPT = ROOT / "scripts" / "models" / "spreading_depression.py"
SMALL = ["--size", "260", "--dx", "20", "--density", "20000", "--tstop", "400", "--r0", "60"]

BLOCK = """
    import sys
    import numpy as np
    from ecsmpi import rxd
    from neuron import n

    dx = float(sys.argv[2])
    ecs = rxd.Extracellular(*[-10.5] * 3, *[10.5] * 3, dx=dx, volume_fraction=0.2, tortuosity=1.6)
    inside = lambda node: max(abs(node.x3d), abs(node.y3d), abs(node.z3d)) <= 4.5
    k = rxd.Species(ecs, name="k", d=2.62, charge=1, initial=lambda node: 1 if inside(node) else 0)
    middle = round(10.5 / dx - 0.5)
    trace, time = n.Vector(), n.Vector()
    trace.record(k[ecs].node_by_ijk(middle, middle, middle)._ref_value)
    time.record(n._ref_t)
    n.dt = 0.1
    n.finitialize()
    while n.t < float(sys.argv[3]) - n.dt / 2:
        n.fadvance()
    if rxd.rank() == 0:
        np.savez(sys.argv[1], trace=trace, time=time)
"""


def error(on_ranks, ranks, dx, tstop):
    """The largest deviation of the middle voxel from the Green's function with mirror images at the
    walls, until tstop (ms).
    """
    found, voxels = on_ranks(ranks, BLOCK, str(dx), str(tstop)), round(21 / dx)
    d = 2.62 / 1.6**2
    exact = [
        spread_block(voxels, 21.0, (6.0, 15.0), d, t)[voxels // 2] ** 3 for t in found["time"][1:]
    ]
    assert len(exact) == 10 * tstop
    return np.abs(found["trace"][1:] - exact).max()


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


def test_any_number_of_ranks_prints_what_neuron_gives(tmp_path):
    expected = table(None, tmp_path, "--neuron")
    assert expected["neurons"] == "351" and expected["voxels"] == "2,197" and len(expected) == 6
    assert 50 < float(expected["front (um)"].split()[0]) < 130
    for ranks in (1, 3):
        assert table(ranks, tmp_path) == expected


@pytest.mark.parametrize(
    "option, said", [("--size=20", "no room for a cell"), ("--dx=-1", "--dx must be > 0")]
)
def test_wrong_numbers_are_named(option, said, tmp_path):
    done = mpirun(None, ["python", SCRIPT, option], cwd=tmp_path)
    assert done.returncode != 0
    assert said in done.stderr
