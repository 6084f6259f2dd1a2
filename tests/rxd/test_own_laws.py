"""Cells with reactions of their own, made in a loop, are computed as those of one region are."""

import numpy as np
import pytest

from support.programs import PROGRAMS, as_neuron, holds

PROGRAM = PROGRAMS / "rxd" / "own_laws.py"


def outcome(on_ranks, ranks, case):
    return on_ranks(ranks, PROGRAM, "ecsmpi", case, "counting")


def test_alike_cells_have_the_laws_and_the_bits_of_one_region(on_ranks):
    together, apart = (outcome(on_ranks, None, case) for case in ("together", "apart"))
    assert together["laws"] == apart["laws"] == 4
    for name in ("segments", "k", "na"):
        assert np.array_equal(together[name], apart[name]), name
    assert np.min(np.abs(apart["segments"][:, 0] - 140)) > 5e-5


def test_cells_that_differ_keep_what_is_theirs_on_any_number_of_ranks(on_ranks):
    alone, shared = (outcome(on_ranks, ranks, "some_differ") for ranks in (None, 3))
    # 4 of most cells, 3 of those with another pump; of each kind, the channel after the pumps
    assert alone["laws"] == 4 + 3 + 1 + 1
    for name in ("segments", "k", "na"):
        assert np.max(np.abs(alone[name] - shared[name])) < 1e-11, name


@pytest.mark.parametrize("case", ["some_differ", "twice_the_same"])
def test_answer_is_neurons(on_ranks, case):
    """To NEURON's difference quotients of the rates."""
    as_neuron(on_ranks, PROGRAM, case, ranks=(None,), tolerance=1e-7)


def test_a_message_names_the_regions_of_the_cell(on_ranks):
    holds(on_ranks, None, PROGRAM, "names_of_the_cell")
