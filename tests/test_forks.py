"""Children that a script forks after it has run a model run models themselves, or are refused; nothing hangs."""

from pathlib import Path

import pytest
from conftest import mpirun

PROGRAM = Path(__file__).parent / "programs" / "forks.py"


@pytest.mark.parametrize("ranks, threads", [(None, 2), (1, 1)])
def test_children_of_one_process_run_models_as_it_does(ranks, threads):
    done = mpirun(ranks, ["python", PROGRAM], timeout=100, env={"NUMBA_NUM_THREADS": threads})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "children True False 3 1 parent True" in done.stdout, done.stdout + done.stderr
    assert "KeyError: 'in the child'" in done.stderr


def test_children_of_several_ranks_are_refused_and_the_job_goes_on():
    done = mpirun(2, ["python", PROGRAM], timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "children False True 3 1 parent True" in done.stdout, done.stdout + done.stderr
