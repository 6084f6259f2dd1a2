"""A box belongs to a world of ranks: NEURON's subworlds and bulletin board, or the communicator
that a script has chosen.
"""

import json

import numpy as np
import pytest

from support.ranks import TESTS, mpirun

PROGRAMS = TESTS / "programs"
DIRECT = {}


def found(ranks, way):
    done = mpirun(ranks, ["python", PROGRAMS / "worlds.py", way])
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("found ")]
    return json.loads(line[6:])


@pytest.mark.parametrize(
    "ranks, way",
    [
        pytest.param(2, "subworlds1", marks=pytest.mark.long),
        (4, "subworlds2"),
        (3, "comm_self"),
        (3, "split"),
        pytest.param(3, "board1", marks=pytest.mark.long),
        (3, "board2"),
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


CHANGED = """
from mpi4py import MPI
from ecsmpi import rxd
from neuron import n

ecs = rxd.Extracellular(0, 0, 0, 6, 6, 6, dx=1)
k = rxd.Species(ecs, name="k", d=1, charge=1, initial=lambda node: node.x3d)
trace = n.Vector().record(k[ecs].node_by_ijk(1, 1, 1)._ref_value)
k[ecs].node_by_ijk(0, 0, 0).include_flux(6.0e5)
n.finitialize(-65)
n.fadvance()
whole = k[ecs].states3d.sum()
"""


def test_a_model_follows_into_another_world_at_finitialize_with_its_fluxes_and_records():
    again = """
rxd.options.comm = MPI.COMM_SELF
n.finitialize(-65)
n.fadvance()
assert abs(k[ecs].states3d.sum() / whole - 1) < 1e-12, (k[ecs].states3d.sum(), whole)
assert abs(trace[-1] / k[ecs].states3d[1, 1, 1] - 1) < 1e-12 and len(trace) == 2
assert rxd.rank() == 0 and rxd.options.comm == MPI.COMM_SELF
MPI.COMM_WORLD.Barrier()
print("followed")
"""
    done = mpirun(2, ["python", "-c", CHANGED + again])
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("followed") == 2


@pytest.mark.parametrize(
    "change", ["rxd.options.comm = MPI.COMM_SELF", "n.ParallelContext().subworlds(1)"]
)
def test_a_run_cannot_go_on_in_another_world(change):
    done = mpirun(2, ["python", "-c", CHANGED + f"{change}\nn.fadvance()"])
    assert done.returncode != 0
    assert "the ranks of the model have changed since n.finitialize(): call it again" in done.stderr


def test_an_error_in_one_world_ends_the_job():
    fails = "if int(n.ParallelContext().id_world()) == 1:\n    k.d = -1\nn.fadvance()\nMPI.COMM_WORLD.Barrier()"
    done = mpirun(
        2,
        [
            "python",
            "-c",
            "from ecsmpi import rxd\nfrom neuron import n\nn.ParallelContext().subworlds(1)\n"
            + CHANGED
            + fails,
        ],
    )
    assert done.returncode != 0


@pytest.mark.parametrize("wrong", ["MPI.COMM_NULL", "3", "MPI.COMM_WORLD.group"])
def test_what_is_no_communicator_is_refused(wrong):
    done = mpirun(
        None,
        [
            "python",
            "-c",
            f"from mpi4py import MPI\nfrom ecsmpi import rxd\nrxd.options.comm = {wrong}",
        ],
    )
    assert (
        done.returncode != 0 and "ValueError: comm must be a communicator of mpi4py" in done.stderr
    )


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
