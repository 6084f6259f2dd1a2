"""Tissue and faces as scripts say them: what means the same gives the same, and what cannot be is
refused by name.
"""

import numpy as np
import pytest

from support.rxd_scripts import as_neuron, holds

SCRIPT = """
    import math
    import sys
    import h5py
    import numpy as np
    from ecsmpi import rxd
    from neuron import n

    n.load_file("stdrun.hoc")
    pc, saved = n.ParallelContext(), {}
    LOW, SHAPE = (-5.0, 3.0, 1.0), (9, 8, 7)
    HIGH = [low + 2.0 * count for low, count in zip(LOW, SHAPE)]
    X, Y, Z = np.meshgrid(*(low + 2.0 * np.arange(count) for low, count in zip(LOW, SHAPE)), indexing="ij")
    alpha, winding = 0.3 + 0.01 * X + 0.02 * np.sin(Y), 1.5 + 0.3 * np.cos(Z * X)
    if pc.id() == 0:
        with h5py.File(sys.argv[2], "w") as file:
            file["alpha"], file["winding"], file["start"] = alpha, winding, 3 + X**2 / 100
    pc.barrier()

    def only_numbers(function):
        def of_numbers(x, y, z):
            return function(*(np.float64(float(each)) for each in (x, y, z)))
        return of_numbers

    def box(volume_fraction, tortuosity=None, permeability=None, **more):
        return rxd.Extracellular(*LOW, *HIGH, 2.0, volume_fraction, tortuosity, permeability, **more)

    fraction, turns = lambda x, y, z: 0.3 + 0.01 * x + 0.02 * np.sin(y), lambda x, y, z: 1.5 + 0.3 * np.cos(z * x)
    start = lambda node: 3 + (node.x3d - 1) ** 2 / 100
    described = {
        "array": box(alpha, winding), "function": box(fraction, turns), "permeability": box(alpha, None, winding**-2.0),
        "function of numbers": box(only_numbers(fraction), only_numbers(turns)),
        "dataset": box(rxd.from_file(sys.argv[2], "alpha"), rxd.from_file(sys.argv[2], "winding")),
        "symmetric": box(alpha, winding, face_average="symmetric"),
    }
    made = {name: rxd.Species(region, d=1.5, initial=start) for name, region in described.items()}
    made["dataset"].initial = rxd.from_file(sys.argv[2], "start")
    made["function"].initial = rxd.from_function(lambda x, y, z: 3 + (x - 1) ** 2 / 100)

    changing = box(0.25, 1.1)
    made["set later"] = rxd.Species(changing, d=1.5, initial=start)
    of_states = box(0.25)
    share, open_ = rxd.Parameter(of_states, value=0.5), rxd.State(of_states, initial=0.5)
    of_states.alpha, of_states.permeability = share, open_
    made["of species"] = rxd.Species(of_states, d=1.5, initial=start)
    ions = box(0.25, 1.3)
    made["own tissue"] = rxd.Species(ions, d=1.5, initial=start, volume_fraction=alpha, tortuosity=winding)
    beside = rxd.Species(ions, d=1.5, initial=start)
    plain = box(0.25, 1.3)
    made["beside"], made["plain"] = beside, rxd.Species(plain, d=1.5, initial=start)
    kept = box(0.3)
    ion = rxd.Species(kept, d=1.5, initial=start)
    shrinking = box(0.3)
    size = rxd.State(shrinking, name="size", initial=lambda node: 0.3 + 0.01 * math.sin(node.y3d))
    shrinking.set_volume_fraction(size)
    later = box(0.3)
    size_later, in_later = rxd.State(later, initial=0.2), rxd.Species(later, d=1.5, initial=3)
    squeezed = rxd.Species(shrinking, d=1.5, initial=start)
    shrinks = rxd.Rate(size, -0.5 * size * squeezed)

    n.finitialize(-65)
    later.set_volume_fraction(size_later)
    changing.alpha, changing.tortuosity = fraction, winding
    share[of_states].concentration, open_[of_states].concentration = alpha, winding**-2.0
    saved["amounts"] = [(size[shrinking].states3d * squeezed[shrinking].states3d).sum()]
    for step in range(5):
        if step == 3:
            before = (kept.alpha * ion[kept].states3d).sum()
            kept.set_volume_fraction(lambda x, y, z: 0.2 + 0.01 * x)
            saved["kept"] = np.array([before, (kept.alpha * ion[kept].states3d).sum()])
        n.fadvance()
        sizes = np.array(size[shrinking].states3d)
        saved["amounts"].append((sizes * squeezed[shrinking].states3d).sum())
    saved["sizes"], saved["later"] = sizes, np.array([size_later[later].states3d, in_later[later].states3d])
    saved["kept on"] = np.array([(kept.alpha * ion[kept].states3d).sum()])
    assert of_states.alpha is share and of_states.permeability is open_
    for name, species in made.items():
        saved[name] = np.array(species[species.regions[0]].states3d)
    region = described["function"]
    node = made["function"][region].node_by_ijk(4, 3, 2)
    saved["volumes"] = np.array([region.volume(), region.volume((4, 3, 2)), node.volume, described["dataset"].volume()])
    saved["shown"], saved["alpha"], saved["winding"] = region.alpha, alpha, described["permeability"].tortuosity
    if pc.id() == 0:
        np.savez(sys.argv[1], **saved)
"""


@pytest.fixture(scope="module")
def known():
    return {}


@pytest.fixture
def saved(on_ranks, tmp_path, known):
    if not known:
        known.update(on_ranks(3, SCRIPT, tmp_path / "tissue.h5"))
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
    found = on_ranks(
        2,
        """
        import math, sys
        import numpy as np
        from ecsmpi import rxd
        from neuron import n
        n.load_file("stdrun.hoc")
        ecs = rxd.Extracellular(0, 0, 0, 8, 7, 6, 1, volume_fraction=0.2)
        held = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions={"xlo": 3.0, "x": math.exp, "zhi": rxd.Held(5)})
        every = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions=rxd.Held(2))
        wall = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions=2)
        bath = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions={"y": rxd.Bath(4, permeability=0.05)})
        closed = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions={})
        n.finitialize(-65)
        n.dt = 0.1
        n.fadvance()
        first = np.array(bath[ecs].states3d)
        for _ in range(9):
            n.fadvance()
        states = {name: np.array(one[ecs].states3d) for name, one in
                  dict(held=held, every=every, wall=wall, bath=bath, closed=closed).items()}
        if n.ParallelContext().id() == 0:
            np.savez(sys.argv[1], first=first, t=n.t, **states)
        """,
    )
    np.testing.assert_allclose(found["held"][[0, -1]], np.exp(found["t"]), rtol=1e-14)
    np.testing.assert_allclose(found["held"][1:-1, :, -1], 5.0, rtol=1e-15)
    assert (found["held"][1:-1, :, :-1] < 5).all() and (found["held"][1:-1, 0, 0] != 5).all()
    np.testing.assert_allclose(found["every"], found["wall"], rtol=1e-14)
    assert (found["closed"] == 1).all()
    inflow = (
        0.1 * 3 / (1 / 0.05 + 0.5 / 0.2) * 2 / 7 / 0.2
    )  # dt dc / (1/P + h/(2 alpha D)), two faces, 7 um of it
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
        (lambda: box(tortuosity=2, permeability=0.25), "give tortuosity or permeability, not both"),
        (lambda: box(volume_fraction=rxd.from_file("nowhere.h5", "a")), "no file nowhere.h5"),
        (
            lambda: box(face_average="mean"),
            "face_average must be one of neuron, symmetric, got 'mean'",
        ),
        (lambda: setattr(ecs, "alpha", 1.5), r"volume_fraction must be in \(0, 1\], got 1.5"),
        (lambda: setattr(ecs, "alpha", state), "must be defined on the region whose tissue it becomes"),
        (lambda: setattr(ecs, "tortuosity", state), "tortuosity cannot be a State"),
        (
            lambda: rxd.Species(ecs, ecs_boundary_conditions={"w": 1}),
            "know x, y, z and xlo, .* got 'w'",
        ),
        (
            lambda: rxd.Species(ecs, ecs_boundary_conditions={"xlo": "high"}),
            "at xlo must be a number, got 'high'",
        ),
        (lambda: rxd.Bath(1, permeability=-1), "permeability of Bath must be >= 0 um/ms, got -1.0"),
        (lambda: rxd.Species(ecs, d=1, tortuosity=-1), "tortuosity must be > 0, got -1"),
    ]
    for make, message in refused:
        with pytest.raises(ValueError, match=message):
            make()
    used = rxd.Species(ecs, d=1)
    used[ecs].states3d
    with pytest.raises(
        ValueError, match=r"volume_fraction must be in \(0, 1\], got 1.25 at voxel \(3, 0, 0\)"
    ):
        ecs.alpha = lambda x, y, z: 0.5 + x / 4
    with pytest.raises(ValueError, match=r"tortuosity must be > 0, got 0.0 at voxel \(0, 1, 0\)"):
        ecs.tortuosity = lambda x, y, z: 1 - y
    with pytest.raises(
        ValueError, match="function abs must take x, y, z .um. and return a number: abs"
    ):
        ecs.alpha = abs
    assert (ecs.alpha, ecs.tortuosity) == (1.0, 1.0)


OBSTACLE = """
def within(x, y, z):
    return 1.0 if -15 <= y <= 20 else np.inf

ecs = rxd.Extracellular(-50, -40, -40, 51, 42, 60, (7, 8, 9), volume_fraction=0.3, tortuosity=within, face_average={average!r})
k = rxd.Species(ecs, d=2, initial=uneven)
"""


def test_nothing_passes_where_tortuosity_is_infinite(on_ranks):
    as_neuron(
        on_ranks,
        OBSTACLE.replace(", face_average={average!r}", "")
        + """
n.finitialize(-65)
steps(50)
save(k=np.array(k[ecs].states3d))
""",
        ranks=(None, 3),
    )
    for ranks in (None, 3):
        holds(
            on_ranks,
            ranks,
            OBSTACLE.format(average="symmetric")
            + """
n.finitialize(-65)
before = np.array(k[ecs].states3d)
steps(50)
after = np.array(k[ecs].states3d)
open_ = np.array([within(0, -40 + 8 * j, 0) == 1 for j in range(before.shape[1])])
assert open_.any() and not open_.all()
assert (after[:, ~open_] == before[:, ~open_]).all() and abs(after[:, open_] - before[:, open_]).max() > 0.01
assert abs(after[:, open_].sum() / before[:, open_].sum() - 1) < 1e-12
""",
        )
