"""What scripts do with rxd beyond its documented names: imports of its modules, classes of nodes,
private names that many read.
"""

from ecsmpi.files.recording import load
import pytest

from support.ranks import mpirun
from support.rxd_scripts import as_neuron, holds

BOTH = """
ecs = box()
made = cells(apart=10)
cyt, mem = rxd.Region(made.values(), name="cyt", nrn_region="i"), rxd.Region(made.values(), name="mem", geometry=rxd.membrane())
k = rxd.Species(
    [cyt, mem, ecs], name="k", d=2, charge=1, initial=lambda node: 140 if isinstance(node, rxd.node.Node1D) else 3 + node.x3d / 100
)
other = rxd.Species([cyt], initial=lambda node: 1 if isinstance(node, rxd.node.NodeExtracellular) else 2)
n.finitialize(-65)
"""


@pytest.mark.parametrize(
    "lines",
    [
        "from ecsmpi import rxd\nfrom ecsmpi.rxd import v\nfrom ecsmpi.rxd.rxdmath import exp, log\nfrom neuron import rxd as original",
        "import ecsmpi.rxd as rxd\nimport ecsmpi.rxd.rxdmath as math\nfrom neuron import rxd as original\nexp, log, v = math.exp, math.log, rxd.v",
        "from ecsmpi import crxd as rxd\nfrom ecsmpi.crxd import v\nfrom ecsmpi.crxd.rxdmath import exp, log\nfrom neuron import rxd as original\n"
        "import ecsmpi.rxd\nassert rxd is ecsmpi.rxd",
        "from ecsmpi.crxd import rxdmath, v\nfrom neuron import rxd as original\nexp, log = rxdmath.exp, rxdmath.log",
        "from ecsmpi import rxd\nfrom neuron.rxd import v\nfrom neuron.rxd.rxdmath import exp, log\nfrom neuron import rxd as original",
    ],
)
def test_modules_of_neurons_are_imported_through_either(lines, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"{lines}\nassert (exp, log, v) == (original.rxdmath.exp, original.rxdmath.log, original.v)\n"
    )
    done = mpirun(None, ["python", script])
    assert done.returncode == 0, done.stderr


def test_classes_of_nodes_tell_inside_from_outside(on_ranks):
    as_neuron(
        on_ranks,
        BOTH
        + """
outside = [isinstance(node, rxd.node.NodeExtracellular) for node in k[ecs].nodes]
inside = [isinstance(node, rxd.node.Node1D) for node in k[cyt].nodes]
assert all(outside) and all(inside) and not any(isinstance(node, rxd.node.Node1D) for node in k[ecs].nodes)
steps(3)
save(k=k[ecs].states3d)
""",
    )


def test_box_has_neurons_names_for_its_corners(on_ranks):
    as_neuron(
        on_ranks,
        """
ecs = box()
corners = [getattr(ecs, f"_{axis}{end}") for end in ("lo", "hi") for axis in "xyz"]
save(corners=corners, dx=ecs._dx, shape=[ecs._nx, ecs._ny, ecs._nz])
""",
    )


def test_nodes_of_both_sides_are_saved_and_set_together(on_ranks):
    for ranks in (None, 3):
        holds(
            on_ranks,
            ranks,
            BOTH
            + """
saved = k.nodes.concentration
inside = len(k[cyt].nodes) + len(k[mem].nodes)
assert saved.shape == (len(k.nodes),) and (saved[: len(k[cyt].nodes)] == 140).all()
assert (saved[inside:] == k[ecs].nodes.value).all() and len(saved) - inside == 15 * 11 * 12
if inside:
    assert k.nodes[0].value == 140
assert k.nodes[inside] == k[ecs].nodes[0] and k.nodes[-1] == k[ecs].nodes[-1]
assert "one for each of" in message_of(rxd.RxDException, lambda: setattr(k.nodes, "value", [1.0, 2.0]))
k.nodes.value = 7
assert (k.nodes.value == 7).all()
k.nodes.concentration = list(saved)
assert (k.nodes.value == saved).all() and (k[ecs].nodes.value == saved[inside:]).all()
""",
        )


def test_neurons_list_of_all_species_has_each_once_as_the_script_has_it(on_ranks):
    holds(
        on_ranks,
        None,
        BOTH
        + """
parameter = rxd.Parameter(ecs, value=1)
assert [reference() for reference in rxd.species._all_species] == [k, parameter, other]
assert rxd.all_species() == [k, parameter]
del k
assert [reference() for reference in rxd.species._all_species] == [parameter, other]
""",
    )


def test_more_threads_than_cores_are_the_cores(on_ranks):
    holds(
        on_ranks,
        None,
        """
import warnings
with warnings.catch_warnings(record=True) as said:
    warnings.simplefilter("always")
    most = rxd.nthread(99)
assert 1 <= most == rxd.nthread() < 99
assert f"nthread(99) uses {most} threads, as this rank has {most} cores" in str(said[0].message)
""",
    )


def test_uncharged_species_have_names_that_no_variable_could_have(on_ranks, tmp_path):
    as_neuron(
        on_ranks,
        """
ecs, made = box(), cells()
peptide = rxd.Species(ecs, name="dynorphin A(1-8)", d=0.1, initial=uneven, ecs_boundary_conditions=0)
sensor, both = rxd.Species(ecs, name="kLight", initial=1), rxd.Species(ecs, name="kLight-dynorphin", initial=0)
on, away = rxd.Parameter(ecs, name="kon", value=0.3), rxd.Parameter(ecs, name="koff", value=0.1)
binding = rxd.Reaction(peptide + sensor, both, on, away)
n.finitialize(-65)
steps(20)
save(**{str(one): np.array(one[ecs].states3d) for one in (peptide, sensor, both)})
""",
        tolerance=1e-7,
    )  # NEURON differences the rate, which is not linear
    holds(
        on_ranks,
        2,
        f"""
peptide = rxd.Species(box(), name="dynorphin A(1-8)", d=0.1, initial=uneven)
made = cells()
output = rxd.Output(r"{tmp_path}/peptide.h5", every=0.5)
watch = rxd.Diagnostics(peptide, every=0.5, output=output)
n.finitialize(-65)
n.continuerun(1)
""",
    )
    with load(tmp_path / "peptide.h5") as recording:
        assert recording.names == ["dynorphin A(1-8)"] and recording["dynorphin A(1-8)"].shape == (
            3,
            15,
            11,
            12,
        )
        assert list(recording.diagnostics) == ["dynorphin A(1-8)"]
