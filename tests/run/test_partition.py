"""Boxes are cut where the work is: thinner slabs where many segments are.

Boxes that are alike are cut alike.
"""

import pytest

from support.long_form import long
from support.programs import PROGRAMS, as_neuron, holds

PROGRAM = PROGRAMS / "run" / "partition.py"


def test_crowded_box_is_cut_unevenly_and_has_neurons_answer(on_ranks, request):
    ranks = (2, 3, 4) if request.config.getoption("--long") else (3,)
    as_neuron(on_ranks, PROGRAM, "crowded_box", ranks=ranks)


@pytest.mark.parametrize("first", ["states3d", long("reproducible")])
def test_box_that_the_script_looks_into_or_that_is_reproducible_is_cut_by_itself(
    first, on_ranks
):
    """Such a box is cut before the segments are known; one rank that looks decides for all."""
    case = {"states3d": "box_that_is_looked_into", "reproducible": "reproducible_box"}[first]
    holds(on_ranks, 3, PROGRAM, case)


def test_boxes_that_are_alike_are_cut_alike(on_ranks):
    """A rate in one may read the other; a box elsewhere, without segments, is cut evenly."""
    holds(on_ranks, 3, PROGRAM, "boxes_that_are_alike")
