"""Mistakes in a run, on all ranks or on one, end every rank within seconds, and are said once."""

import json
import textwrap

import pytest

from support.long_form import in_every_run
from support.mistakes import (
    BEGIN,
    GO_ON,
    LOST,
    MODEL,
    RUN,
    SECONDS,
    assert_ends_with,
    run_script,
)
from support.programs import PROGRAMS
from support.ranks import mpirun

pytestmark = pytest.mark.usefixtures("compiled_kernels")

AGAIN = "call it again before the run goes on"
CHANGED = "species have changed since n.finitialize(): {}: " + AGAIN
DIFFER = (
    "describe different extracellular spaces: "
    "make the same regions, species and reactions on every rank"
)
SODIUM_CAME = CHANGED.format("na has come")
SODIUM_WENT = CHANGED.format("na has gone")
POTASSIUM_WENT = CHANGED.format("k has gone")
SECTIONS_CHANGED = "sections have changed since n.finitialize(): {}: " + AGAIN
CELL_CHANGED = SECTIONS_CHANGED.format("{} has nseg 5, which was 1")
THREADS = "NEURON uses 2 threads here: call pc.nthread(1) and use more ranks"
AFTER_A_CHANGE = "the first step after a change of d, of a reaction or a rate, or a new flux"
VARIABLE = "the variable time step is not supported: call n.cvode.active(False) and set n.dt"


# ---------------------------------------------------------------- on all ranks

SCRIPTS = {
    "argument of a region": (
        "rxd.Extracellular(0, 0, 0, 9, 9, 9, dx=0)",
        "dx must be > 0 um along each axis, got 0",
    ),
    "species defined twice": (
        "twice = rxd.Species(ecs, name='k', charge=1)",
        "give it another name, or put all regions",
    ),
    "charge unlike NEURON's": (
        "na = rxd.Species(ecs, name='na', charge=2)" + RUN,
        "charge of na is 1 in NEURON, got 2: give the same charge",
    ),
    "initial function of NaN": (
        "k.initial = lambda node: float('nan') if node.x3d > 40 else 3" + RUN,
        "concentration of k must be finite, got nan",
    ),
    "initial values of another shape": (
        "k.initial = [1, 2]" + RUN,
        "concentration of k must have the box's shape (10, 10, 10), got (2,)",
    ),
    "threads from the start": ("pc.nthread(2)" + RUN, THREADS),
    "variable steps from the start": ("n.cvode.active(True)" + RUN, VARIABLE),
    "variable steps during the run": (BEGIN + "n.cvode.active(True)" + GO_ON, VARIABLE),
    "output to a missing folder": (
        "rxd.Output('nowhere/k.h5', every=0.5)" + RUN,
        "cannot write nowhere/k.h5: there is no folder nowhere; create it first",
    ),
    "output to a folder": (
        "rxd.Output('.', every=0.5)" + RUN,
        "cannot write .: it is a folder; give the name of a file",
    ),
    "output of an unknown species": (
        "rxd.Output('k.h5', every=0.5, species='na')" + RUN,
        "no species na to write: the model has k",
    ),
    "species after finitialize": (
        BEGIN + "na = rxd.Species(ecs, name='na', charge=1)" + GO_ON,
        SODIUM_CAME,
    ),
    "species without finitialize": (
        "n.fadvance()",
        "n.finitialize() was never called: call it before the first step",
    ),
    "nseg during the run": (BEGIN + "sec.nseg = 5" + GO_ON, CELL_CHANGED.format("cell0")),
    "d of one rank during the run": (
        BEGIN + "if rank == 1:\n    k.d = 3" + GO_ON,
        f"rank 0 is in a step of the grid where rank 1 is in {AFTER_A_CHANGE}: "
        "make these calls on every rank",
    ),
    "flux of one rank during the run": (
        BEGIN + "if rank == 0:\n    k[ecs].node_by_ijk(1, 2, 3).include_flux(1)" + GO_ON,
        f"rank 0 is in {AFTER_A_CHANGE} where rank 1 is in a step of the grid: "
        "make these calls on every rank, in the same order; "
        "where one rank alone adds a flux, call rxd.re_init() on every rank after that",
    ),
    "flux from what is gone": (
        "clamp = n.IClamp(sec(0.5))\nk[ecs].nodes[7].include_flux(clamp, 'i')\n"
        + BEGIN
        + "del clamp"
        + GO_ON,
        "points into, or delete the species, and its fluxes with it",
    ),
}
SCRIPTS_OF_EVERY_RUN = [  # one of each time and place at which a mistake shows
    "argument of a region",
    "initial function of NaN",
    "variable steps during the run",
    "output to a missing folder",
    "species after finitialize",
    "nseg during the run",
    "d of one rank during the run",
]


@pytest.mark.parametrize("mistake", in_every_run(SCRIPTS, SCRIPTS_OF_EVERY_RUN))
def test_mistake_ends_all_ranks_with_one_message(mistake, tmp_path):
    body, words = SCRIPTS[mistake]
    done = run_script(tmp_path, MODEL + body, env={"ECSMPI_TIMEOUT": 1})
    assert_ends_with(done, words, "failed and ends the job")


# ---------------------------------------------------------------- on one rank

ONE_RANK = {
    "top level": ("n.finitialize(-65)\n" + LOST + GO_ON, "KeyError: 'lost cell'"),
    "initial function": (
        "def initial(node):\n"
        + textwrap.indent(LOST, "    ")
        + "    return 3\nk.initial = initial"
        + RUN,
        "KeyError: 'lost cell'",
    ),
    "observer": (
        "class Observer:\n    def started(self, *_): pass\n    def ended(self): pass\n"
        "    def stepped(self, simulation, t):\n"
        + textwrap.indent(LOST, "        ")
        + "rxd.add_observer(Observer())"
        + RUN,
        "KeyError: 'lost cell'",
    ),
    "another d": (
        "na = rxd.Species(ecs, d=1 + rank, name='na', charge=1)" + RUN,
        "Rank 0 has na: d=(1.0, 1.0, 1.0); rank 1 has d=(2.0, 2.0, 2.0)",
    ),
    "no species": ("if rank == 1:\n    del k" + RUN, DIFFER),
    "a species more during the run": (
        BEGIN + "if rank == 1:\n    na = rxd.Species(ecs, name='na', charge=1)" + GO_ON,
        SODIUM_CAME,
    ),
    "another d during the run": (BEGIN + "k.d = 1 + rank" + GO_ON, DIFFER),
    "no species during the run": (BEGIN + "if rank == 1:\n    del k" + GO_ON, POTASSIUM_WENT),
    "nseg during the run": (
        BEGIN + "if rank == 1:\n    sec.nseg = 5" + GO_ON,
        CELL_CHANGED.format("cell1"),
    ),
}
ONE_RANK_OF_EVERY_RUN = ["top level", "observer", "another d", "no species during the run"]


@pytest.mark.parametrize("mistake", in_every_run(ONE_RANK, ONE_RANK_OF_EVERY_RUN))
def test_mistake_of_one_rank_ends_all(mistake, tmp_path):
    body, words = ONE_RANK[mistake]
    done = run_script(tmp_path, MODEL + body)
    assert_ends_with(done, words, "failed and ends the job")


IN_CALLBACKS = {
    "FInitializeHandler": "def handler():\n"
    + textwrap.indent(LOST, "    ")
    + "kept = n.FInitializeHandler(handler)"
    + RUN,
    "event": "def event():\n"
    + textwrap.indent(LOST, "    ")
    + "n.finitialize(-65)\nn.cvode.event(0.35, event)"
    + GO_ON,
}


@pytest.mark.parametrize("callback", IN_CALLBACKS)
def test_failure_of_one_rank_inside_neurons_callback_ends_all(callback, tmp_path):
    done = run_script(tmp_path, MODEL + IN_CALLBACKS[callback])
    assert_ends_with(done, "KeyError: 'lost cell'")


def test_threads_during_the_run_end_all_ranks(tmp_path):
    """NEURON's workers step threads that nobody has initialised.

    At times they crash before anybody is asked.
    """
    done = run_script(tmp_path, MODEL + BEGIN + "pc.nthread(2)" + GO_ON)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert said.count(THREADS) == 1 or "Segmentation fault" in said, said


def test_session_on_one_rank_outlives_its_mistakes(tmp_path):
    words = {
        "CELLS_CHANGED": CELL_CHANGED.format("cell"),
        "SODIUM_CAME": SODIUM_CAME,
        "SODIUM_WENT": SODIUM_WENT,
        "VARIABLE": VARIABLE,
    }
    program = PROGRAMS / "rxd" / "session.py"
    done = mpirun(None, ["python", program, json.dumps(words)], timeout=SECONDS, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr and "hoc_execerror" not in done.stderr, done.stderr
