"""As many threads as the work is worth, no more than pay.

None of them spin where cores are shared.
"""

import os

from ecsmpi.ranks import cores
from ecsmpi.solver import threads
from ecsmpi.solver.timing import Phases
import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun


@pytest.fixture
def four_threads(monkeypatch):
    monkeypatch.setattr(threads, "_chosen", None)
    monkeypatch.setattr(threads, "most", lambda: 4)


def test_small_work_gets_one_thread_and_large_work_all(four_threads):
    sizes = [0, 1, 2 * threads.VOXELS - 1, 2 * threads.VOXELS, 3 * threads.VOXELS, 10**9]
    assert [threads.for_work(size) for size in sizes] == [1, 1, 1, 2, 3, 4]


def test_what_the_user_chose_counts_for_any_work(four_threads):
    threads.choose(3)
    assert [threads.for_work(size) for size in (1, 10**9)] == [3, 3]
    with threads.whatever_the_work(2):
        assert threads.for_work(1) == 2
    assert threads.for_work(1) == 3


def settled(team, seconds):
    """Return the threads of the team after many steps, and how many steps were trials.

    Each step takes seconds(threads).
    """
    counts = []
    for _ in range(5000):
        counts.append(team._now)
        team.took(seconds(team._now))
    return counts[-1], min(counts.count(1), counts.count(team.wanted))


def test_a_slow_step_or_two_say_nothing_about_threads(four_threads):
    team = threads.Team(10**7, Phases())
    for seconds in (5.0, 0.01, 1.0, *[0.01] * (threads.Team.FIRST - 3)):
        team.took(seconds)
        assert team._now == 4
    team.took(0.01)  # the trial comes, of one thread
    for _ in range(threads.Team.TRIAL):
        assert team._now == 1
        team.took(0.02)
    assert team._now == 4


def test_threads_that_do_not_pay_are_given_up_and_tried_again(four_threads):
    team = threads.Team(10**7, Phases())
    assert team.wanted == 4
    last, trials = settled(team, lambda count: 0.01 / count)
    assert last == 4 and 0 < trials <= 100
    # Other programs have come.
    last, trials = settled(team, lambda count: 0.01 if count == 1 else 0.3)
    assert last == 1 and 0 < trials < 100
    last, _ = settled(team, lambda count: 0.01 / count)  # and gone
    assert last == 4


@pytest.mark.parametrize(
    "around, shared",
    [
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": "17"}, "17 ranks on 16 cores"),
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": "16"}, None),
        ({"MPI_LOCALNRANKS": "17", "SLURM_JOB_ID": "1"}, "17 ranks on 16 cores"),
        (
            {"OMPI_COMM_WORLD_LOCAL_SIZE": "8", "load": "9.5"},
            "8 ranks on 16 cores with a load of 9.5",
        ),
        ({"OMPI_COMM_WORLD_LOCAL_SIZE": "8", "load": "9.5", "SLURM_JOB_ID": "1"}, None),
        ({"machine": "2"}, "a machine of 2 cores"),
        ({"machine": "2", "PBS_JOBID": "1"}, None),
    ],
)
def test_shared_cores_are_known_and_what_waits_there_gives_way(monkeypatch, around, shared):
    for name in (*cores.RANKS_HERE, *cores.JOBS, cores.YIELD, cores.SLEEP, cores.SPIN):
        monkeypatch.setenv(name, "")  # so that what the call sets goes afterwards
        monkeypatch.delenv(name)
    around = dict(around)
    load, machine = float(around.pop("load", 0)), int(around.pop("machine", 16))
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(os, "cpu_count", lambda: machine)
    for name, value in around.items():
        monkeypatch.setenv(name, value)
    assert cores.why_shared() == shared
    cores.choose_how_to_wait()
    assert os.environ.get(cores.YIELD) == ("1" if shared else None)
    assert os.environ.get(cores.SLEEP) == ("1" if str(shared).startswith("17 ranks") else None)
    assert os.environ[cores.SPIN] == ("0" if shared else "30000")


def test_what_the_user_has_set_stays(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setenv(cores.YIELD, "0")
    monkeypatch.setenv(cores.SPIN, "77")
    cores.choose_how_to_wait()
    assert (os.environ[cores.YIELD], os.environ[cores.SPIN]) == ("0", "77")


@pytest.mark.parametrize("chosen", [None, 2])
def test_a_small_box_starts_no_threads_unless_told_to(chosen):
    ready = {
        "NUMBA_NUM_THREADS": chosen,
        "OMPI_MCA_mpi_yield_when_idle": None,
        "GOMP_SPINCOUNT": None,
    }
    done = mpirun(None, ["python", PROGRAMS / "solver" / "threads_of_boxes.py"], env=ready)
    assert done.returncode == 0, done.stderr
    two = len(os.sched_getaffinity(0)) > 1
    expected = [(2, True), (2, True)] if chosen else [(1, False), (2 if two else 1, two)]
    assert f"threads {expected}" in done.stdout
    if os.cpu_count() < cores.FEW:
        assert "] 0 1" in done.stdout  # NEURON may print behind it
