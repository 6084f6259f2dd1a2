"""Steps of the grid that are several of NEURON's.

They are exact in mass, of first order in length, and whole at every look.
"""

from ecsmpi.run.grid_clock import GridClock
import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS, holds, script
from support.ranks import mpirun

PROGRAM = PROGRAMS / "rxd" / "grid_steps.py"


@pytest.mark.parametrize("count", [0, -1, 1.5, "many", float("inf"), None])
def test_number_of_steps_that_is_not_whole_is_refused(count):
    clock = GridClock()
    with pytest.raises(ValueError, match="grid_steps must be"):
        clock.steps = count
    assert clock.steps == 1


def test_clock_counts_whole_steps_and_a_change_waits_for_the_next():
    clock = GridClock()
    clock.steps = 3
    assert [clock.tick() for _ in range(4)] == [False, False, True, False]
    clock.steps = 2
    assert [clock.tick() for _ in range(4)] == [False, True, False, True]
    clock.tick()
    clock.restart()
    assert [clock.tick() for _ in range(2)] == [False, True]


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_currents_of_all_steps_come_in_whatever_their_number(ranks, on_ranks):
    holds(on_ranks, ranks, PROGRAM, "currents_of_all_steps")


def test_error_is_of_first_order_in_the_length_of_the_grids_step(on_ranks):
    found = on_ranks(None, PROGRAM, "ecsmpi", "errors_by_length")
    exact = found["of 1"]
    errors = np.array([np.abs(found[f"of {count}"] - exact).max() for count in (2, 4, 8)])
    assert errors[-1] < 0.05 and np.allclose(errors / errors[0], [1, 3, 7], rtol=0.15), errors


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_observers_and_segments_see_whole_steps_of_the_grid(ranks, on_ranks):
    holds(on_ranks, ranks, PROGRAM, "observers_and_segments")


def test_ranks_that_disagree_on_the_steps_are_told(tmp_path):
    path = tmp_path / "model.py"
    path.write_text(
        script("""
        k = rxd.Species(box(), d=2.62, name="k", charge=1, initial=3)
        rxd.options.grid_steps = 1 + rank
        n.finitialize(-65)
    """)
    )
    done = mpirun(2, ["python", path, "-", "ecsmpi"], cwd=tmp_path)
    assert done.returncode != 0
    assert "Rank 0 has grid_steps=1; rank 1 has grid_steps=2" in done.stderr
