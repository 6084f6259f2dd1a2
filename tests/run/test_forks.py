"""Children forked after a model has run, run models themselves or are refused; nothing hangs."""

import platform

from ecsmpi.ranks import forks
import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun

PROGRAM = PROGRAMS / "run" / "forks.py"


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


@pytest.mark.skipif(
    platform.machine() not in forks.CODE,
    reason="no code for this machine: children of MPICH end as MPI lets them",
)
def test_an_mpi_library_that_keeps_its_state_to_itself_is_told_in_the_child():
    """Any library here; children overwrite one alone that is not Open MPI."""
    done = mpirun(None, ["python", PROGRAMS / "run" / "overwritten_mpi.py"])
    assert done.returncode == 0, done.stderr
    assert "finalized False True 0" in done.stdout
