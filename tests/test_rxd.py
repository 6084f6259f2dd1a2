"""The facade: rxd's names mean what they mean in NEURON, which answers live wherever it can.

Each body below is a script; its asserts are the test's, on every rank. `holds` runs it with ecsmpi,
`as_neuron` also with NEURON on one rank, and compares what both save.
"""

import json
import textwrap

import h5py
import numpy as np
import pytest
from conftest import mpirun
from neuron_reference import disagreements

PRELUDE = '''
import sys
import numpy as np
OUTPUT, BACKEND = sys.argv[1:3]
if BACKEND == "neuron":
    from neuron import rxd
else:
    from ecsmpi import rxd
from neuron import n
n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
n.dt, n.steps_per_ms = 0.1, 10
kept = []

def box(at=0, dx=(7, 8, 9)):
    """15 x 11 x 12 voxels of 7 x 8 x 9 um whose lower corner is (at - 50, -40, -40)."""
    return rxd.Extracellular(at - 50, -40, -40, at + 51, 42, 60, dx, volume_fraction=0.2, tortuosity=1.6)

def cells(numbers=range(4), on=None, apart=20):
    """{number: spiking section of 3 segments} of this rank; all on one rank, or dealt out in turn."""
    made = {}
    for i in numbers:
        if (i % ranks if on is None else on) == rank:
            sec = made[i] = n.Section(name=f"cell{i}")
            sec.pt3dadd(apart * i - 30, 0, 0, 5)
            sec.pt3dadd(apart * i - 25, 8, 30, 4)
            sec.nseg = 3
            sec.insert("hh")
            clamp = n.IClamp(sec(0.5))
            clamp.delay, clamp.dur, clamp.amp = 0.2, 100, 0.5 + 0.1 * i
            kept.append(clamp)
    return made

def of_segments(cells, *names):
    """(segments, names) of all ranks in the order of the cells, on every rank."""
    mine = {i: [[getattr(seg, name) for name in names] for seg in sec] for i, sec in cells.items()}
    everyone = {i: rows for part in pc.py_allgather(mine) for i, rows in part.items()}
    return np.array([row for i in sorted(everyone) for row in everyone[i]])

def steps(count):
    for _ in range(count):
        n.fadvance()

def uneven(node):
    return 3 + node.x3d / 100 - node.y3d / 500 + node.z3d / 300

def message_of(error, call):
    try:
        call()
    except error as raised:
        return str(raised)
    raise AssertionError(f"no {error.__name__}")

def save(**arrays):
    if rank == 0:
        np.savez(OUTPUT, **arrays)
'''


def script(body):
    return PRELUDE + textwrap.dedent(body)


def holds(on_ranks, ranks, body):
    """Run `body` with ecsmpi: what it asserts must hold on every rank."""
    on_ranks(ranks, script(body) + "\nsave()\n", "ecsmpi")


def as_neuron(on_ranks, body, ranks=(3,)):
    """Run `body` with NEURON and with ecsmpi: both save the same, to 1e-11 of each array's largest value.

    Round-off grows tenfold in the upstroke of a spike.
    """
    expected = on_ranks(None, script(body), "neuron")
    for count in ranks:
        said = disagreements(on_ranks(count, script(body), "ecsmpi"), expected, tolerance=1e-11)
        assert not said, "\n".join([f"on {count} ranks:", *said])
    return expected


# ---------------------------------------------------------------- concentrations


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


def test_node_is_found_by_location_and_by_index(on_ranks):
    holds(
        on_ranks,
        None,
        """
        ecs = box()
        k = rxd.Species(ecs, d=(1, 2, 3), name="k", charge=1, initial=uneven)
        part, (lo, hi) = k[ecs], (ecs.box.lo, ecs.box.hi)
        assert hi == (55, 48, 68)  # a whole number of voxels, beyond what was asked

        def at(x, y, z):
            node = part.node_by_location(x, y, z)
            return node.x3d, node.y3d, node.z3d

        assert at(*lo) == (-46.5, -36, -35.5)
        assert at(*hi) == (51.5, 44, 63.5)  # the upper faces belong to the last voxels
        assert at(hi[0], 0, 0) == (51.5, 4, 0.5)
        assert at(-43, -32, -31) == (-39.5, -28, -26.5)  # a face between two voxels belongs to the upper one
        for outside in ((-50.01, 0, 0), (0, 48.01, 0), (0, 0, float("nan"))):
            assert "outside" in message_of(rxd.RxDException, lambda: part.node_by_location(*outside))
        node = part.node_by_ijk(2, 3, 4)
        assert (node.x3d, node.y3d, node.z3d) == (-32.5, -12, 0.5)
        assert node.region is ecs and node.species is k and node.d == (1, 2, 3)
        assert abs(node.volume - 0.2 * 7 * 8 * 9) < 1e-12 and node.value == uneven(node)
        for outside in ((15, 0, 0), (0, 11, 0), (0, 0, 12), (-1, 0, 0)):
            assert str(outside) in message_of(rxd.RxDException, lambda: part.node_by_ijk(*outside))
    """,
    )


@pytest.mark.parametrize("ranks", [None, 3])
def test_value_of_a_node_is_one_value_on_all_ranks(ranks, on_ranks):
    holds(
        on_ranks,
        ranks,
        """
        ecs, made = box(), cells()
        tracer = rxd.Species(ecs, d=0, name="tracer", charge=0, initial=uneven)
        n.finitialize(-65)
        for i in range(15):  # whoever owns the plane
            node = tracer[ecs].node_by_ijk(i, 4, 5)
            assert node.value == node.concentration == uneven(node)
            node.value = 20 + i
        assert np.array_equal(tracer[ecs].states3d[:, 4, 5], 20 + np.arange(15))
        assert (tracer[ecs].states3d[:, 3, 5] < 10).all()
        node.concentration = 50
        assert node.value == 50
        said = message_of(ValueError, lambda: setattr(node, "value", float("inf")))
        assert "node.value must be finite, got inf" in said
        for i in range(15):
            for j, l in ((5, 4), (5, 5), (5, 6), (5, 7)):
                tracer[ecs].node_by_ijk(i, j, l).value = 9
        steps(1)
        assert (of_segments(made, "tracero") == 9).any()  # a value that is set reaches the membrane
    """,
    )


# ---------------------------------------------------------------- recording

RECORDS = """
    made = cells(on=0)  # the other ranks have no sections
    ecs = box()
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
    nodes = [k[ecs].node_by_location(x, 4, 14) for x in (-49, -28, 0, 30, 50)]
    records = [n.Vector().record(node._ref_value) for node in nodes]
    if rank == ranks - 1:
        alone = n.Vector().record(k[ecs].node_by_location(10, 4, 14)._ref_value)
    times = n.Vector().record(n._ref_t)
"""


def test_recorded_nodes_have_neurons_trace_on_every_rank(on_ranks):
    expected = as_neuron(
        on_ranks,
        RECORDS
        + """
    for _ in range(2):  # a second finitialize begins the traces again
        n.finitialize(-65)
        steps(60)
    everyone = pc.py_allgather([np.array(one) for one in [*records, times]])
    assert all(np.array_equal(mine, others) for other in everyone for mine, others in zip(everyone[0], other))
    save(records=np.array(everyone[0]), alone=np.array(pc.py_broadcast(alone.to_python() if rank == ranks - 1
                                                                         else None, ranks - 1)))
    """,
        ranks=(None, 3),
    )
    assert expected["records"].shape == (6, 61) and expected["alone"].shape == (61,)
    assert np.ptp(expected["records"][:5], axis=1).min() > 1e-6


def test_rank_that_only_records_adds_no_membrane(on_ranks):
    as_neuron(
        on_ranks,
        RECORDS
        + """
    import warnings
    warnings.simplefilter("error")  # nor does it lie outside the box
    for sec in n.allsec():
        sec.insert("hh")  # of all sections, as scripts do, whatever lets a rank without cells record
    n.finitialize(-65)
    steps(60)
    save(k=np.array(k[ecs].states3d), sections=np.array(sum(pc.py_allgather(len(made)))))
    """,
    )


def test_concentration_of_a_node_can_be_recorded_by_that_name(on_ranks):
    as_neuron(
        on_ranks,
        """
        made, ecs = cells(), box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
        record = n.Vector().record(k[ecs].node_by_location(0, 4, 14)._ref_concentration)
        n.finitialize(-65)
        steps(5)
        save(record=np.array(record))
    """,
    )


# ---------------------------------------------------------------- initial concentrations


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
    # NEURON's box would begin with what the segments had before: the end of the last run, or an older ko0.
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


# ---------------------------------------------------------------- species and regions


def test_species_and_regions_combine_as_in_neuron(on_ranks):
    expected = as_neuron(
        on_ranks,
        """
        made = cells(range(7), apart=75)  # two in each box, three in none
        ecs, far = box(), box(at=300, dx=10)
        k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=uneven)
        na = rxd.Species(far, d=1.78, name="na", charge=1, initial=140)
        unnamed = rxd.Species(ecs, d=1, charge=1, initial=uneven)
        still = rxd.Species(far, d=0, initial=uneven)
        tracer = rxd.Species(ecs, d=1, name="tracer", charge=0, initial=uneven)
        n.finitialize(-65)
        steps(60)
        grids = {f"{one} {number}": np.array(one[region].states3d) for one, number, region in
                 ((k, 0, ecs), (k, 1, far), (na, 1, far), (tracer, 0, ecs))}
        save(unnamed=np.array(unnamed[ecs].states3d), still=np.array(still[far].states3d), **grids,
             segments=of_segments(made, "ko", "nao", "tracero", "v", "ek"))
    """,
        ranks=(None, 3),
    )
    assert np.array_equal(expected["unnamed"], expected["tracer 0"])  # neither takes currents
    for grid in ("k 0", "k 1", "na 1"):
        assert np.ptp(expected[grid]) > 1e-3


def test_species_that_is_dropped_is_gone(on_ranks):
    as_neuron(
        on_ranks,
        """
        import gc
        made, ecs, saved = cells(), box(), {}
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
        na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=120)

        def look(when):
            saved[f"start {when}"] = of_segments(made, "ko", "ek", "nao", "ena", "v")
            steps(20)
            saved[f"end {when}"] = of_segments(made, "ko", "ek", "nao", "ena", "v")
            saved[f"k {when}"] = np.array(k[ecs].states3d)

        n.finitialize(-65)
        look("with sodium")
        del na
        gc.collect()
        n.finitialize(-65)
        look("without sodium")
        na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=100)  # the name is free again
        n.finitialize(-65)
        look("with other sodium")
        save(na=np.array(na[ecs].states3d), **saved)
    """,
        ranks=(None, 3),
    )


@pytest.mark.parametrize("ranks", [None, 2])
def test_without_species_neuron_runs_alone(ranks, on_ranks):
    holds(
        on_ranks,
        ranks,
        """
        import gc
        made, ecs = cells(), box()
        n.finitialize(-65)
        steps(20)
        alone = of_segments(made, "v")
        k = rxd.Species(ecs, d=2, name="k", charge=1, initial=30)
        n.finitialize(-65)
        steps(20)
        assert rxd.all_species() == [k] and (of_segments(made, "v") != alone).all()
        del k
        gc.collect()
        assert rxd.all_species() == []
        n.finitialize(-65)
        steps(20)
    """,
    )


# ---------------------------------------------------------------- runs


def test_second_finitialize_starts_afresh_with_new_sections_and_another_dt(on_ranks):
    as_neuron(
        on_ranks,
        """
        ecs = box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
        made, saved = cells(range(2)), {}  # made after the species
        record = n.Vector().record(made[rank](0.5)._ref_ko) if rank in made else None
        for run, (dt, number) in enumerate(((0.1, None), (0.025, 2), (0.2, 3))):
            if number is not None:
                made |= cells([number])
            n.dt, n.steps_per_ms = dt, 1 / dt
            n.finitialize(-65)
            saved[f"start {run}"] = np.array(k[ecs].states3d)
            steps(40)
            n.dt = 0.05  # also within a run
            steps(20)
            saved[f"end {run}"] = np.array(k[ecs].states3d)
            saved[f"segments {run}"] = of_segments(made, "ko", "v")
        save(record=np.array(record), **saved)
    """,
    )


@pytest.mark.parametrize("ranks", [None, 2])
def test_every_way_to_run_gives_the_same(ranks, on_ranks):
    holds(
        on_ranks,
        ranks,
        """
        made, ecs = cells(), box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
        pc.set_maxstep(10)
        n.tstop = 5
        found = []
        for run in (lambda: steps(50), lambda: n.continuerun(5), lambda: pc.psolve(5), n.run):
            n.finitialize(-65)
            run()
            assert abs(n.t - 5) < 1e-9
            found.append((k[ecs].states3d.copy(), of_segments(made, "ko", "v")))
        for field, segments in found:
            assert np.array_equal(field, found[0][0]) and np.array_equal(segments, found[0][1])
        assert np.ptp(found[0][0] - uneven(k[ecs].node_by_ijk(0, 0, 0))) > 0
    """,
    )


def test_no_rank_needs_cells(on_ranks):
    as_neuron(
        on_ranks,
        """
        ecs = box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 40 if abs(node.x3d) < 20 else 3)
        n.finitialize(-65)
        steps(30)
        save(k=np.array(k[ecs].states3d))
    """,
    )


def test_cells_may_live_on_one_rank(on_ranks):
    as_neuron(
        on_ranks,
        """
        made = cells(on=ranks - 1)
        ecs = box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
        n.finitialize(-65)
        steps(100)
        save(k=np.array(k[ecs].states3d), segments=of_segments(made, "ko", "v", "ek"))
    """,
    )


def test_mechanisms_inserted_during_a_run_work(on_ranks):
    as_neuron(
        on_ranks,
        """
        made, ecs = cells(), box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
        n.finitialize(-65)
        steps(30)
        for i, sec in made.items():
            if i in (1, 2):
                sec.insert("pas")
        steps(30)
        clamps = [n.IClamp(sec(0.1)) for sec in made.values()]
        for clamp in clamps:
            clamp.delay, clamp.dur, clamp.amp = 7, 1, 1
        steps(30)
        save(k=np.array(k[ecs].states3d), segments=of_segments(made, "ko", "v", "ek"))
    """,
    )


# ---------------------------------------------------------------- segments outside the box

OUTSIDE = """
    made, ecs = cells(range(10), apart=20), box()  # from the sixth on they lie beyond x = 55
    k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=7)
    n.ko0_k_ion = 4
    for _ in range(2):
        n.finitialize(-65)
        steps(20)
    save(k=np.array(k[ecs].states3d), segments=of_segments(made, "ko", "v", "ek"))
"""


def test_segments_outside_the_box_are_neurons(on_ranks):
    expected = as_neuron(on_ranks, OUTSIDE)
    ko = expected["segments"][:, 0]
    assert (ko[-12:] == 4).all() and (ko[:12] != 4).all()


@pytest.mark.parametrize("ranks", [None, 3])
def test_segments_outside_the_box_are_warned_of_once(ranks, tmp_path):
    path = tmp_path / "outside.py"
    path.write_text(script(OUTSIDE))
    command = ["python", path, tmp_path / "saved.npz", "ecsmpi"]
    done = mpirun(ranks, command, env={"PYTHONWARNINGS": "always"})
    assert done.returncode == 0, done.stderr
    with np.load(tmp_path / "saved.npz") as saved:
        outside = int((saved["segments"][:, 0] == 4).sum())
    assert outside == 15
    assert done.stderr.count(f"{outside} segments lie outside every extracellular box") == 1
    assert done.stderr.count("lie outside") == 1
    said = next(line for line in done.stderr.splitlines() if "lie outside" in line)
    named = [word.split("(")[0] for word in said.split(": ")[-1].split(", ") if word.startswith("cell")]
    assert len(named) == 5 and set(named) <= {f"cell{i}" for i in range(5, 10)}
    assert ", ...; enlarge the box to include them" in said


def test_segment_in_one_of_several_boxes_is_not_outside(on_ranks):
    holds(
        on_ranks,
        2,
        """
        import warnings
        made, ecs, far = cells(range(5), apart=75), box(), box(at=300)
        k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=7)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            n.finitialize(-65)
        ko = of_segments(made, "ko")[:, 0]
        assert (ko[:6] == 7).all() and (ko[-3:] == 7).all() and (ko[6:-3] == n.ko0_k_ion).all()
        assert [str(one.message)[:2] for one in said] == ["6 "] * (rank == 0)
    """,
    )


# ---------------------------------------------------------------- what is there, and what is not

REFUSED = [
    "rxd.Rate",
    "rxd.Reaction",
    "rxd.MultiCompartmentReaction",
    "rxd.Region",
    "rxd.Parameter",
    "rxd.State",
    "rxd.re_init",
    "rxd.set_solver",
    "rxd.save_state",
    "rxd.v",
    "rxd.rxdmath",
    "rxd.nodelist",
    "k.nodes",
    "k.states",
    "k.indices()",
    "k[ecs].nodes",
    "k[ecs].extent('x')",
    "k[ecs].alpha_by_location([])",
    "node.include_flux(1)",
    "node.satisfies(0.5)",
    "ecs._short_repr()",
    "k + 1",
    "1 + k",
    "k - 1",
    "2 * k",
    "k / 2",
    "2 / k",
    "k ** 2",
    "-k",
    "k[ecs] + 1",
    "1 - k[ecs]",
    "abs(k)",
    "k > 1",
    "ecs.alpha = 0.3",
    "ecs.tortuosity = 2",
    "ecs.permeability = 2",
    "k.d = 3",
    "k.name = 'na'",
    "k.charge = 2",
    "k.regions = []",
    "k[ecs].d = 3",
    "k[ecs].nodes = 1",
    "k[ecs].states3d = 1",
    "node.d = 3",
    "rxd.options.fixed_step_factor = 2",
    "rxd.options.concentration_nodes_3d = 'all'",
]

OTHERS = {
    "rxd.no_such_name": ("AttributeError", "module 'ecsmpi.rxd' has no attribute 'no_such_name'"),
    "k.no_such_name": ("AttributeError", "'Species' object has no attribute 'no_such_name'"),
    "k[ecs].no_such_name": (
        "AttributeError",
        "'SpeciesOnExtracellular' object has no attribute 'no_such_name'",
    ),
    "ecs.no_such_name": ("AttributeError", "'Extracellular' object has no attribute 'no_such_name'"),
    "k[far]": ("RxDException", "species k is not defined on Extracellular("),
    "rxd.nthread(0)": ("ValueError", "nthread must be from 1 to 2, the cores of this rank, got 0"),
    "rxd.nthread(3)": ("ValueError", "nthread must be from 1 to 2, the cores of this rank, got 3"),
    "rxd.Output('k.h5', every=0)": ("ValueError", "every must be > 0 ms, got 0"),
    "rxd.Output('k.h5', every=float('nan'))": ("ValueError", "every must be > 0 ms, got nan"),
}

ACCEPTED = [
    "assert rxd.nthread() in (1, 2)",
    "assert rxd.nthread(2) == rxd.nthread() == 2",
    "assert rxd.nthread(1) == rxd.nthread() == 1",
    "rxd.set_solve_type(dimension=3)",
    "rxd.set_solve_type([], dimension=1, nsubseg=3)",
    "assert rxd.rank() == 0",
    "assert rxd.all_species() == [k]",
    "assert (ecs.alpha, ecs.tortuosity) == (0.2, 1.6) and abs(ecs.permeability - 1 / 1.6**2) < 1e-15",
    "assert abs(ecs.volume() - 0.2 * 105 * 88 * 108) < 1e-6 and abs(ecs.volume(3) - 0.2 * 504) < 1e-9",
    "assert (k.name, k.charge, k.d, k.regions) == ('k', 1, 2, [ecs])",
    "assert str(k) == 'k' and 'd=2' in repr(k) and 'Extracellular' in repr(ecs) and 'k' in str(k[ecs])",
    "k.initial = 5; n.finitialize(-65); assert (k[ecs].states3d == 5).all()",
    "assert rxd.Species(far, name='k', charge=1)[far].states3d.shape == (15, 11, 12)",
    "rxd.Extracellular(0, 0, 0, 1, 1, 1, 1, permeability=0.25).tortuosity == 2",
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """{statement: [its exception's name and message, is it an RxDException?]}, all from one process."""
    folder = tmp_path_factory.mktemp("statements")
    path = folder / "statements.py"
    path.write_text(
        script("""
        import json
        statements = json.loads(sys.argv[3])
        ecs, far = box(), box(at=500)
        k = rxd.Species(ecs, d=2, name="k", charge=1, initial=3)
        node = k[ecs].node_by_ijk(1, 2, 3)
        found = {}
        for statement in statements:
            try:
                exec(statement, dict(globals()))
                found[statement] = None
            except Exception as error:
                found[statement] = [type(error).__name__, str(error), isinstance(error, rxd.RxDException)]
        print(json.dumps(found))
    """)
    )
    statements = json.dumps([*REFUSED, *OTHERS, *ACCEPTED])
    done = mpirun(None, ["python", path, "-", "ecsmpi", statements], env={"NUMBA_NUM_THREADS": 2}, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


@pytest.mark.parametrize("statement", REFUSED)
def test_what_neuron_has_beyond_is_refused_by_name(statement, outcomes):
    assert outcomes[statement] is not None, f"{statement} is accepted and does nothing"
    _, message, is_rxd_exception = outcomes[statement]
    assert "of neuron.rxd is not available in ecsmpi" in message and is_rxd_exception


@pytest.mark.parametrize("statement", OTHERS)
def test_what_nobody_has_is_an_error(statement, outcomes):
    kind, message = OTHERS[statement]
    assert outcomes[statement][0] == kind and outcomes[statement][1].startswith(message)


@pytest.mark.parametrize("statement", ACCEPTED)
def test_what_is_there_works(statement, outcomes):
    assert outcomes[statement] is None


def test_extracellular_space_can_be_switched_off(on_ranks):
    holds(
        on_ranks,
        None,
        """
        rxd.options.enable.extracellular = False
        assert "rxd.options.enable.extracellular = True" in message_of(rxd.RxDException, box)
        rxd.options.enable.extracellular = True
        assert box().box.shape == (15, 11, 12)
    """,
    )


# ---------------------------------------------------------------- output and progress


@pytest.mark.parametrize("ranks", [None, 2])
def test_output_of_a_script_holds_states3d(ranks, on_ranks, tmp_path):
    body = f"""
        import io
        made, ecs, far = cells(), box(), box(at=80)
        k = rxd.Species([ecs, far], d=2.62, name="k", charge=1, initial=uneven)
        na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
        stream = io.StringIO()
        rxd.Progress(2, stream)
        every = rxd.Output({str(tmp_path / "all.h5")!r}, every=0.5)
        only_na = rxd.Output({str(tmp_path / "na.h5")!r}, every=1, species=na)
        named = rxd.Output({str(tmp_path / "named.h5")!r}, every=1, species="na")
        for run in range(2):  # a second finitialize begins the files again
            n.finitialize(-65)
            frames = [[one.states3d.copy() for one in (k[ecs], na[ecs], k[far])]]
            for _ in range(4):
                steps(5)
                frames.append([one.states3d.copy() for one in (k[ecs], na[ecs], k[far])])
        assert [path.name for path in every.paths] == ["all.h5", "all.box1.h5"]
        assert [path.name for path in only_na.paths] == ["na.h5"]
        said = stream.getvalue()
        assert ("ecsmpi: 15 x 11 x 12 voxels in" in said) == (rank == 0), said
        k_ecs, na_ecs, k_far = (np.array(one) for one in zip(*frames))
        save(k_ecs=k_ecs, na_ecs=na_ecs, k_far=k_far)
    """
    saved = on_ranks(ranks, script(body), "ecsmpi")
    for name, number, states, frames in (
        ("all.h5", "k", "k_ecs", 5),
        ("all.h5", "na", "na_ecs", 5),
        ("all.box1.h5", "k", "k_far", 5),
        ("na.h5", "na", "na_ecs", 3),
        ("named.h5", "na", "na_ecs", 3),
    ):
        with h5py.File(tmp_path / name) as file:
            assert np.allclose(file["time"][:], np.linspace(0, 2, frames), rtol=1e-9, atol=1e-9)
            written = file["VTKHDF/CellData"][number][:].transpose(0, 3, 2, 1)
            assert np.array_equal(written, saved[states][:: (5 - 1) // (frames - 1)])
            assert set(file["VTKHDF/CellData"]) == (
                {"na"} if "na" in name.removesuffix(".h5") else {"k"} if "box1" in name else {"k", "na"}
            )


@pytest.mark.parametrize("end", ["pc.barrier()\nn.quit()", "pc.runworker()\npc.done()"], ids=["quit", "done"])
def test_output_is_whole_however_neuron_ends(end, tmp_path):
    path = tmp_path / "ends.py"
    path.write_text(
        script("""
        made, ecs = cells(), box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
        output = rxd.Output("k.h5", every=0.5)
        n.finitialize(-65)
        steps(10)
    """)
        + end
    )
    done = mpirun(2, ["python", path, "-", "ecsmpi"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    with h5py.File(tmp_path / "k.h5") as file:
        assert np.allclose(file["time"][:], [0, 0.5, 1]) and file["VTKHDF/CellData/k"].shape == (
            3,
            12,
            11,
            15,
        )
