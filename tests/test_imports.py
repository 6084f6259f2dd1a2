"""Who may import what: ownership and numerics stay testable in one plain process, and imports go one way."""

import ast
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest
from conftest import ROOT

PACKAGE = ROOT / "ecsmpi"

ALLOWED = {
    "neuron": {"cells.membrane", "cells.range_variable", "cells.reported", "cells.flux", "cells.cell_state", "cells.gid_state", "cells.inventory", "netpyne", "run.restart", "run.course", "cells.save_state", "run.continuing", "run.reports", "run.hooks", "run.spaces", "run.planned", "run.simulation", "rxd", "ranks.launch", "bench", "cli"},
    "mpi4py": {"solver.halo", "solver.interfaces", "solver.routes", "files.output", "run.simulation", "ranks.answering", "ranks.arrivals", "ranks.launch", "ranks.meeting", "ranks.peers", "run.watch", "run.diagnostics", "bench", "cli"},
    "numba": {"cells.nernst", "solver.kernels", "solver.plane_kernels", "solver.row_kernels", "solver.entry_kernels", "solver.interface_kernels", "reactions.rate_kernels", "solver.varying_kernels", "solver.tiles", "solver.registers", "solver.short_lines", "subnormals", "ranks.answer_loop", "cli.doctor"},
}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES = {module_name(path): ast.parse(path.read_text()) for path in sorted(PACKAGE.rglob("*.py"))}


def is_for_types(node):
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(node):
    """Dotted names that a tree imports anywhere, but for annotations; `from a import b` counts as a.b."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, f"line {node.lineno}: write imports in full"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)
    for child in [] if is_for_types(node) else ast.iter_child_nodes(node):
        yield from imports(child)


def may_import(module, library):
    inside = module.removeprefix("ecsmpi.")
    return any(inside == allowed or inside.startswith(f"{allowed}.") for allowed in ALLOWED[library])


@pytest.mark.parametrize("library", ALLOWED)
def test_library_stays_where_it_belongs(library):
    users = {
        module
        for module, tree in SOURCES.items()
        if any(name.split(".")[0] == library for name in imports(tree))
    }
    assert users, f"nothing imports {library}: the rule reads nothing"
    assert {module for module in users if not may_import(module, library)} == set()


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
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


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
    done = subprocess.run([sys.executable, "-c", source], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
