"""A run that goes on from a checkpoint is the run that was never interrupted.

It is so to the bit, on any number of ranks.
"""

import h5py
import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun
from support.restarts import differences

RUN = PROGRAMS / "run"
GOES_ON = RUN / "goes_on.py"
WITHOUT_GIDS = RUN / "cells_without_gids.py"
ALIKE = RUN / "alike_cells.py"

# a model of tests/support, ranks, and a restart at every so many of its steps
AT_EVERY_STEP = [
    ("ring", 1, 7),
    long("ring", 1, 1),
    long("ring_with_features", 3, 17),
    long("ring_with_features", 3, 9),
    ("ring_with_membranes", 2, 33),
    long("ring_with_membranes", 2, 19),
]


@pytest.mark.parametrize("model, ranks, every", AT_EVERY_STEP)
def test_restart_at_every_step_has_the_same_bits(model, ranks, every, on_ranks, tmp_path):
    mode = "grid_steps" if model == "ring_with_features" else "-"
    program = RUN / "restart_at_every_step.py"
    found = on_ranks(ranks, program, model, tmp_path / "sets", every, mode)
    assert found["sets"] == (50 if mode == "grid_steps" else 100)
    assert len(found["spikes"]) >= 8


@pytest.mark.parametrize(
    "mode, tolerance, restarts",
    [
        ("reproducible", 0, 1),
        long("usual", 1e-12, 1),
        long("reproducible", 0, 5),
        long("usual", 1e-12, 2),
    ],
)
def test_restart_on_other_ranks_is_the_same_run(mode, tolerance, restarts, on_ranks, tmp_path):
    expected = on_ranks(4, GOES_ON, tmp_path / "a", "-", 120, mode)
    assert len(expected["spikes"]) >= 8
    chain = [
        (3, "a", "b", 150),
        (1, "b", "c", 190),
        (4, "c", "d", 1000),
        (7, "c", "e", 1000),
        (2, "c", "f", 1000),
    ]
    for ranks, since, to, at in chain[:restarts]:
        found = on_ranks(ranks, GOES_ON, tmp_path / to, tmp_path / since, at, mode)
        assert found["began"] > 0
        assert differences(found, expected, tolerance) == [], (
            f"{since} to {to} on {ranks} ranks"
        )


@pytest.mark.parametrize("ranks", [long(1), 3])
def test_cells_without_gids_go_on_wherever_they_are_together_again(ranks, on_ranks, tmp_path):
    expected = on_ranks(2, WITHOUT_GIDS, tmp_path / "a", "-", "together")
    assert len(expected["trace"]) == 61
    assert np.ptp(expected["trace"]) > 1e-6
    found = on_ranks(ranks, WITHOUT_GIDS, tmp_path / "b", tmp_path / "a", "together")
    assert differences(found, expected, 1e-12) == []


@pytest.mark.long  # in every run: cells without gids go on
def test_cells_that_look_alike_go_on_each_from_its_own_state(on_ranks, tmp_path):
    expected = on_ranks(3, ALIKE, tmp_path / "a", "-", "ab-")
    assert np.ptp(expected["v"]) > 1
    for order in ("ab", "-ab-"):
        found = on_ranks(len(order), ALIKE, tmp_path / order, tmp_path / "a", order)
        assert differences(found, expected, 1e-12) == [], order


def test_diagnostics_go_on_with_their_sums(tmp_path):
    found = []
    for ranks, since in ((2, "-"), (3, tmp_path / "a")):
        argv = [tmp_path / "out", tmp_path / "a", since, "together", "watched"]
        done = mpirun(ranks, ["python", WITHOUT_GIDS, *argv])
        assert done.returncode == 0, done.stderr
        with h5py.File(tmp_path / "out.h5") as file, np.load(tmp_path / "out.npz") as saved:
            numbers = {name: data[:16] for name, data in file["diagnostics/k"].items()}
            numbers["times of frames"] = file["time"][:]
            numbers["k"] = file["k"][:]
            numbers["balance"] = saved["balance"]
            found.append(numbers)
    first, second = found
    assert len(first["times of frames"]) == 8
    assert len(first["came_in"]) == 16
    assert np.ptp(first["came_in"]) > 0
    tolerance = dict(rtol=1e-12, atol=1e-12 * np.nanmax(np.abs(first["stored"])))
    for name, expected in first.items():
        assert second[name].shape == expected.shape
        assert np.allclose(second[name], expected, equal_nan=True, **tolerance), name


def test_neurons_savestate_keeps_the_boxes(on_ranks, tmp_path):
    on_ranks(2, WITHOUT_GIDS, tmp_path / "state", "-", "apart", "saved by NEURON")


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_vectors_of_other_names_are_not_lost_in_silence(ranks, tmp_path):
    done = mpirun(ranks, ["python", PROGRAMS / "run" / "restart_vectors.py", tmp_path / "sets"])
    assert done.returncode == 0, done.stderr


@pytest.mark.long  # in every run: diagnostics go on with their sums
def test_trace_of_a_node_goes_on_on_every_rank_of_others(tmp_path):
    for ranks, again in ((2, []), (3, ["again"])):
        done = mpirun(
            ranks, ["python", PROGRAMS / "run" / "restart_traces.py", tmp_path / "sets", *again]
        )
        assert done.returncode == 0, done.stderr
