"""NEURON's SaveState, called where it cannot be: an error that says why and what to do, in time."""

import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

RUN = PROGRAMS / "run"


def test_state_of_another_box_is_refused_in_words(tmp_path):
    done = mpirun(None, ["python", RUN / "savestate_of_another.py", tmp_path / "state"])
    assert done.returncode == 0, done.stderr
    assert "goes on" in done.stdout


@pytest.mark.parametrize(
    "call, others, says",
    [
        (
            "restore",
            "step",
            "rank 0 is in SaveState.restore() where rank 1 is in a step of the grid: "
            "make these calls on every rank",
        ),
        long("restore", "barrier", "rank 0 of 2 waited 2 s in SaveState.restore() for rank 1"),
        ("save", "barrier", "rank 0 of 2 waited 2 s in SaveState.save() for rank 1"),
    ],
)
def test_one_rank_alone_is_told(call, others, says):
    done = mpirun(
        2,
        ["python", RUN / "savestate_by_one.py", call, others],
        timeout=60,
        env={"ECSMPI_TIMEOUT": "2"},
    )
    assert done.returncode == 1
    assert says in done.stderr, done.stderr


@pytest.mark.parametrize("ranks, also", [(None, "between"), (2, "-")])
def test_with_steps_of_the_grid_the_run_goes_on_as_it_did(ranks, also):
    done = mpirun(ranks, ["python", RUN / "savestate_grid_steps.py", also])
    assert done.returncode == 0, done.stderr
