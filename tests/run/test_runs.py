"""Runs: again, in every way, with cells anywhere or nowhere, inside the box or outside."""

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS, Together, as_neuron, holds
from support.ranks import mpirun

PROGRAM = Together(
    PROGRAMS / "run" / "runs.py",
    {
        3: "second_finitialize no_rank_has_cells cells_on_one_rank inserted_mechanisms",
        2: "every_way several_boxes",
    },
)
OUTSIDE = PROGRAMS / "run" / "outside.py"


def test_second_finitialize_starts_afresh_with_new_sections_and_another_dt(on_ranks):
    as_neuron(on_ranks, PROGRAM, "second_finitialize")


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_every_way_to_run_gives_the_same(ranks, on_ranks):
    holds(on_ranks, ranks, PROGRAM, "every_way")


def test_no_rank_needs_cells(on_ranks):
    as_neuron(on_ranks, PROGRAM, "no_rank_has_cells")


def test_cells_may_live_on_one_rank(on_ranks):
    as_neuron(on_ranks, PROGRAM, "cells_on_one_rank")


def test_mechanisms_inserted_during_a_run_work(on_ranks):
    as_neuron(on_ranks, PROGRAM, "inserted_mechanisms")


def test_segments_outside_the_box_are_neurons(on_ranks):
    expected = as_neuron(on_ranks, OUTSIDE)
    ko = expected["segments"][:, 0]
    assert (ko[-12:] == 4).all() and (ko[:12] != 4).all()


@pytest.mark.parametrize("ranks", [None, long(3)])
def test_segments_outside_the_box_are_warned_of_once(ranks, tmp_path):
    command = ["python", OUTSIDE, tmp_path / "saved.npz", "ecsmpi"]
    done = mpirun(ranks, command, env={"PYTHONWARNINGS": "always"})
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "saved.npz") as saved:
        outside = int((saved["segments"][:, 0] == 4).sum())
    assert outside == 15
    assert done.stderr.count(f"{outside} segments lie outside every extracellular box") == 1
    assert done.stderr.count("lie outside") == 1
    said = next(line for line in done.stderr.splitlines() if "lie outside" in line)
    named = [
        word.split("(")[0]
        for word in said.split(": ")[-1].split(", ")
        if word.startswith("cell")
    ]
    assert len(named) == 5
    assert set(named) <= {f"cell{i}" for i in range(5, 10)}
    assert ", ...; enlarge the box to include them" in said
    # thirds of the lines from (70, 0, 0) to (75, 8, 30), of cell 5, and so on to cell 9
    assert said.endswith("go from (70.8333, 1.33333, 5) to (154.167, 6.66667, 25) um")


@pytest.mark.parametrize(("kind", "least"), [("initial", "-3"), ("rate", "-0.024")])
def test_concentrations_below_zero_are_told_of_once(kind, least):
    done = mpirun(2, ["python", PROGRAMS / "run" / "below_zero.py", kind])
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("or it began below 0") == 1, done.stderr
    assert (
        f"ecsmpi: at t = 0.025 ms x is {least} mM in voxel (0, 0, 0) at (5, 5, 5) um: "
        "more flows out of it than there is, or it began below 0\n"
    ) in done.stderr


def test_segment_in_one_of_several_boxes_is_not_outside(on_ranks):
    holds(on_ranks, 2, PROGRAM, "several_boxes")
