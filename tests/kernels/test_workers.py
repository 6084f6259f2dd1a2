"""Threads share loops: each piece once, none in a child, none that takes signals or a core."""

import pytest

from support.programs import PROGRAMS
from support.ranks import mpirun


@pytest.mark.parametrize("processes, looks", [(None, 0), (None, 30_000), (2, 0)])
def test_threads_share_loops_and_sleep_where_there_are_none(processes, looks):
    """Also in two processes at once, with more threads than cores."""
    program = PROGRAMS / "kernels" / "shared_by_threads.py"
    env = {"GOMP_SPINCOUNT": looks}
    done = mpirun(processes, ["python", program], env=env, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    words = ["many", "both", "signals", "asleep", "child"]
    assert sorted(done.stdout.split()) == sorted(words * (processes or 1))


def test_loops_have_the_threads_that_the_machine_starts_and_one_warning_says_so():
    done = mpirun(None, ["python", PROGRAMS / "kernels" / "refused_threads.py"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("2 1 thread 3 of 4 could not start (Resource temporarily ")
    assert "loops have 2, to the same bits" in done.stdout
