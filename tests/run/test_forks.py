"""Children that a script forks after it has run a model run models themselves, or are refused;
nothing hangs.
"""

import platform

from ecsmpi.ranks import forks
import pytest

from support.ranks import TESTS, mpirun

OVERWRITES = """
import ctypes, os, platform
from mpi4py import MPI
from ecsmpi.ranks import forks, launch
library = ctypes.CDLL(launch.mpi_libraries()[0])
before = MPI.Is_finalized()
for function, code in forks.CODE[platform.machine()].items():
    forks._overwrite(getattr(library, function), bytes.fromhex(code))
print("finalized", before, MPI.Is_finalized(), library.MPI_Finalize(), flush=True)
os._exit(0)
"""
PROGRAM = TESTS / "programs" / "forks.py"


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
    done = mpirun(None, ["python", "-c", OVERWRITES])
    assert done.returncode == 0, done.stderr
    assert "finalized False True 0" in done.stdout
