"""The slice: positions of its neurons, published numbers, and what its script prints."""

import re
import sys

import ecsmpi
import numpy as np
import pytest

from support.ranks import ROOT, mpirun

FOLDER = ROOT / "scripts" / "models"
MIRRORED = ROOT / "tests" / "programs" / "scripts" / "mirrored_slice.py"
SMALL = [
    "--size",
    "mini",
    "--thickness",
    "60",
    "--dx",
    "20",
    "--r0",
    "60",
    "--tstop",
    "4",
    "--every",
    "2",
]


@pytest.fixture(scope="module", autouse=True)
def models():
    """The scripts' modules can be imported."""
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))


def table(tmp_path, ranks, *options, script=FOLDER / "slice.py"):
    """What the script prints: {quantity: here}."""
    picture = tmp_path / f"{ranks}{len(options)}.png"
    output = picture.with_suffix(".h5")
    words = ["python", script, *SMALL, "--picture", picture, "--output", output, *options]
    done = mpirun(ranks, words, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert picture.read_bytes().startswith(b"\x89PNG")
    return dict(re.findall(r"^(\S.+?) {2,}\S.*? {2,}(\S.*)$", done.stdout, re.MULTILINE))


@pytest.mark.long  # in every run: the same of test_spreading_depression
def test_neuron_prints_what_ranks_print(tmp_path):
    alone = table(tmp_path, 2)
    assert alone["neurons"] == "216"
    assert alone["voxels"] == "300"
    assert alone["volume fraction, tortuosity"] == "0.2, 1.6"
    assert alone["radius of a neuron (um)"] == "25.23"
    assert alone["its membrane (um2), cytosol (um3)"] == "8000, 2667"
    assert 50 < float(alone["front (um)"].split()[0]) < 80
    assert float(alone["highest voltage of traced neurons (mV)"]) > -68  # from -70
    assert table(tmp_path, None, "--neuron") == alone


@pytest.mark.long  # in every run: what ranks print is what NEURON prints
def test_eighth_is_one_of_a_slice_that_mirrors_itself(tmp_path):
    even = ["--thickness", "80"]  # so that the middle planes are between voxels
    of_whole = table(tmp_path, 2, *even, script=MIRRORED)
    of_eighth = table(tmp_path, 3, *even, "--eighth")
    assert (of_whole["neurons"], of_eighth["neurons"]) == ("288", "36 in an eighth")
    assert of_whole["front (um)"] == of_eighth["front (um)"]
    layers = []
    for path in (tmp_path / "22.h5", tmp_path / "33.h5"):
        with ecsmpi.load(path) as file:
            layers.append(file.selections["layer"]["k"][-1, ..., 0])
    assert layers[0].shape == (10, 10) and np.ptp(layers[0]) > 20
    np.testing.assert_allclose(layers[0][5:, 5:], layers[1], rtol=0, atol=1e-9)


def test_places_depend_on_the_number_alone():
    import placement

    few, many = (placement.centres(count, (100, 50, 30), 10) for count in (7, 500))
    assert (few == many[:7]).all()
    assert (np.abs(many) <= (90, 40, 20)).all()
    assert np.ptp(many, axis=0).min() > 35
    for ranks in (1, 3, 8):
        shares = [placement.numbers_of_rank(many, rank, ranks) for rank in range(ranks)]
        assert sorted(np.concatenate(shares)) == list(range(500))
        assert np.ptp(list(map(len, shares))) <= 1
        ends = [(many[share, 0].min(), many[share, 0].max()) for share in shares]
        assert all(before[1] <= after[0] for before, after in zip(ends, ends[1:]))
    with pytest.raises(ValueError, match="do not fit"):
        placement.centres(1, (100, 50, 5), 10)


def test_sizes_are_those_published():
    from slice_options import neurons, parsed, tissue_of

    count, neuron = neurons(parsed([]))
    assert count == 36_000 and neuron.radius == pytest.approx(25.23, abs=5e-3)
    assert neuron.volume == pytest.approx(2667, abs=0.5)
    assert neuron.area == pytest.approx(8000, abs=2)
    assert neuron.fraction == pytest.approx(0.0264, abs=5e-5)
    primed = tissue_of(parsed(["--condition", "primed"]))
    published = tissue_of(parsed(["--condition", "primed", "--as-published", "primed"]))
    assert (primed.alpha, published.alpha) == (0.12, 0.07)
    assert primed.chloride == 0.5


def test_gates_start_at_rest_or_as_published():
    from slice_tissue import resting_gates

    published = resting_gates(as_published=True)
    rounded = [float(f"{published[name]:.4g}") for name in "mhn"]
    assert rounded == pytest.approx([0.00732, 0.3885, 0.00956], abs=5e-6)
    meant = resting_gates(as_published=False)
    assert meant["h"] > 0.99 and 0 < meant["m"] < 0.01 and 0 < meant["n"] < 0.03


def test_ions_of_a_closed_cell_and_voxel_balance_by_the_laws():
    """Cotransporters stand still in equilibrium, pumps without oxygen."""
    import math
    from types import SimpleNamespace

    import slice_laws as laws

    m = SimpleNamespace(log=math.log, exp=math.exp, tanh=math.tanh)
    assert laws.kcc2(m, 140, 4, 4, 140, 1, 1) == 0 < laws.kcc2(m, 140, 4, 5, 140, 1, 1)
    assert laws.nkcc1(m, 20, 140, 140, 20, 10, 10, 1, 1) == pytest.approx(0, abs=1e-18)
    assert laws.pump(m, 18, 3.5, 0, 1, 1, 0.8) == pytest.approx(0, abs=1e-7)
    assert laws.pump(m, 18, 3.5, 0.1, 1, 1, 0.8) > 5e-5
    assert laws.nernst(m, 140, 3.5, 1, 1) == pytest.approx(-98.27, abs=0.01)
    at_rest = laws.nernst(m, 130, 6, 1, 1)
    assert laws.chloride_out(m, at_rest, 6, 130, 1, 1) == pytest.approx(0, abs=1e-14)
    assert laws.cell_volume(m, 18, 144, 140, 3.5, 6, 130, 1, 1) == pytest.approx(
        1.0025, abs=2e-4
    )
    assert laws.glial_uptake(m, 40, 1, 1) > 1e3 * laws.glial_uptake(m, 3.5, 0.1, 1)


def test_wrong_options_are_named(tmp_path):
    wrong = (
        (["--dx", "-1"], "must be a number > 0"),
        (["--density", "0.001"], "larger --density"),
        (["--eighth", "--neuron"], "leave --neuron"),
    )
    for words, named in wrong:
        done = mpirun(None, ["python", FOLDER / "slice.py", *words], cwd=tmp_path)
        assert done.returncode != 0 and named in done.stderr, done.stderr
