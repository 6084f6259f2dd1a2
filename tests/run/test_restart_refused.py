"""A restart that cannot be the same run is refused.

It has another model, other tissue, or cells and events that cannot move.
"""

import re

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

RUN = PROGRAMS / "run"
GOES_ON = RUN / "goes_on.py"
WITHOUT_GIDS = RUN / "cells_without_gids.py"


@pytest.mark.parametrize(
    "kind, before, ranks, said",
    [
        long(
            "together",
            1,
            2,
            "all had cells, and here are 2, some without: "
            "that needs gids for all cells; restart on 1 ranks",
        ),
        (
            "apart",
            2,
            3,
            r"sec[012] belongs to no cell object with a gid(.|\n)*"
            "restart on 2 ranks with the same cells on each",
        ),
    ],
)
def test_cells_without_gids_cannot_move(kind, before, ranks, said, tmp_path):
    def run(ranks, since):
        argv = ["python", WITHOUT_GIDS, tmp_path / "out.npz", tmp_path / "a", since, kind]
        return mpirun(ranks, argv)

    done = run(before, "-")
    assert done.returncode == 0, done.stderr
    done = run(ranks, tmp_path / "a")
    assert done.returncode != 0
    assert re.search(said, done.stderr), done.stderr


def test_another_model_is_refused_with_the_difference(on_ranks, tmp_path):
    told = {
        name: str(text)
        for name, text in on_ranks(
            None, RUN / "restart_of_another_model.py", tmp_path / "sets"
        ).items()
    }
    assert told.pop("same") == ""
    assert "dt: 0.025 in the checkpoint, 0.05 now" in told["dt"]
    assert told["d"] == (
        "the checkpoint is of another model than the script makes:\n"
        "  species 0: k: d=(2.62, 2.62, 2.62) in the checkpoint, d=(2.5, 2.5, 2.5) now\n"
        "Make the same model as then; or run the new one from its start, with another folder of "
        "checkpoints"
    )
    assert (
        "  box 0: shape=(20, 10, 10) in the checkpoint, shape=(21, 10, 10) now\n" in told["box"]
    )
    assert "species 1: none in the checkpoint, na: [SpeciesSpec(name='na'" in told["species"]
    assert "segments: 1 in the checkpoint, 3 now" in told["segments"]
    assert "has other cells than there are on rank 0" in told["mechanisms of a section"]
    assert "there is no checkpoint in" in told["nothing"]


def test_only_statements_of_hoc_may_wait_in_the_queue(tmp_path):
    argv = [tmp_path / "out.npz", tmp_path / "sets", "-", "together", "posts"]
    done = mpirun(None, ["python", WITHOUT_GIDS, *argv])
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "out.npz") as saved:
        assert str(saved["said"]).startswith(
            "a Python function waits in NEURON's queue for its time (cvode.event)"
        )


@pytest.mark.long  # in every run: only statements of hoc may wait
def test_statements_of_hoc_go_on_where_the_script_posts_them_on_the_same_ranks(tmp_path):
    """They wait in a rank's queue.

    A statement that waits in a checkpoint is executed only where the script has posted it too.
    """

    def run(ranks, since, *mode):
        argv = ["python", GOES_ON, "out.npz", "sets", since, 170, *mode]
        return mpirun(ranks, argv, cwd=tmp_path)

    done = run(2, "-", "posting")
    assert done.returncode == 0, done.stderr
    refused = run(3, "sets", "posting")
    assert refused.returncode != 0
    assert (
        "has statements of hoc that wait for their time (cvode.event) on rank 0"
        in refused.stderr
    )
    assert "restart on 2 ranks with the same cells on each" in refused.stderr
    refused = run(2, "sets")
    assert refused.returncode != 0
    assert "nothing of a checkpoint is executed: 'tell()'" in refused.stderr
    assert "n.FInitializeHandler(lambda: n.CVode().event(t, statement))" in refused.stderr
    done = run(2, "sets", "posting")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("ranks", [None, long(3)])
def test_tissue_changed_in_a_run_must_be_that_of_the_restart(ranks, on_ranks, tmp_path):
    saved = on_ranks(ranks, RUN / "restart_after_change_of_tissue.py", tmp_path / "sets")
    refused = str(saved["refused"])
    assert "another model" in refused and "function" in refused, refused
    assert saved["went_on"] == 5.0
    assert np.array_equal(saved["found"], saved["expected"])


RESTARTS_ALONE = """
from ecsmpi import rxd
from neuron import n
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, 10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)
if rxd.rank() == 0:
    rxd.restart("sets", must=False)
n.finitialize(-65)
n.fadvance()
"""


def test_restart_on_one_rank_alone_is_told(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(RESTARTS_ALONE)
    done = mpirun(2, ["python", script], timeout=60, cwd=tmp_path)
    assert done.returncode == 1
    assert (
        "rank 0 has called rxd.restart, and rank 1 has not: "
        "call it on every rank (outside `if rank == 0`)"
    ) in done.stderr, done.stderr


DIFFERS = (
    "the state of Counts() is another on rank 1 than on rank 0: state() must return the same"
)
NO_LIST = (
    "the state of Counts() must be a list of a kind, a name and values of JSON, got array("
)
NO_JSON = (
    "the state of Counts() ('counts', 'a') may hold int, float, str, bool, None, and lists and "
    "dicts of these, got"
)


@pytest.mark.parametrize(
    "ranks, state, error",
    [
        (2, "differs", DIFFERS),
        long(2, "of one rank", DIFFERS),
        long(None, "array", NO_LIST),
        (None, "number of numpy", NO_JSON),
    ],
)
def test_a_state_that_a_checkpoint_cannot_keep_names_its_observer(
    ranks, state, error, tmp_path
):
    program = RUN / "odd_observer_states.py"
    done = mpirun(ranks, ["python", program, tmp_path / "sets", state], timeout=60)
    assert done.returncode == 1
    assert f"ValueError: {error}" in done.stderr, done.stderr
    assert not list(tmp_path.glob("sets/*"))


@pytest.mark.parametrize("state", ["alike", long("none")])
def test_a_state_that_all_ranks_have_is_kept(state, tmp_path):
    program = RUN / "odd_observer_states.py"
    done = mpirun(2, ["python", program, tmp_path / "sets", state], timeout=60)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("sets/*"))
