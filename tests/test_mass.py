"""A closed box keeps what it has and what came in, over 10,000 steps."""

import dataclasses

import numpy as np
import pytest
from steps import advanced, case

STEPS, DT = 10_000, 0.001
SLOW, FAST, MIDDLE = (0.3, 0.2, 0.4), (8000.0, 600.0, 2000.0), (1.0, 200.0, 100.0)  # r from 2e-4 to 8


def closed_box():
    """Ions that only come in, that come and go, and without any sources; walls without flux."""
    box = case("closed", (26, 4, 5), [DT] * STEPS, d=(SLOW, FAST, MIDDLE), walls=(None,) * 3, entries=25)
    come_in, come_and_go, nothing = np.abs(box.amounts[0]), box.amounts[1], np.zeros(25)
    return dataclasses.replace(box, amounts=np.stack([come_in, come_and_go, nothing]))


@pytest.mark.parametrize("ranks", [1, 4])  # 26 planes on 4 ranks: slabs of 7, 7, 6 and 6
def test_closed_box_keeps_its_ions(on_ranks, tmp_path, ranks):
    box = closed_box()
    found = advanced(on_ranks, ranks, [box], tmp_path)
    for initial, amounts, u in zip(box.initial, box.amounts, found[box.name]):
        came_in = STEPS * DT * amounts
        held = initial.sum() + np.maximum(came_in, 0).sum()
        expected = initial.sum() + came_in.sum()
        assert abs(u.sum() - expected) <= 1e-12 * held, f"{u.sum()} mM in the box, not {expected}"
