"""NEURON moves its variables in memory when a script changes cells.

What is read and written moves with them.
"""

import pytest

from support.long_form import long
from support.programs import PROGRAMS, as_neuron, holds

PROGRAM = PROGRAMS / "cells" / "structure.py"


def test_changes_that_move_memory_leave_the_answer_neurons(on_ranks):
    as_neuron(on_ranks, PROGRAM, "changes", ranks=(None, 3))


@pytest.mark.parametrize("ranks", [None, long(3)])
def test_segments_hold_their_voxels_concentration_whatever_changed(on_ranks, ranks):
    """A column of one voxel's cross-section: a segment's voxel is told by x alone."""
    holds(on_ranks, ranks, PROGRAM, "segments_follow_voxels")
