"""A closed box keeps what it has and what came in, over thousands of steps."""

import dataclasses

import numpy as np
import pytest

from support.long_form import long
from support.steps import advanced, case

DT = 0.001
# r is from 2e-4 to 8: lines are joined in pairs, and all at once.
SLOW, FAST = (
    (0.3, 0.2, 0.4),
    (8000.0, 600.0, 2000.0),
)


def closed_box(steps):
    """Slow ions that only come in and fast ones that come and go; walls without flux."""
    box = case(
        "closed", (26, 4, 5), [DT] * steps, d=(SLOW, FAST), walls=(None, None), entries=25
    )
    return dataclasses.replace(box, amounts=np.stack([np.abs(box.amounts[0]), box.amounts[1]]))


# 26 planes on 4 ranks: slabs of 7, 7, 6 and 6.
@pytest.mark.parametrize("ranks, steps", [(1, 10_000), (4, 1000), long(4, 10_000)])
def test_closed_box_keeps_its_ions(on_ranks, tmp_path, ranks, steps):
    box = closed_box(steps)
    found = advanced(on_ranks, ranks, [box], tmp_path)
    if ranks > 1:
        pairs, all_at_once = found[box.name + " joined"]
        assert "neighbour pairs" in pairs
        assert "reduced system" in all_at_once
    for initial, amounts, u in zip(box.initial, box.amounts, found[box.name]):
        came_in = steps * DT * amounts
        held = initial.sum() + np.maximum(came_in, 0).sum()
        expected = initial.sum() + came_in.sum()
        assert abs(u.sum() - expected) <= 1e-12 * held, (
            f"{u.sum()} mM in the box, not {expected}"
        )
