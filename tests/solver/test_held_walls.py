"""One pass holds walls as NEURON's scheme does, wherever border voxels are before a step.

Dense algebra solves x, y and z in this order. One pass does not; held_walls.py says why that makes
no difference, and what it does where a border voxel is off its wall.
"""

import numpy as np
import pytest

from support.long_form import long
from support.steps import advanced, case

SPECIES = dict(d=((1.0, 0.7, 1.3), (0.8, 1.6, 0.5), (0.0, 2.0, 0.0)), walls=(None, 3.5, -1.0))
WALLED = (1, 2)


def held(name, shape, dts, entries=300, **more):
    return case(name, shape, dts, entries=entries, **{**SPECIES, **more})


def added(shape, where):
    """mM that are added to three ions, in the voxels ``where`` alone."""
    amounts = np.zeros((3, *shape))
    rng = np.random.default_rng(5)
    for each in amounts:
        each[where] = rng.uniform(-1, 1, each[where].shape)
    return amounts


def at_walls(name, shape, dts, **more):
    """Border voxels are at their walls from the beginning."""
    rng = np.random.default_rng(3)
    initial = rng.uniform(0.5, 1.5, (3, *shape))
    for ion in WALLED:
        whole = np.full(shape, SPECIES["walls"][ion])
        whole[1:-1, 1:-1, 1:-1] = initial[ion, 1:-1, 1:-1, 1:-1]
        initial[ion] = whole
    return held(name, shape, dts, initial=initial, **more)


LONG, CUBE = (60, 12, 33), (40, 75, 50)
AN_EDGE = (slice(None), 0, -1)
IN_ONE_PASS = [
    held("off the walls at first", CUBE, [0.01] * 3, 3000),
    held("off the walls, and no step after", LONG, [0.01], 3000),
    at_walls("at the walls", CUBE, [0.01] * 3, entries=3000),
    at_walls(
        "a voxel of a face along x", LONG, [0.01] * 3, added=((1, added(LONG, (0, 3, 7))),)
    ),
    at_walls(
        "a voxel of a face along y", LONG, [0.01] * 3, added=((1, added(LONG, (30, 0, 7))),)
    ),
    at_walls(
        "a voxel of a face along z", LONG, [0.01] * 3, added=((1, added(LONG, (29, 5, 0))),)
    ),
    at_walls("an edge of the box", LONG, [0.01] * 3, added=((1, added(LONG, AN_EDGE)),)),
    at_walls(
        "all voxels", LONG, [0.01] * 3, added=((0, added(LONG, ...)), (1, added(LONG, ...)))
    ),
    held("dt changes", LONG, [0.01, 0.003, 0.02, 0.01], spacing=(1.0, 1.25, 0.8)),
    held("rows in one panel", (60, 3, 32), [0.01] * 2),
    held("rows of one voxel", (60, 1, 33), [0.01] * 2),
    held("rows of two voxels", (60, 2, 33), [0.01] * 2),
    held("r near the largest", (120, 9, 33), [0.3] * 2),
    held("some diffuse, some stay", LONG, [0.01] * 2, d=((1.0,) * 3, (0.5,) * 3, (0.0,) * 3)),
]
# Slabs whose first or last plane is all wall, and the plane of a neighbour as well
THIN = []
for planes in (2, 3, 4, 5):
    shape = (planes, 9, 33)
    everywhere = ((1, added(shape, ...)),)
    THIN.append(held(f"{planes} planes", shape, [0.01, 0.3, 0.01], added=everywhere))
IN_TWO_PASSES = [
    held("from one pass to two", (40, 104, 50), [0.01, 20.0, 0.01, 20.0]),
    held("the same bits on any ranks", LONG, [0.01] * 2, grain=16),
    held("short lines", (40, 12, 31), [0.01] * 2),
]


def assert_steps_are_those_of(cases, found):
    """Every ion apart: its largest difference beside its largest value; walls to the last bit."""
    for each in cases:
        whole = found[each.name]
        for ion, (u, expected) in enumerate(zip(whole, each.dense)):
            difference = np.abs(u - expected).max() / np.abs(expected).max()
            assert difference <= 1e-14, f"{each.name}, ion {ion}: {difference}"
        at_entries = whole.reshape(len(whole), -1)[:, each.voxels]
        np.testing.assert_array_equal(found[each.name + " entries"], at_entries, each.name)
        for ion in WALLED:
            for axis in range(3):
                faces = whole[ion].take((0, -1), axis)
                assert (faces == each.walls[ion]).all(), (each.name, ion, axis)


def assert_passes(cases, found, expected):
    for each in cases:
        joined = [line for line in found[each.name + " joined"] if "ion1" in line]
        assert len(joined) == 1 and expected in joined[0], (each.name, joined)


@pytest.mark.parametrize("ranks", (1, 3, *(long(ranks) for ranks in (2, 4))))
def test_one_pass_solves_x_then_y_then_z_wherever_the_border_is(ranks, on_ranks, tmp_path):
    """With sources in border voxels, and concentrations that change there between steps."""
    cases = IN_ONE_PASS + IN_TWO_PASSES
    found = advanced(on_ranks, ranks, cases, tmp_path)
    assert_steps_are_those_of(cases, found)
    if ranks > 1:
        assert_passes(IN_ONE_PASS, found, "one pass")
        assert_passes(IN_TWO_PASSES, found, "two passes")


def test_slabs_that_are_all_wall_meet_others(on_ranks, tmp_path):
    found = advanced(on_ranks, 2, THIN, tmp_path)
    assert_steps_are_those_of(THIN, found)
    assert_passes(THIN, found, "one pass")
