"""Tissue and faces as scripts say them: what means the same gives the same.

What cannot be is refused by name.
"""

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS, as_neuron, holds

TISSUE = PROGRAMS / "rxd" / "tissue.py"
OBSTACLE = PROGRAMS / "rxd" / "obstacle.py"


@pytest.fixture(scope="module")
def known():
    return {}


@pytest.fixture
def saved(on_ranks, tmp_path, known):
    if not known:
        known.update(on_ranks(3, TISSUE, tmp_path / "tissue.h5"))
    return known


@pytest.mark.parametrize(
    "name",
    [
        "function",
        "permeability",
        "function of numbers",
        "dataset",
        "set later",
        "of species",
        "own tissue",
    ],
)
def test_tissue_said_in_another_way_is_the_same_tissue(saved, name):
    np.testing.assert_allclose(saved[name], saved["array"], rtol=1e-13, err_msg=name)


def test_species_with_its_own_tissue_leaves_the_others_alone(saved):
    np.testing.assert_allclose(saved["beside"], saved["plain"], rtol=1e-14)
    assert np.abs(saved["own tissue"] - saved["plain"]).max() > 1e-4


def test_symmetric_faces_are_other_ones(saved):
    assert 1e-6 < np.abs(saved["symmetric"] - saved["array"]).max() < 1e-2


def test_ions_stay_in_voxels_whose_volume_fraction_changes(saved):
    assert saved["kept"][1] == pytest.approx(saved["kept"][0], rel=1e-14)
    assert saved["kept on"][0] == pytest.approx(saved["kept"][0], rel=1e-13)


def test_ions_stay_in_voxels_whose_volume_fraction_a_rate_changes(saved):
    amounts = saved["amounts"]
    np.testing.assert_allclose(amounts, amounts[0], rtol=1e-12)
    assert saved["sizes"].max() < 0.28
    np.testing.assert_allclose(saved["later"][0], 0.2, rtol=0)
    np.testing.assert_allclose(saved["later"][1], 4.5, rtol=1e-12)


def test_volumes_follow_the_volume_fraction(saved):
    voxel = 8.0 * saved["alpha"][4, 3, 2]
    expected = [8.0 * saved["alpha"].sum(), voxel, voxel, 8.0 * saved["alpha"].sum()]
    np.testing.assert_allclose(saved["volumes"], expected, rtol=1e-13)
    np.testing.assert_allclose(saved["shown"], saved["alpha"], rtol=1e-15)


def test_faces_hold_or_let_through_what_a_script_says(on_ranks):
    found = on_ranks(2, PROGRAMS / "rxd" / "faces.py")
    np.testing.assert_allclose(found["held"][[0, -1]], np.exp(found["t"]), rtol=1e-14)
    np.testing.assert_allclose(found["held"][1:-1, :, -1], 5.0, rtol=1e-15)
    assert (found["held"][1:-1, :, :-1] < 5).all()
    assert (found["held"][1:-1, 0, 0] != 5).all()
    np.testing.assert_allclose(found["every"], found["wall"], rtol=1e-14)
    assert (found["closed"] == 1).all()
    # dt dc / (1/P + h/(2 alpha D)), two faces, 7 um of it.
    inflow = 0.1 * 3 / (1 / 0.05 + 0.5 / 0.2) * 2 / 7 / 0.2
    assert found["first"].mean() - 1 == pytest.approx(inflow, rel=0.02)
    assert (found["bath"][:, 0] > found["bath"][:, 3]).all()


def test_what_cannot_be_is_refused_by_name():
    from ecsmpi import rxd

    def box(**tissue):
        return rxd.Extracellular(0, 0, 0, 4, 3, 2, 1, **tissue)

    ecs, other = box(), box()
    state = rxd.State(other, initial=0.5)
    refused = [
        (
            lambda: box(volume_fraction=np.ones((4, 3))),
            r"must have the box's shape \(4, 3, 2\), got \(4, 3\)",
        ),
        (
            lambda: box(tortuosity=2, permeability=0.25),
            "give tortuosity or permeability, not both",
        ),
        (lambda: box(volume_fraction=rxd.from_file("nowhere.h5", "a")), "no file nowhere.h5"),
        (
            lambda: box(face_average="mean"),
            "face_average must be one of neuron, symmetric, got 'mean'",
        ),
        (lambda: setattr(ecs, "alpha", 1.5), r"volume_fraction must be in \(0, 1\], got 1.5"),
        (
            lambda: setattr(ecs, "alpha", state),
            "must be defined on the region whose tissue it becomes",
        ),
        (lambda: setattr(ecs, "tortuosity", state), "tortuosity cannot be a State"),
        (
            lambda: rxd.Species(ecs, ecs_boundary_conditions={"w": 1}),
            "know x, y, z and xlo, .* got 'w'",
        ),
        (
            lambda: rxd.Species(ecs, ecs_boundary_conditions={"xlo": "high"}),
            "at xlo must be a number, got 'high'",
        ),
        (
            lambda: rxd.Bath(1, permeability=-1),
            "permeability of Bath must be >= 0 um/ms, got -1.0",
        ),
        (lambda: rxd.Species(ecs, d=1, tortuosity=-1), "tortuosity must be > 0, got -1"),
    ]
    for make, message in refused:
        with pytest.raises(ValueError, match=message):
            make()
    used = rxd.Species(ecs, d=1)
    assert used[ecs].states3d.shape == (4, 3, 2)
    with pytest.raises(
        ValueError, match=r"volume_fraction must be in \(0, 1\], got 1.25 at voxel \(3, 0, 0\)"
    ):
        ecs.alpha = lambda x, y, z: 0.5 + x / 4
    with pytest.raises(
        ValueError, match=r"tortuosity must be > 0, got 0.0 at voxel \(0, 1, 0\)"
    ):
        ecs.tortuosity = lambda x, y, z: 1 - y
    with pytest.raises(
        ValueError, match="function abs must take x, y, z .um. and return a number: abs"
    ):
        ecs.alpha = abs
    assert (ecs.alpha, ecs.tortuosity) == (1.0, 1.0)


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_nothing_passes_where_tortuosity_is_infinite(ranks, on_ranks):
    as_neuron(on_ranks, OBSTACLE, "as_neuron", ranks=(ranks,))
    holds(on_ranks, ranks, OBSTACLE, "nothing_passes")
