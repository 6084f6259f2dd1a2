"""What scripts read and set: states3d, concentration, initial concentrations."""

import numpy as np
import pytest

from support.across_scripts import CELLS, POTASSIUM, model
from support.rxd_scripts import as_neuron, holds


def test_states3d_of_one_rank_is_a_live_writable_view(on_ranks):
    holds(
        on_ranks,
        None,
        """
        ecs, made = box(), cells()
        tracer = rxd.Species(ecs, d=0, name="tracer", charge=0, initial=3)
        view = tracer[ecs].states3d
        assert view.shape == (15, 11, 12) and view.flags.writeable and (view == 3).all()
        n.finitialize(-65)
        view[:] = 5
        steps(1)
        assert (of_segments(made, "tracero") == 5).all()  # what is written reaches the membrane
        view[2, 3, 4] = 7
        n.finitialize(-65)
        again = tracer[ecs].states3d
        assert np.shares_memory(view, again) and (view == 3).all()
    """,
    )


def test_states3d_of_several_ranks_is_one_read_only_gather(on_ranks):
    holds(
        on_ranks,
        3,
        """
        ecs, thin = box(), rxd.Extracellular(0, 0, 0, 2, 3, 4, 1)
        k = rxd.Species([ecs, thin], d=2, name="k", charge=1, initial=uneven)
        n.finitialize(-65)
        steps(3)
        for region, shape in ((ecs, (15, 11, 12)), (thin, (2, 3, 4))):  # thin: two planes for three ranks
            part, whole = k[region], k[region].states3d
            assert whole.shape == shape and not whole.flags.writeable
            assert all(np.array_equal(whole, other) for other in pc.py_allgather(whole))
            lo, hi = part.planes
            planes = pc.py_allgather((lo, hi))
            assert sum(last - first for first, last in planes) == shape[0]
            assert part.local.shape == (hi - lo, *shape[1:]) and np.array_equal(part.local, whole[lo:hi])
            gathered = part.gather(root=1)
            assert (gathered is None) == (rank != 1)
            assert rank != 1 or (np.array_equal(gathered, whole) and not gathered.flags.writeable)
            assert (part.gather() is None) == (rank != 0)
        k[ecs].local[:] = 10 + rank  # live and writable
        thickness = [last - first for first, last in pc.py_allgather(k[ecs].planes)]
        expected = np.repeat(np.arange(10, 13), thickness)
        assert np.array_equal(k[ecs].states3d[:, 5, 5], expected)
    """,
    )


@pytest.mark.parametrize("ranks", [None, 3])
def test_concentration_is_set_by_number_array_or_function(ranks, on_ranks):
    holds(
        on_ranks,
        ranks,
        """
        ecs = box()
        k = rxd.Species(ecs, d=2, name="k", charge=1, initial=3)
        part = k[ecs]
        field = np.arange(15 * 11 * 12.0).reshape(15, 11, 12)
        part.concentration = 4
        assert (part.states3d == 4).all()
        part.concentration = field
        assert np.array_equal(part.states3d, field) and np.array_equal(part.concentration, field.reshape(-1))
        part.concentration = 2 * field.reshape(-1)
        assert np.array_equal(part.states3d, 2 * field)
        part.concentration = lambda node: node.x3d + 2 * node.y3d + 3 * node.z3d
        centres = -46.5 + 7 * np.arange(15), -36 + 8 * np.arange(11), -35.5 + 9 * np.arange(12)
        x, y, z = np.meshgrid(*centres, indexing="ij")
        assert np.allclose(part.states3d, x + 2 * y + 3 * z, rtol=1e-14)
        before = part.states3d.copy()
        for wrong, words in (
            (np.zeros((15, 12, 11)), "the box's shape (15, 11, 12), got (15, 12, 11)"),
            (np.zeros(7), "the box's shape (15, 11, 12), got (7,)"),
            (float("nan"), "concentration of k must be finite, got nan"),
            (np.where(field % 12 == 5, np.inf, field), "must be finite, got inf"),
            ("high", "must be a number in mM, got 'high'"),
            (lambda node: float("nan"), "must be finite, got nan"),
        ):
            said = message_of(ValueError, lambda: setattr(part, "concentration", wrong))
            assert words in said, (words, said)
        assert np.array_equal(part.states3d, before)
    """,
    )


def test_initial_concentrations_are_neurons(on_ranks):
    as_neuron(
        on_ranks,
        """
        made, ecs = cells(), box()
        species = {
            "k": rxd.Species(ecs, d=2, name="k", charge=1, initial=uneven),
            "na": rxd.Species(ecs, d=2, name="na", charge=1, initial=140, ecs_boundary_conditions=135),
            "ca": rxd.Species(ecs, d=2, name="ca", charge=2, ecs_boundary_conditions=1.5),
            "cl": rxd.Species(ecs, d=2, name="cl", charge=-1),
            "unnamed": rxd.Species(ecs, d=2),
            "uneven": rxd.Species(ecs, d=2, initial=uneven, ecs_boundary_conditions=3),
        }
        saved = {}

        def look(when):
            for name, one in species.items():
                saved[f"{name} {when}"] = np.array(one[ecs].states3d)
            names = "ko ki nao nai cao cai clo ek ena v".split()
            saved[f"segments {when}"] = of_segments(made, *names)

        n.finitialize(-65)
        look("at the start")
        steps(10)
        look("after ten steps")
        save(**saved)
    """,
        ranks=(None, 3),
    )


@pytest.mark.parametrize("ranks", [None, 3])
def test_default_initial_concentration_is_that_of_the_ion_at_every_start(ranks, on_ranks):
    # NEURON's box would begin with what the segments had before: the end of the last run, or an
    # older ko0.
    holds(
        on_ranks,
        ranks,
        """
        made, ecs = cells(), box()
        k, unnamed = rxd.Species(ecs, d=2, name="k", charge=1), rxd.Species(ecs, d=2)
        for ko0 in (4.5, 4.5, 6.5):
            n.ko0_k_ion = ko0
            n.finitialize(-65)
            assert (k[ecs].states3d == ko0).all() and (unnamed[ecs].states3d == 0).all()
            segments = of_segments(made, "ko", "ek")
            assert (segments[:, 0] == ko0).all()
            nernst = 1000 * n.R * (n.celsius + 273.15) / n.FARADAY * np.log(ko0 / n.ki0_k_ion)
            assert np.allclose(segments[:, 1], nernst)
            steps(30)
            assert (k[ecs].states3d != ko0).any() and (unnamed[ecs].states3d == 0).all()
    """,
    )


def test_walls_held_at_0_are_0_from_the_start(on_ranks):
    holds(
        on_ranks,
        3,
        """
        ecs = box()
        ca = rxd.Species(ecs, d=2, name="ca", charge=2, ecs_boundary_conditions=0)
        for _ in range(2):
            n.finitialize(-65)
            field = ca[ecs].states3d
            inner = np.zeros(field.shape, bool)
            inner[1:-1, 1:-1, 1:-1] = True
            assert (field[~inner] == 0).all() and (field[inner] == n.cao0_ca_ion).all()
            steps(3)
            field = ca[ecs].states3d
            assert (field[~inner] == 0).all() and field[7, 5, 6] > field[1, 5, 6] > 0
    """,
    )


def test_inside_concentrations_are_reset_as_neuron_resets_them(on_ranks):
    expected = as_neuron(
        on_ranks,
        """
        made, ecs = cells(), box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
        na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
        n.ki0_k_ion = 60
        saved = {}
        for run in range(2):
            for sec in made.values():
                for seg in sec:
                    seg.ki, seg.nai = 99 + run, 5 + run
            n.finitialize(-65)
            saved[f"start {run}"] = of_segments(made, "ki", "nai", "ko", "ek", "ena")
            steps(100)
            saved[f"end {run}"] = of_segments(made, "ki", "nai", "ko", "ek", "ena", "v")
            n.ki0_k_ion = 70
        save(**saved)
    """,
    )
    assert (expected["start 0"][:, 0] == 60).all() and (expected["start 1"][:, 0] == 70).all()
    assert np.abs(expected["end 0"][:, 3] - expected["start 0"][:, 3]).min() > 1e-3  # ek follows ko


@pytest.mark.parametrize("ranks", [None, 2])
def test_membrane_reactions_see_a_profile_in_the_step_after_it_is_set(ranks, on_ranks):
    """An array, a vectorised function and a file of the same numbers act alike, from the same step
    on.
    """
    holds(
        on_ranks,
        ranks,
        model(
            CELLS,
            POTASSIUM,
            """
import h5py
pump = across(ki, ko, 5e4 * ki / (1 + ki) * ko, mass_action=False, membrane_flux=True)
higher = lambda x, y, z: 20 + x / 10 - y / 50 + z / 30
centres = -46.5 + 7 * np.arange(15), -36 + 8 * np.arange(11), -35.5 + 9 * np.arange(12)
array = higher(*np.meshgrid(*centres, indexing="ij"))
if rank == 0:
    with h5py.File(OUTPUT + ".h5", "w") as file:
        file["k"] = array
pc.barrier()
ways = {
    "nothing": None,
    "an array": array,
    "a function": rxd.from_function(higher),
    "a file": rxd.from_file(OUTPUT + ".h5", "k"),
}
found = {}
for way, values in ways.items():
    n.finitialize(-65)
    steps(3)
    if values is not None:
        ko.concentration = values
    steps(1)
    found[way] = of_segments(parts, "v", "ki", "ko"), np.array(ko.states3d)
for way in ("a function", "a file"):
    assert all(map(np.array_equal, found[way], found["an array"])), way
assert (np.abs(found["an array"][0] - found["nothing"][0]).min(axis=0) > 1e-6).all()
""",
        ),
    )
