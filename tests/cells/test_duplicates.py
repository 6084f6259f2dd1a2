"""Cells that a serial script makes on every rank are said to be the same.

Cells of a distributed network are not.
"""

import json

from ecsmpi.cells.duplicates import _from_several
from ecsmpi.neuron_api import interpreter  # noqa: F401  starts NEURON in its order
import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

PROGRAM = PROGRAMS / "cells" / "same_cells.py"


@pytest.mark.parametrize("ranks", [long(1), long(2), 3])
def test_the_same_cells_on_several_ranks_are_named_and_no_others(ranks):
    done = mpirun(ranks, ["python", PROGRAM])
    assert done.returncode == 0, done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("named ")]
    named = {way: words for way, words in json.loads(line[6:]).items() if words}
    if ranks == 1:
        assert named == {}
        return
    assert named == {
        "serial, one section": "soma (1 on rank 0)",
        "serial, cells of Python": "<__main__.Cell>.soma (3 on rank 0)",
        "serial, cells of hoc": "Ball[0].soma, Ball[1].soma, Ball[2].soma, Ball[3].soma, "
        "Ball[4].soma, ... (7 on rank 0)",
        "serial, with gids": "<__main__.Cell>.soma, gid 100, gid 101 (4 on rank 0)",
        "one gid, other places": "gid 200 (1 on rank 0)",
        "serial, a clamp": "clamped (1 on rank 0)",
        "on some ranks only": "soma (1 on rank 0)",
    }


def test_a_hash_counts_as_double_where_two_ranks_have_it():
    hashes, ranks = np.array([7, 3, 7, 3, 9, 7], dtype=np.uint64), np.array([0, 0, 0, 1, 1, 2])
    assert _from_several(hashes, ranks).tolist() == [1, 1, 1, 1, 0, 1]
    assert _from_several(hashes[:1], ranks[:1]).tolist() == [0]
    assert _from_several(hashes[:0], ranks[:0]).size == 0
