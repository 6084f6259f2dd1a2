"""Who imports which library, and which folder may import which.

Ownership and numerics stay testable in one plain process, and a reader of a folder needs to know
only the folders below it.
"""

import ast
from graphlib import CycleError, TopologicalSorter
import os
import subprocess
import sys

import pytest

from support.ranks import ROOT

PACKAGE = ROOT / "ecsmpi"

# Folders and modules from the bottom to the top: each may import what stands in its own entry or
# earlier in this list. A module that the list names does not belong to its folder's entry.
LAYERS = [
    "subnormals",  # the processor's mode for very small numbers
    "extras",  # packages that an extra of pip installs
    "notebook",  # IPython, if the script runs in it
    "kernels",  # how compiled loops are called, kept and loaded
    "ranks",  # MPI, launchers, waiting, compilation in another process
    "files.opening",  # how HDF5 files are opened
    "description",  # what a script has described, as frozen facts
    "solver.lean_numba",
    "solver.sizes",
    "solver.timing",
    "solver.row_kernels",
    "solver.bodies",  # loops that threads share: for reactions, too
    "solver.worker_loops",  # what these threads do
    "solver.cache_lines",  # memory that is asked for ahead
    "solver.registers",  # doubles in vector registers
    "solver.threads",  # how many there are
    "reactions",  # rate laws, their code, a step of them
    "solver",  # diffusion, exchange with segments, the step of a box
    "plots",  # pictures of what files have; a recording draws itself, so they stand below it
    "files",  # output and checkpoints as files
    "neuron_api",  # the one gate to NEURON
    "cells",  # segments, their ions, fluxes and reactions
    "run",  # a run from its description to its end
    "rxd",  # the names of neuron.rxd
    "crxd",
    "netpyne",
    "benchmarks",
    "view",  # the page of `ecsmpi view`
    "cli",
]

# {library: modules that import it}; of a folder in WHOLE_FOLDERS, any module may
WHOLE_FOLDERS = {"benchmarks", "cli", "view"}

USERS = {
    "neuron": {
        "benchmarks",
        "neuron_api.interpreter",
        "neuron_api.neuron_start",
        "neuron_api.library",
        "neuron_api.rxd_names",
    },
    "mpi4py": {
        "cli",
        "ranks.mpi",
        "solver.routes",
    },
    "numba": {
        "cells.nernst",
        "cli",
        "ranks.answer_loop",
        "kernels.link",
        "kernels.python_functions",
        "reactions.lane_blocks",
        "reactions.lane_functions",
        "reactions.lanes",
        "reactions.rate_loops",
        "reactions.rate_kernels",
        "solver.bodies",
        "solver.cache_lines",
        "solver.claims",
        "solver.edge_kernels",
        "solver.entry_kernels",
        "solver.heterogeneous_down",
        "solver.heterogeneous_squares",
        "solver.heterogeneous_up",
        "solver.interface_kernels",
        "solver.lean_numba",
        "solver.panel_sources",
        "solver.panel_squares",
        "solver.panel_sweep",
        "solver.plane_kernels",
        "solver.registers",
        "solver.row_kernels",
        "solver.short_lines",
        "solver.sweep_up",
        "solver.tiles",
        "solver.wall_kernels",
        "solver.worker_loops",
        "subnormals",
    },
    "h5py": {
        "cli",
        "files.cells_group",
        "files.file_layout",
        "files.frame_checks",
        "files.frame_files",
        "files.frame_source",
        "files.opening",
        "files.parts",
        "files.report_file",
        "files.resumed_file",
        "files.sonata",
        "files.spike_file",
        "files.strange_links",
        "files.table",
        "files.track_selection",
        "files.track_writer",
        "files.vtk_group",
    },
    "pyvista": {"view"},
    "vtkmodules": {"view"},
    "trame": {"view"},
    "aiohttp": {"view"},
}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {
    module_name(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))
}


def is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(node):
    """The dotted names that a tree imports anywhere, but for annotations.

    `from a import b` counts as a.b.
    """
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: write imports in full"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in [] if is_for_types(node) else ast.iter_child_nodes(node):
        yield from imports(child)


def short(module):
    """The name of a module within the package."""
    return module.removeprefix("ecsmpi.")


def user(module):
    """What USERS calls a module."""
    folder = short(module).partition(".")[0]
    return folder if folder in WHOLE_FOLDERS else short(module)


def imported_modules():
    """{module: the modules of the package that it imports}."""
    found = {}
    for module, tree in SOURCES.items():
        targets = {
            name if name in SOURCES else name.rpartition(".")[0] for name in imports(tree)
        }
        found[module] = {name for name in targets if name in SOURCES and name != module}
    found["ecsmpi"].clear()  # it imports what it offers when asked for it
    return found


def layer(module):
    """The place in LAYERS of a module's most specific entry."""
    name = short(module)
    while name not in LAYERS:
        assert "." in name, f"{module} is in no layer: add it to LAYERS"
        name = name.rpartition(".")[0]
    return LAYERS.index(name)


@pytest.mark.parametrize("library", USERS)
def test_library_is_imported_where_the_list_says(library):
    users = {
        user(module)
        for module, tree in SOURCES.items()
        if any(name.split(".")[0] == library for name in imports(tree))
    }
    assert users == USERS[library]


def test_no_modules_import_each_other():
    try:
        TopologicalSorter(imported_modules()).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")


def test_no_import_goes_up():
    upward = []
    for module, targets in imported_modules().items():
        for target in targets - {"ecsmpi"}:  # whose version any module may read
            if layer(target) > layer(module):
                upward.append(f"{short(module)} -> {short(target)}")
    assert not upward, "; ".join(sorted(upward))


def test_layers_are_of_all_modules_and_of_no_others():
    for module in SOURCES.keys() - {"ecsmpi"}:
        layer(module)
    for name in LAYERS:
        assert f"ecsmpi.{name}" in SOURCES, f"{name} is no module of the package"


def runs(source, env=None):
    """What a new process that runs the source prints."""
    done = subprocess.run(
        [sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True, env=env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import ecsmpi",
        "import ecsmpi.cli",
        "import ecsmpi; ecsmpi.load",
        "from ecsmpi.cli import info, plot, animate, run, doctor",
    ],
)
def test_import_starts_neither_mpi_nor_neuron_nor_what_draws(statement):
    heavy = {"neuron", "mpi4py", "numba", "matplotlib"}
    source = f"import sys\n{statement}\nprint(*{heavy} & set(sys.modules))"
    assert runs(source).split() == []


@pytest.mark.parametrize("threads", [1, 2])
def test_a_run_imports_no_compiler(tmp_path, threads):
    """A law in mid-run is compiled by another process; a later run finds all compiled.

    So is what threads run, also where the script asks for a second thread in mid-run.
    """
    source = f"""
import sys
from ecsmpi.kernels import workers
from ecsmpi import rxd
from neuron import n
ecs = rxd.Extracellular(0, 0, 0, 30, 30, 30, dx=10)
k = rxd.Species(ecs, name="k", d=1, charge=1, initial=3)
cell = n.Section("cell")
cell.pt3dadd(5, 5, 5, 2)
cell.pt3dadd(5, 5, 25, 2)
cell.insert("hh")
rxd.nthread({threads})
n.finitialize(-65)
n.fadvance()
assert workers.started() == {threads}
loss = rxd.Rate(k, -k)
n.fadvance()
rxd.nthread(2)
n.fadvance()
compilers = set("numba llvmlite sympy scipy matplotlib".split())
assert not compilers & set(sys.modules), compilers & set(sys.modules)
print("threads", workers.started(), k[ecs].states3d.mean().hex())
"""
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "NUMBA_NUM_THREADS": "2"}
    first = runs(source, env)
    assert "threads 2 " in first
    assert runs(source, env) == first


def test_scipy_waits_for_a_function_that_calls_it():
    source = """
import sys
import numba, numpy
from ecsmpi.solver import entry_kernels
entry_kernels.add_over(numpy.zeros(1), numpy.zeros(1, int), *numpy.ones((2, 1)))
assert "scipy.linalg" not in sys.modules

@numba.njit
def of_the_user(a, b):
    return numpy.dot(a, b), numpy.convolve(a, b)[1]

assert of_the_user(numpy.ones(3), numpy.ones(3)) == (3, 2)
assert "scipy.linalg" in sys.modules
"""
    runs(source)


def test_ipython_is_loaded_for_neuron_only_where_the_script_runs_in_it():
    """NEURON would import it on every rank, for 0.05 s and 5 MB, to ask whether it is there."""
    source = """
import sys
from ecsmpi import rxd
import neuron
assert "IPython" not in sys.modules
assert neuron._get_ipython() is None
import IPython
"""
    runs(source)


def test_neuron_asks_ipython_where_it_is_loaded():
    source = """
import IPython
from ecsmpi import rxd
import neuron
assert neuron._get_ipython is IPython.get_ipython
"""
    runs(source)
