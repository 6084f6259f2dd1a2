"""Amounts balance where tissue varies and changes; sums are exact, and the faces' voxels are
counted as such.
"""

import math

from ecsmpi.description.grid import Box
from ecsmpi.solver.accounts import Total, on_faces
from hypothesis import given
from hypothesis import strategies as st
import numpy as np
import pytest

from support.rxd_scripts import script

IN_TISSUE = """
    fraction = lambda x, y, z: 0.2 + 0.001 * x + 0.02 * np.sin(y)
    ecs, made = rxd.Extracellular(-50, -40, -40, 51, 42, 60, (7, 8, 9), fraction, lambda x, y, z: 1.6 + 0.1 * np.cos(z)), cells()
    other = rxd.Extracellular(-50, -40, -40, 51, 42, 60, (7, 8, 9), tortuosity=1.6)
    size = rxd.State(other, initial=lambda node: 0.3 + 0.001 * node.x3d)
    other.set_volume_fraction(size)
    species = {
        "closed": rxd.Species(ecs, d=20, name="k", charge=1, initial=uneven),
        "bath": rxd.Species(ecs, d=20, initial=uneven, ecs_boundary_conditions={"xlo": rxd.Bath(9, permeability=0.5)}),
        "held": rxd.Species(ecs, d=20, name="na", charge=1, initial=uneven, ecs_boundary_conditions={"xhi": 7.0, "ylo": 2.0}),
        "shrinking": rxd.Species(other, d=20, initial=uneven),
    }
    shrinks = rxd.Rate(size, -0.2 * size * size)
    tables = {name: rxd.Diagnostics(one, every=1, balance=True) for name, one in species.items()}
    n.finitialize(-65)
    steps(100)
    ecs.set_volume_fraction(lambda x, y, z: 0.3 - 0.001 * x)
    steps(100)
    save(sizes=np.array(size[other].states3d), **{f"{name} {column}": values for name, one in tables.items() for column, values in one.table.items()})
"""


@pytest.mark.parametrize("ranks", [pytest.param(None, marks=pytest.mark.long), 3])
def test_amounts_balance_where_tissue_varies_and_changes(ranks, on_ranks):
    saved = on_ranks(ranks, script(IN_TISSUE), "ecsmpi")
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
        assert np.array_equal(on_faces(box, (lo, hi), voxels, [True] * 6), whole[lo:hi].reshape(-1))
        top = np.arange(5 * 12).reshape(box.shape)[lo:hi, -1].reshape(-1) - lo * 12
        assert np.array_equal(
            np.flatnonzero(on_faces(box, (lo, hi), voxels, [False] * 3 + [True] + [False] * 2)), top
        )
