"""Who may import what: ownership and numerics stay testable in one plain process, and imports go
one way.
"""

import ast
from graphlib import CycleError, TopologicalSorter
import subprocess
import sys

import pytest

from support.ranks import ROOT

PACKAGE = ROOT / "ecsmpi"

WHOLE_FOLDERS = {"benchmarks", "cli"}  # of which each module may import what one of them does

USERS = {
    "neuron": {
        "benchmarks",
        "neuron_api.interpreter",
        "neuron_api.launch",
        "neuron_api.rxd_names",
        "neuron_api.symbols",
    },
    "mpi4py": {"benchmarks", "cli", "ranks.mpi", "solver.routes"},
    "numba": {
        "cells.nernst",
        "cli",
        "ranks.answer_loop",
        "reactions.rate_calls",
        "reactions.rate_kernels",
        "solver.bodies",
        "solver.entry_kernels",
        "solver.heterogeneous_kernels",
        "solver.interface_kernels",
        "solver.kernels",
        "solver.lean_numba",
        "solver.plane_kernels",
        "solver.registers",
        "solver.row_kernels",
        "solver.short_lines",
        "solver.threads",
        "solver.tiles",
        "subnormals",
    },
}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(node):
    """Dotted names that a tree imports anywhere, but for annotations; `from a import b` counts as
    a.b.
    """
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: write imports in full"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in [] if is_for_types(node) else ast.iter_child_nodes(node):
        yield from imports(child)


def part(module):
    """What the lists call a module: its name within the package, or the folder's."""
    inside = module.removeprefix("ecsmpi.")
    folder = inside.partition(".")[0]
    return folder if folder in WHOLE_FOLDERS else inside


@pytest.mark.parametrize("library", USERS)
def test_library_is_imported_where_the_list_says(library):
    users = {
        part(module)
        for module, tree in SOURCES.items()
        if any(name.split(".")[0] == library for name in imports(tree))
    }
    assert users == USERS[library]


def test_imports_go_one_way():
    graph = {module: set() for module in SOURCES}
    for module, tree in SOURCES.items():
        for name in imports(tree):
            target = name if name in SOURCES else name.rpartition(".")[0]
            if target in SOURCES and target != module:
                graph[module].add(target)
    graph["ecsmpi"].clear()  # what it offers, it imports when asked for it
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"modules import each other: {' <- '.join(error.args[1])}")


def runs(source):
    """What a process of its own prints, which must end well."""
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True)
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
def test_import_starts_neither_mpi_nor_neuron(statement):
    source = f"import sys\n{statement}\nprint(*{{'neuron', 'mpi4py', 'numba'}} & set(sys.modules))"
    assert runs(source).split() == []


def test_sympy_waits_for_a_reaction():
    source = """
import sys
from ecsmpi import rxd
from neuron import n
k = rxd.Species(rxd.Extracellular(0, 0, 0, 30, 30, 30, dx=10), d=1, initial=3)
n.finitialize(-65)
n.fadvance()
assert "sympy" not in sys.modules
loss = rxd.Rate(k, -k)
n.fadvance()
assert "sympy" in sys.modules
"""
    runs(source)


def test_scipy_waits_for_a_function_that_calls_it():
    source = """
import sys
import numba, numpy
from ecsmpi import rxd
from neuron import n
k = rxd.Species(rxd.Extracellular(0, 0, 0, 30, 30, 30, dx=10), d=1, initial=3)
n.finitialize(-65)
n.fadvance()
assert "scipy.linalg" not in sys.modules

@numba.njit
def of_the_user(a, b):
    return numpy.dot(a, b), numpy.convolve(a, b)[1]

assert of_the_user(numpy.ones(3), numpy.ones(3)) == (3, 2)
assert "scipy.linalg" in sys.modules
"""
    runs(source)
