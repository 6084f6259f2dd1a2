"""What of neuron.rxd is there, and what is refused by name."""

import json
import re

import pytest

from support.programs import PROGRAMS, holds
from support.ranks import ROOT, mpirun

REFUSED = [
    "rxd.Rate(k, -0.1 * rxd.v)",
    "rxd.Rate(k, 1, membrane_flux=True)",
    "rxd.set_solver",
    "rxd.save_state",
    "k.states",
    "k.indices()",
    "ecs._short_repr()",
    "k[ecs].nodes = 1",
    "k.concentrations()",
    "node.molecules",
    "node._ref_molecules",
    "k.nodes.surface_area",
    "k.nodes.segment",
    "k.nodes.x",
    "k.nodes.value_to_grid()",
    "k.nodes.volume = 1",
    "k[ecs].states3d = 1",
    "rxd.options.fixed_step_factor = 2",
    "rxd.options.concentration_nodes_3d = 'all'",
]

OTHERS = {
    "rxd.MultiCompartmentReaction(k[ecs], k[ecs], 1)": (
        "RxDException",
        "a reaction across the membrane needs membrane=",
    ),
    "k > 1": ("RxDException", "rhs=1 not valid in a reaction"),
    "rxd.no_such_name": (
        "AttributeError",
        "module 'ecsmpi.rxd' has no attribute 'no_such_name'",
    ),
    "k.no_such_name": ("AttributeError", "'Species' object has no attribute 'no_such_name'"),
    "k[ecs].no_such_name": (
        "AttributeError",
        "'SpeciesOnExtracellular' object has no attribute 'no_such_name'",
    ),
    "ecs.no_such_name": (
        "AttributeError",
        "'Extracellular' object has no attribute 'no_such_name'",
    ),
    "k[far]": (
        "RxDException",
        "Species(k, d=2, charge=1, initial=3.0) is not defined on Extracellular(",
    ),
    "k.regions = [ecs, ecs]": (
        "RxDException",
        "a species needs different regions, got [Extracellular(",
    ),
    "k.d = -1": ("InvalidValue", "d of k must be >= 0 um2/ms, got -1"),
    "k[ecs].d = (1, 2)": (
        "InvalidValue",
        "d of k must be a number or (dx, dy, dz), got (1, 2)",
    ),
    "k.name = 'k+'": (
        "InvalidValue",
        "a species' name must be an identifier such as 'k', or None, or without charge",
    ),
    "k.charge = 0.5": ("InvalidValue", "charge of k must be a whole number, got 0.5"),
    "other.name = 'k'": ("RxDException", 'species "k" is already defined on Extracellular('),
    "node.satisfies(0.5)": (
        "RxDException",
        "unrecognized node condition: 0.5; give a region or a point (x, y, z)",
    ),
    "node.include_flux()": (
        "RxDException",
        "include_flux takes a source, or an object and the name of its",
    ),
    "node.include_flux(1, 2, 3)": (
        "RxDException",
        "include_flux takes a source, or an object and the name of its",
    ),
    "node.include_flux(1, units='mM/ms')": (
        "RxDException",
        "unknown unit: 'mM/ms'; units of a flux are molecule/ms, mol/ms",
    ),
    "node.include_flux(float('nan'))": ("InvalidValue", "a flux must be finite, got nan"),
    "node.include_flux('much')": (
        "InvalidValue",
        "a flux is a number, a pointer or a function, got 'much'",
    ),
    "node.include_flux(n.Vector(3))": (
        "InvalidValue",
        "a flux needs a pointer to something that exists",
    ),
    "node.include_flux(n.Vector(3), 'size')": (
        "RxDException",
        "Vector[0] has no variable 'size' that a flux",
    ),
    "k.nodes.value = [1, 2]": (
        "RxDException",
        "concentration needs one number, or one for each of 1980 nodes, got 2",
    ),
    "k.nodes.value = float('inf')": (
        "InvalidValue",
        "concentration of k must be finite, got inf",
    ),
    "k.nodes[1980]": ("IndexError", "range object index out of range"),
    "k.nodes['first']": (
        "TypeError",
        "nodes are chosen by integers, a slice or Booleans, got 'first'",
    ),
    "k.nodes[[True, False]]": (
        "IndexError",
        "a choice of 1980 nodes needs as many Booleans, got (2,)",
    ),
    "k.nodes._ref_value": (
        "RxDException",
        "a reference needs a list of one node, this has 1980",
    ),
    "k.nodes.append(3)": ("TypeError", "a list of nodes takes nodes, got 3"),
    "part_of_none.nodes.value": (
        "RxDException",
        "the species has been deleted: keep it in a variable",
    ),
    "ecs.volume((15, 0, 0))": (
        "InvalidValue",
        "voxel (15, 0, 0) is outside the (15, 11, 12) voxels of the region",
    ),
    "ecs.volume(1980)": (
        "InvalidValue",
        "voxel 1980 is outside the (15, 11, 12) voxels of the region",
    ),
    "k[ecs].gather(1)": ("InvalidValue", "root must be a rank, 0 to 0, got 1"),
    "rxd.from_function(3)": (
        "InvalidValue",
        "from_function takes a function of x, y, z, got 3",
    ),
    "rxd.Progress(tstop='late')": ("ValueError", "tstop must be a number, got 'late'"),
    "rxd.phases()['diffuse']": (
        "KeyError",
        "\"no phase 'diffuse': there are potentials, carried",
    ),
    "rxd.nthread(0)": ("InvalidValue", "nthread must be 1 or more, got 0"),
    "rxd.nthread('2')": ("InvalidValue", "nthread must be a whole number, got '2'"),
    "rxd.nthread(1.5)": ("InvalidValue", "nthread must be a whole number, got 1.5"),
    "rxd.nthread(float('inf'))": ("InvalidValue", "nthread must be a whole number, got inf"),
    "rxd.Output('k.h5', every=0)": ("ValueError", "every must be > 0 ms, got 0"),
    "rxd.Output('k.h5', every=float('nan'))": ("ValueError", "every must be > 0 ms, got nan"),
}

ACCEPTED = [
    "assert rxd.nthread() in (1, 2)",
    "assert rxd.nthread(2) == rxd.nthread() == 2",
    "assert rxd.nthread(1) == rxd.nthread() == 1",
    "rxd.set_solve_type(dimension=3)",
    "assert repr(rxd.Species(far)) == 'Species(unnamed, d=0, charge=0, initial=None)'",
    "assert repr(rxd.Parameter(ecs, value=1)) == 'Parameter(unnamed, value=1.0)'",
    "assert repr(rxd.State(ecs, d=2, initial=3)) == 'State(unnamed, d=2, initial=3.0)'",
    "assert repr(rxd.Parameter(ecs, name='p', value=1)) == 'Parameter(p, value=1.0)'",
    "assert rxd.rank() == 0",
    "assert rxd.all_species() == [k, other]",
    (
        "assert (ecs.alpha, ecs.tortuosity) == (0.2, 1.6) "
        "and abs(ecs.permeability - 1 / 1.6**2) < 1e-15"
    ),
    (
        "assert abs(ecs.volume() - 0.2 * 105 * 88 * 108) < 1e-6 "
        "and abs(ecs.volume(3) - 0.2 * 504) < 1e-9"
    ),
    "assert (k.name, k.charge, k.d, k.regions) == ('k', 1, 2, [ecs])",
    (
        "assert str(k) == 'k' and 'd=2' in repr(k) "
        "and 'Extracellular' in repr(ecs) and 'k' in str(k[ecs])"
    ),
    "k.initial = 5; n.finitialize(-65); assert (k[ecs].states3d == 5).all()",
    (
        "again = rxd.Species(far, name='k', charge=1); "
        "assert again[far].states3d.shape == (15, 11, 12)"
    ),
    (
        "assert k.defined_on_region(ecs) and not k.defined_on_region(far) "
        "and k[ecs].defined_on_region(ecs)"
    ),
    "assert k.nodes((500, 500, 500)) == [] and len(k.nodes(n.Section(name='a'))) == 0",
    "assert rxd.nodelist.NodeList([node, node]).count(node) == 2",
    "rxd.Extracellular(0, 0, 0, 1, 1, 1, 1, permeability=0.25).tortuosity == 2",
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """Return {statement: [exception's name, message, is it an RxDException?]}.

    All are from one process.
    """
    folder = tmp_path_factory.mktemp("statements")
    statements = json.dumps([*REFUSED, *OTHERS, *ACCEPTED])
    argv = ["python", PROGRAMS / "rxd" / "outcomes.py", "-", "ecsmpi", statements]
    done = mpirun(None, argv, env={"NUMBA_NUM_THREADS": 2}, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


@pytest.mark.parametrize("statement", REFUSED)
def test_what_neuron_has_beyond_is_refused_by_name(statement, outcomes):
    assert outcomes[statement] is not None, f"{statement} is accepted and does nothing"
    _, message, is_rxd_exception = outcomes[statement]
    assert "of neuron.rxd is not available in ecsmpi; " in message
    assert "docs/reference/features.md lists what is" in message
    assert is_rxd_exception
    assert (ROOT / "docs" / "reference" / "features.md").is_file()


@pytest.mark.parametrize("statement", OTHERS)
def test_what_nobody_has_is_an_error(statement, outcomes):
    kind, message = OTHERS[statement]
    assert outcomes[statement][0] == kind
    assert outcomes[statement][1].startswith(message)


@pytest.mark.parametrize("statement", ACCEPTED)
def test_what_is_there_works(statement, outcomes):
    assert outcomes[statement] is None


# ---------------------------------------------------------------- docs/reference/features.md

PAGE = (ROOT / "docs" / "reference" / "features.md").read_text()
ROWS = {
    (section, name.strip()): verdict
    for section, text in re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    for names, verdict in re.findall(
        r"^\| ([^|]+) \| (same|differs|refused|NEURON's) \|", text, re.M
    )
    for name in names.split(",")
}


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    """Return {section: {name: how ecsmpi behaves where the name is asked for}}.

    The names are all public ones of NEURON.
    """
    folder = tmp_path_factory.mktemp("names")
    argv = ["python", PROGRAMS / "rxd" / "public_names.py", "-", "ecsmpi"]
    done = mpirun(None, argv, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(next(line for line in done.stdout.splitlines() if line.startswith("{")))


def test_page_of_features_has_every_name_of_neurons(names):
    of_neuron = {(section, name) for section, found in names.items() for name in found}
    assert len(of_neuron) > 100 and ROWS.keys() == of_neuron


def test_page_of_features_tells_what_is_refused_and_what_is_neurons(names):
    wrong = {}
    for (section, name), verdict in ROWS.items():
        found = names[section][name]
        said = "ours" if verdict in ("same", "differs") else verdict
        if found != said and not (verdict == "same" and found == "NEURON's"):
            wrong[section, name] = (verdict, found)
    assert wrong == {}


def test_page_of_features_has_names_of_ecsmpi_that_exist(on_ranks):
    section = PAGE.partition("## Only in ecsmpi")[2]
    listed = [
        name.strip()
        for names in re.findall(r"^\| ([\w,; ]+) \| [^|]+ \|$", section, re.M)
        for name in re.split("[,;]", names)
    ]
    assert len(listed) > 15
    holds(
        on_ranks,
        None,
        f"""
        from neuron import rxd as original
        for name in {listed[1:]}:
            assert callable(getattr(rxd, name)) and not hasattr(original, name), name
    """,
    )


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
