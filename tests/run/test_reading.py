"""Any rank reads and sets concentrations at any time, whatever the others do."""

from functools import cache
import os
import shutil
import sys

import numpy as np
import pytest

from support.long_form import long
from support.mpi_library import library
from support.programs import PROGRAMS
from support.ranks import mpirun

RUN = PROGRAMS / "run"
PROGRAM = RUN / "reading_anywhere.py"
DIFFERENT = RUN / "different_calls.py"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What the program finds on one rank."""
    path = tmp_path_factory.mktemp("alone") / "found.npz"
    done = mpirun(None, ["python", PROGRAM, path])
    assert done.returncode == 0, done.stderr
    with np.load(path) as found:
        return dict(found)


@pytest.mark.parametrize(
    "ranks, apart",
    [(2, []), long(3, []), long(7, []), (3, ["apart"])],
)
def test_some_ranks_read_and_set_what_one_rank_does(ranks, apart, alone, on_ranks):
    env = library().by_network if apart else None  # as between machines
    found = on_ranks(ranks, PROGRAM, *apart, env=env)
    assert found.keys() == alone.keys()
    for name, expected in alone.items():
        np.testing.assert_allclose(found[name], expected, rtol=1e-12, err_msg=name)
    assert found["unchanged"].all()


@pytest.mark.parametrize(
    "kind, said",
    [
        ("alpha and a step", "rank 0 is in setting alpha of Extracellular(xlo="),
        (
            "alpha and a step",
            "where rank 1 is in a step of the grid: make these calls on every rank",
        ),
        long(
            "alpha and tortuosity",
            "where rank 1 is in setting tortuosity of Extracellular(xlo=",
        ),
        (
            "step and the end",
            "rank 0 is in a step of the grid where rank 1 is in the end of the script",
        ),
        ("alpha alone", "rank 0 of 2 waited 1 s in setting alpha of Extracellular(xlo="),
        ("read in a step", "cannot be read while these make a step: read them between steps"),
    ],
)
def test_ranks_in_different_calls_are_told_both(kind, said, runs):
    done = runs(kind)
    assert done.returncode != 0
    assert said in done.stderr


def test_rank_that_waits_for_a_reader_leaves_its_core(runs):
    done = runs("long read")
    assert done.returncode == 0, done.stderr
    [seconds] = [
        float(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("took")
    ]
    assert seconds < 1.0  # of the 2 s that rank 0 sleeps


@pytest.fixture(scope="module")
def runs():
    """kind -> its run on two ranks, made once."""
    return cache(
        lambda kind: mpirun(
            2, ["python", DIFFERENT, kind], timeout=60, env={"ECSMPI_TIMEOUT": 1}
        )
    )


@pytest.mark.long
@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("ip"),
    reason="needs root and ip, to make two hosts of one machine",
)
def test_ranks_of_two_hosts_read_each_other(alone, tmp_path):
    path = tmp_path / "found.npz"
    done = mpirun(None, [RUN / "two_hosts", "2", sys.executable, PROGRAM, path])
    assert done.returncode == 0, done.stderr
    with np.load(path) as found:
        for name, expected in alone.items():
            np.testing.assert_allclose(found[name], expected, rtol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", [long("runworker"), long("quit"), "quit alone", "end"])
def test_script_ends_in_any_way_while_a_rank_reads(kind):
    done = mpirun(2, ["python", RUN / "ends.py", kind], timeout=60)
    assert done.returncode == 0, done.stderr
    means = [line for line in done.stdout.splitlines() if line.startswith("mean")]
    assert means[0].startswith("mean 20")
    assert len(means) == (1 if "quit" in kind else 2)
