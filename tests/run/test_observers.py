"""Each run's files are its own, however the script holds its observers.

It does not matter when the script makes them.
"""

from ecsmpi.files.recording import load
import h5py
import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

RUN = PROGRAMS / "run"
WAYS = ("bound", "local", "nameless", "closed", "within", "removed")
RATES = (0.1, 1, 10)


def check_files_of_run(folder, name, end):
    """The four files of a run of 20 steps hold it from beginning to end, and nothing else."""
    found = load(folder / f"{name}.h5")
    assert np.allclose(found.time, np.linspace(0, 2, 21)) and found["k"][-1].max() == end, name
    with h5py.File(folder / f"{name}.numbers.h5") as numbers:
        assert np.array_equal(
            numbers["diagnostics/k/max"][:], found["k"].max(axis=(1, 2, 3))
        ), name
    with h5py.File(folder / f"{name}.report.h5") as report:
        assert (
            report["report/All/data"].shape[0] == 21
            and np.ptp(report["report/All/data"][:]) > 50
        ), name
    with h5py.File(folder / f"{name}.spikes.h5") as spikes:
        assert (
            len(spikes["spikes/All/timestamps"])
            == len(set(spikes["spikes/All/node_ids"]))
            == report_cells(folder, name)
        ), name


def report_cells(folder, name):
    with h5py.File(folder / f"{name}.report.h5") as report:
        return report["report/All/data"].shape[1]


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_every_run_of_a_sweep_has_its_own_files(ranks, tmp_path):
    done = mpirun(ranks, ["python", RUN / "sweep.py", tmp_path])
    assert done.returncode == 0, done.stdout + done.stderr
    for way in WAYS:
        ends = np.load(tmp_path / f"{way}.npy")
        assert len(set(ends)) == len(RATES)
        for d, end in zip(RATES, ends):
            check_files_of_run(tmp_path, f"{way}{d}", end)
    # Begun again by the last run, of one step, in which the last ones have no name.
    with load(tmp_path / "same.h5") as same:
        assert len(same) == 21
        assert same["k"][-1].max() == np.load(tmp_path / "same.npy")[-1]
    assert report_cells(tmp_path, "same") == (ranks or 1)
    assert done.stderr.count("takes no part in this run: another was made after its own") == 9
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_observers_made_in_mid_run_take_part_from_then_on(ranks, tmp_path):
    done = mpirun(ranks, ["python", RUN / "late.py", tmp_path])
    assert done.returncode == 0, done.stdout + done.stderr
    early, late = load(tmp_path / "early.h5"), load(tmp_path / "late.h5")
    assert len(early) == 11
    assert len(load(tmp_path / "nameless.h5")) == 5
    with np.load(tmp_path / "late.npz") as numbers:
        assert np.allclose(numbers["at"], np.arange(0.6, 2.1, 0.2))
        assert np.array_equal(numbers["late"], numbers["early"][3:])
        assert np.abs(numbers["residual"]).max() < 1e-12 * numbers["stored"][-1]
    assert np.allclose(late.time, early.time[3:])
    assert np.array_equal(late["k"], early["k"][3:])
    assert np.array_equal(early.diagnostics["later"]["max"], early.diagnostics["k"]["max"][3:])
    with (
        h5py.File(tmp_path / "early.report.h5") as whole,
        h5py.File(tmp_path / "late.report.h5") as rest,
    ):
        assert np.array_equal(rest["report/All/data"][:], whole["report/All/data"][3:])
        assert np.allclose(rest["report/All/mapping/time"][:], [0.6, 2.2, 0.2])
    with h5py.File(tmp_path / "late.spikes.h5") as spikes:
        assert np.all(spikes["spikes/All/timestamps"][:] > 0.5)
    assert len(list((tmp_path / "sets").iterdir())) == 2


@pytest.mark.parametrize("when", ["before", "after"])
def test_observer_on_one_rank_alone_is_refused(when, tmp_path):
    done = mpirun(2, ["python", RUN / "one_rank.py", tmp_path, when], env={"ECSMPI_TIMEOUT": 3})
    assert done.returncode != 0
    said = (
        "ranks have different observers: rank 0 has Output("
        if when == "before"
        else "after an observer, such as an rxd.Output, was made"
    )
    assert said in done.stderr, done.stderr


@pytest.mark.parametrize("ranks", [None, long(2)])
def test_a_checkpoint_that_the_script_drops_is_let_go(ranks, tmp_path):
    done = mpirun(ranks, ["python", RUN / "dropped_checkpoints.py", tmp_path])
    assert done.returncode == 0, done.stderr
    assert "all there" in done.stdout
