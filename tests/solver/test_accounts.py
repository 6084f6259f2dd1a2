"""Amounts balance where tissue varies and changes; sums are exact.

The faces' voxels are counted as such.
"""

import math

from ecsmpi.description.grid import Box
from ecsmpi.solver.accounts import Total, on_faces
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_amounts_balance_where_tissue_varies_and_changes(ranks, on_ranks):
    saved = on_ranks(ranks, PROGRAMS / "solver" / "amounts.py", "ecsmpi")
    assert saved["sizes"].max() < 0.3
    for name in ("closed", "bath", "held", "shrinking"):
        stored = saved[f"{name} stored"]
        assert np.abs(saved[f"{name} residual"]).max() <= 1e-12 * stored[0], name
        moved = np.abs(saved[f"{name} through_walls"][-1])
        assert (moved > 1e-3 * stored[0]) == (name in ("bath", "held")), name


@given(st.lists(st.floats(-1e12, 1e12), max_size=200))
def test_total_is_exact_to_round_off_of_its_largest_value(values):
    total = Total()
    for value in values:
        total.add(value)
    largest = max([1e-300, *map(abs, values)])
    assert abs(total.value - math.fsum(values)) <= 1e-15 * largest + 2.3e-16 * abs(
        math.fsum(values)
    )


def test_border_voxels_are_those_on_the_faces():
    box = Box((0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (5, 4, 3))
    whole = np.ones(box.shape, dtype=bool)
    whole[1:-1, 1:-1, 1:-1] = False
    for lo, hi in ((0, 5), (0, 2), (2, 4), (4, 5)):
        voxels = np.arange((hi - lo) * 12)
        assert np.array_equal(
            on_faces(box, (lo, hi), voxels, [True] * 6), whole[lo:hi].reshape(-1)
        )
        top = np.arange(5 * 12).reshape(box.shape)[lo:hi, -1].reshape(-1) - lo * 12
        assert np.array_equal(
            np.flatnonzero(on_faces(box, (lo, hi), voxels, [False] * 3 + [True] + [False] * 2)),
            top,
        )
