"""A box belongs to a world of ranks.

Worlds are NEURON's subworlds, those of its bulletin board, or a chosen communicator.
"""

import json

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

DIRECT = {}


def found(ranks, way):
    done = mpirun(ranks, ["python", PROGRAMS / "run" / "worlds.py", way])
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("found ")]
    return json.loads(line[6:])


@pytest.mark.parametrize(
    "ranks, way",
    [
        long(2, "subworlds1"),
        (4, "subworlds2"),
        long(3, "comm_self"),
        (3, "split"),
        long(3, "board1"),
        long(3, "board2"),
    ],
)
def test_each_world_computes_a_model_of_its_own(ranks, way):
    if not DIRECT:
        DIRECT.update(found(None, "direct"))
    values = found(ranks, way)
    assert sorted(values) == sorted(DIRECT)
    for number, expected in DIRECT.items():
        np.testing.assert_allclose(
            values[number], expected, rtol=1e-12, err_msg=f"model {number}, {way}"
        )


CHANGES = PROGRAMS / "run" / "changes_world.py"


def test_a_model_follows_into_another_world_at_finitialize_with_its_fluxes_and_records():
    done = mpirun(2, ["python", CHANGES, "follows"])
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("followed") == 2


@pytest.mark.parametrize("change", [long("rxd.options.comm"), "subworlds"])
def test_a_run_cannot_go_on_in_another_world(change):
    done = mpirun(2, ["python", CHANGES, change])
    assert done.returncode != 0
    assert (
        "the ranks of the model have changed since n.finitialize(): call it again"
        in done.stderr
    )


def test_an_error_in_one_world_ends_the_job():
    done = mpirun(2, ["python", CHANGES, "an error in one world"])
    assert done.returncode != 0


@pytest.mark.parametrize("wrong", ["MPI.COMM_NULL", long("3"), long("MPI.COMM_WORLD.group")])
def test_what_is_no_communicator_is_refused(wrong):
    sets = f"from mpi4py import MPI\nfrom ecsmpi import rxd\nrxd.options.comm = {wrong}"
    done = mpirun(None, ["python", "-c", sets])
    assert done.returncode != 0
    assert "ValueError: comm must be a communicator of mpi4py" in done.stderr


def test_the_bulletin_board_has_one_master_where_neuron_was_imported_first():
    board = """
from neuron import n
from ecsmpi import rxd
pc = n.ParallelContext()
pc.runworker()
print("master", int(pc.id_world()))
pc.done()
"""
    done = mpirun(2, ["python", "-c", board])
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if "master" in line] == ["master 0"]
