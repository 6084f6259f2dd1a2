"""Numbers of a run are those of the gathered box, on any ranks.

Every reader finds them; wrong questions are refused.
"""

from ecsmpi.files.recording import load
from ecsmpi.run.observers.measure import Quantities
import numpy as np
import pytest
import xarray

from support.programs import PROGRAMS
from support.ranks import mpirun

BALANCES = PROGRAMS / "run" / "balances.py"
REFUSED = PROGRAMS / "run" / "refused_diagnostics.py"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return {ranks: (saved arrays, folder)} of one model on 1, 3 and 4 ranks.

    The run on 4 ranks writes a file for each rank.
    """
    found = {}
    for ranks in (1, 3, 4):
        folder = tmp_path_factory.mktemp(f"ranks{ranks}")
        env = {"ECSMPI_STORAGE": "parts"} if ranks == 4 else {}
        argv = ["python", BALANCES, folder / "saved.npz", "ecsmpi", folder / "run.h5"]
        done = mpirun(ranks, argv, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        with np.load(folder / "saved.npz") as saved:
            found[ranks] = dict(saved), folder
    return found


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_numbers_are_those_of_the_gathered_box(ranks, runs):
    saved, _ = runs[ranks]
    boxes, volume = saved["boxes"], 7 * 8 * 9
    assert np.allclose(saved["k time"], np.arange(31), atol=1e-9)
    np.testing.assert_allclose(
        saved["k stored"], boxes.sum(axis=(1, 2, 3)) * 0.2 * volume, rtol=1e-13
    )
    np.testing.assert_allclose(saved["k mean"], boxes.mean(axis=(1, 2, 3)), rtol=1e-13)
    assert np.array_equal(saved["k min"], boxes.min(axis=(1, 2, 3)))
    assert np.array_equal(saved["k max"], boxes.max(axis=(1, 2, 3)))
    assert np.array_equal(saved["k volume_above"], (boxes > 3.05).sum(axis=(1, 2, 3)) * volume)
    x, y, z = (
        lo + h * (np.arange(count) + 0.5)
        for lo, h, count in zip((-50, -40, -40), (7, 8, 9), (15, 11, 12))
    )
    shell = (np.sqrt(x[:, None, None] ** 2 + y[:, None] ** 2 + (z - 3) ** 2) / 15).astype(int)
    means = np.array(
        [
            [
                box[shell == s].mean() if (shell == s).any() else np.nan
                for s in range(saved["k radius"].size)
            ]
            for box in boxes
        ]
    )
    np.testing.assert_allclose(saved["k radial_mean"], means, rtol=1e-13)
    assert np.array_equal(saved["k radius"], 15 * (np.arange(saved["k radius"].size) + 0.5))
    assert np.isfinite(means[:, 3]).all()
    assert np.isfinite(saved["k front"]).all()
    assert np.isfinite(saved["k speed"][1:]).all()


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_closed_box_balances_to_round_off(ranks, runs):
    saved, _ = runs[ranks]
    for name in ("k", "na"):
        stored = saved[f"{name} stored"]
        assert np.abs(saved[f"{name} residual"]).max() <= 1e-12 * stored[0]
        assert abs(saved[f"{name} came_in"][-1]) > 1e-5 * stored[0]
        assert not saved[f"{name} through_walls"].any()
    assert saved["na time"].size == 61


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_reactions_are_in_the_balance_of_each_species_alike(ranks, runs):
    saved, _ = runs[ranks]
    made, lost = saved["bound reacted"], saved["na reacted"][::2]
    assert made[-1] > 0.1 * saved["bound stored"][0]
    assert not saved["k reacted"].any()
    assert not saved["bound came_in"].any()
    np.testing.assert_allclose(made, -lost, atol=1e-12 * saved["na stored"][0])
    assert np.abs(saved["bound residual"]).max() <= 1e-12 * saved["bound stored"][0]


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_held_walls_pass_what_sources_do_not_explain(ranks, runs):
    saved, _ = runs[ranks]
    stored, came_in, walls = (
        saved[f"held {name}"] for name in ("stored", "came_in", "through_walls")
    )
    assert np.abs(saved["held residual"]).max() <= 1e-12 * stored[0]
    assert abs(came_in[-1]) > 1e-7 * stored[0]
    assert abs(walls[-1]) > 1e-3 * stored[0]
    assert abs(saved["held"][0] - 4).max() == 0
    assert stored[-1] == pytest.approx(4 * 12 * 7 * 12 * 729, rel=1e-2)


def test_numbers_do_not_depend_on_ranks(runs):
    first = runs[1][0]
    for ranks in (3, 4):
        for name, values in runs[ranks][0].items():
            if name.endswith("residual"):
                continue
            scale = np.nanmax(np.abs(values)) if values.size else 1
            np.testing.assert_allclose(
                values, first[name], rtol=1e-10, atol=1e-10 * max(scale, 1e-300), err_msg=name
            )


@pytest.mark.parametrize("ranks", [1, 3, 4])
def test_file_has_the_table_for_every_reader(ranks, runs):
    saved, folder = runs[ranks]
    with load(folder / "run.h5") as recording:
        assert set(recording.diagnostics) == {"k", "sodium", "bound"}
        assert recording.selections["k_slice_z"]["k"].shape[0] == 7
        for column, values in recording.diagnostics["k"].items():
            np.testing.assert_array_equal(values, saved[f"k {column}"])
        np.testing.assert_array_equal(
            recording.diagnostics["sodium"]["came_in"], saved["na came_in"]
        )
    with load(folder / "held.h5") as recording:
        np.testing.assert_array_equal(
            recording.diagnostics["k"]["through_walls"], saved["held through_walls"]
        )
        assert not recording.names and not recording.selections
    with xarray.open_dataset(
        folder / "run.h5", engine="h5netcdf", group="diagnostics/k"
    ) as data:
        assert data.radial_mean.dims == ("time", "radius")
        assert (
            data.stored.units,
            data.radius.units,
        ) == ("amol", "um")
        assert data.stored.dims == ("time",)
        assert data.time.units == "ms"
        assert data.front.units == "um"
    told = mpirun(None, ["ecsmpi", "info", folder / "run.h5"]).stdout
    assert "diagnostics of k: " in told
    assert "31, from 0 to 30 ms" in told


@pytest.mark.parametrize(
    "asked, message",
    [
        (
            dict(front="w", threshold=1),
            "front must be one of x, y, z, -x, -y, -z, radius, got 'w'",
        ),
        (dict(front="x"), "give threshold=... .mM. with front='x'"),
        (dict(front="radius", threshold=1), "give centre="),
        (dict(shell=3), "give centre="),
        (dict(centre=(0, 0, 0), shell=0), "shell must be > 0 um, got 0"),
        (dict(threshold="high"), "threshold must be a number, got 'high'"),
        (dict(centre=(0, 0)), "centre must be"),
    ],
)
def test_question_that_has_no_answer_is_refused(asked, message):
    with pytest.raises(ValueError, match=message):
        Quantities(**asked)


def test_wrong_diagnostics_of_a_script_are_refused(on_ranks):
    on_ranks(None, REFUSED, "ecsmpi", "refused")
