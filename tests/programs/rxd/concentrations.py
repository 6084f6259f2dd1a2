"""What scripts read and set: states3d, concentration, initial concentrations."""

import h5py
import numpy as np

from support.model import (
    OUTPUT,
    box,
    cells,
    message_of,
    n,
    of_segments,
    pc,
    rank,
    run_case,
    rxd,
    save,
    steps,
    uneven,
)
from support.transmembrane import two_species


def view_of_one_rank():
    ecs, made = box(), cells()
    tracer = rxd.Species(ecs, d=0, name="tracer", charge=0, initial=3)
    view = tracer[ecs].states3d
    assert view.shape == (15, 11, 12)
    assert view.flags.writeable
    assert (view == 3).all()
    n.finitialize(-65)
    view[:] = 5
    steps(1)
    assert (of_segments(made, "tracero") == 5).all()  # what is written reaches the membrane
    view[2, 3, 4] = 7
    n.finitialize(-65)
    again = tracer[ecs].states3d
    assert np.shares_memory(view, again) and (view == 3).all()


def gather_of_ranks():
    ecs, thin = box(), rxd.Extracellular(0, 0, 0, 2, 3, 4, 1)
    k = rxd.Species([ecs, thin], d=2, name="k", charge=1, initial=uneven)
    n.finitialize(-65)
    steps(3)
    for region, shape in ((ecs, (15, 11, 12)), (thin, (2, 3, 4))):  # thin: 2 planes for 3 ranks
        part, whole = k[region], k[region].states3d
        assert whole.shape == shape and not whole.flags.writeable
        assert all(np.array_equal(whole, other) for other in pc.py_allgather(whole))
        lo, hi = part.planes
        planes = pc.py_allgather((lo, hi))
        assert sum(last - first for first, last in planes) == shape[0]
        assert part.local.shape == (hi - lo, *shape[1:])
        assert np.array_equal(part.local, whole[lo:hi])
        gathered = part.gather(root=1)
        assert (gathered is None) == (rank != 1)
        assert rank != 1 or (np.array_equal(gathered, whole) and not gathered.flags.writeable)
        assert (part.gather() is None) == (rank != 0)
    k[ecs].local[:] = 10 + rank  # live and writable
    thickness = [last - first for first, last in pc.py_allgather(k[ecs].planes)]
    expected = np.repeat(np.arange(10, 13), thickness)
    assert np.array_equal(k[ecs].states3d[:, 5, 5], expected)


def set_in_all_ways():
    ecs = box()
    k = rxd.Species(ecs, d=2, name="k", charge=1, initial=3)
    part = k[ecs]
    field = np.arange(15 * 11 * 12.0).reshape(15, 11, 12)
    part.concentration = 4
    assert (part.states3d == 4).all()
    part.concentration = field
    assert np.array_equal(part.states3d, field)
    assert np.array_equal(part.concentration, field.reshape(-1))
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
        said = message_of(ValueError, setattr, part, "concentration", wrong)
        assert words in said, (words, said)
    assert np.array_equal(part.states3d, before)


def initial():
    made, ecs = cells(), box()
    species = {
        "k": rxd.Species(ecs, d=2, name="k", charge=1, initial=uneven),
        "na": rxd.Species(
            ecs, d=2, name="na", charge=1, initial=140, ecs_boundary_conditions=135
        ),
        "ca": rxd.Species(ecs, d=2, name="ca", charge=2, ecs_boundary_conditions=1.5),
        "cl": rxd.Species(ecs, d=2, name="cl", charge=-1),
        "unnamed": rxd.Species(ecs, d=2),
        "uneven": rxd.Species(ecs, d=2, initial=uneven, ecs_boundary_conditions=3),
    }
    saved = {}

    def look(when):
        for name, one in species.items():
            saved[f"{name} {when}"] = np.array(one[ecs].states3d)
        names = ["ko", "ki", "nao", "nai", "cao", "cai", "clo", "ek", "ena", "v"]
        saved[f"segments {when}"] = of_segments(made, *names)

    n.finitialize(-65)
    look("at the start")
    steps(10)
    look("after ten steps")
    save(**saved)


def default_initial():
    made, ecs = cells(), box()
    k, unnamed = rxd.Species(ecs, d=2, name="k", charge=1), rxd.Species(ecs, d=2)
    for ko0 in (4.5, 4.5, 6.5):
        n.ko0_k_ion = ko0
        n.finitialize(-65)
        assert (k[ecs].states3d == ko0).all()
        assert (unnamed[ecs].states3d == 0).all()
        segments = of_segments(made, "ko", "ek")
        assert (segments[:, 0] == ko0).all()
        nernst = 1000 * n.R * (n.celsius + 273.15) / n.FARADAY * np.log(ko0 / n.ki0_k_ion)
        assert np.allclose(segments[:, 1], nernst)
        steps(30)
        assert (k[ecs].states3d != ko0).any()
        assert (unnamed[ecs].states3d == 0).all()


def walls_at_0():
    ecs = box()
    ca = rxd.Species(ecs, d=2, name="ca", charge=2, ecs_boundary_conditions=0)
    k = rxd.Species(ecs, d=2, name="k", charge=1, ecs_boundary_conditions=np.int64(0))
    for _ in range(2):
        n.finitialize(-65)
        field = ca[ecs].states3d
        inner = np.zeros(field.shape, bool)
        inner[1:-1, 1:-1, 1:-1] = True
        assert (field[~inner] == 0).all()
        assert (field[inner] == n.cao0_ca_ion).all()
        assert (k[ecs].states3d[~inner] == 0).all()
        steps(3)
        field = ca[ecs].states3d
        assert (field[~inner] == 0).all()
        assert field[7, 5, 6] > field[1, 5, 6] > 0


def inside():
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


def profiles_across_the_membrane():
    m = two_species()

    def higher(x, y, z):
        return 20 + x / 10 - y / 50 + z / 30

    pumped = 5e4 * m.ki / (1 + m.ki) * m.ko
    pump = m.across(m.ki, m.ko, pumped, mass_action=False, membrane_flux=True)
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
            m.ko.concentration = values
        steps(1)
        found[way] = of_segments(m.parts, "v", "ki", "ko"), np.array(m.ko.states3d)
    for way in ("a function", "a file"):
        assert all(map(np.array_equal, found[way], found["an array"])), way
    assert (np.abs(found["an array"][0] - found["nothing"][0]).min(axis=0) > 1e-6).all()


if __name__ == "__main__":
    run_case(globals())
