"""The gate to NEURON: each listed name exists and is used, and none is used outside."""

import ast
from dataclasses import replace
import re

from ecsmpi.neuron_api import interpreter, library, symbols
from ecsmpi.neuron_api.symbols import TABLE, Kind
import pytest

from support.ranks import ROOT, mpirun

PACKAGE = ROOT / "ecsmpi"
GATE = PACKAGE / "neuron_api"
PLAIN_NEURON = PACKAGE / "benchmarks" / "scripts"  # scripts that run NEURON without ecsmpi
PEERS = PACKAGE / "benchmarks" / "peers"  # NEURON is one of them

# Modules that use ctypes for something else than NEURON: MPI, the C library, machine code.
CTYPES_USERS = {
    "kernels/library.py",
    "kernels/link.py",
    "kernels/workers.py",
    "ranks/answering.py",
    "ranks/forks.py",
    "ranks/peers.py",
    "run/neuron_waits.py",
}
OWN_PRIVATE = {"_fields_"}  # names with an underscore that belong to Python
INTERNAL_MODULES = {"initializer", "node", "registry", "rxdmath", "section1d", "species"}

IN_GATE = {path: ast.parse(path.read_text()) for path in sorted(GATE.rglob("*.py"))}
OUTSIDE = {
    path: ast.parse(path.read_text())
    for path in sorted(PACKAGE.rglob("*.py"))
    if GATE not in path.parents
}
LISTED = {symbol.attribute for symbol in TABLE if symbol.kind is Kind.PYTHON}
CONSTANTS = {
    name: value for name, value in vars(symbols).items() if isinstance(value, symbols.Entry)
}


def place(path, node):
    """File and line, for messages."""
    return f"{path.relative_to(ROOT)}:{node.lineno}"


def foreign_attributes(tree):
    """Attributes of anything but self, cls and the class's own super()."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = node.value
            is_own = isinstance(owner, ast.Name) and owner.id in ("self", "cls")
            is_parent = isinstance(owner, ast.Call) and ast.unparse(owner).startswith("super(")
            if not is_own and not is_parent:
                yield node


def is_private(name):
    return name.startswith("_") and not name.startswith("__")


def own_attributes(trees):
    """Names that classes of ecsmpi set on themselves."""
    found = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                found.add(node.attr)
            if isinstance(node, ast.FunctionDef):
                found.add(node.name)
            if isinstance(node, ast.ClassDef):
                for line in node.body:
                    if isinstance(line, ast.AnnAssign):
                        found.add(line.target.id)
    return found


def imported_names(tree):
    """(node, module, name) of each import anywhere in a tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name, ""
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield node, node.module, alias.name


# the installed NEURON


@pytest.mark.parametrize("symbol", TABLE, ids=lambda symbol: symbol.name)
def test_neuron_has_the_name(symbol):
    assert symbol not in library.missing(), f"{symbol.purpose}; without it: {symbol.without}"


def test_names_that_neuron_lacks_are_missing(monkeypatch):
    unknown = (
        replace(symbols.RANKS, name="nrn_no_such_symbol"),
        symbols.Entry("neuron.rxd.no_such_module:name", Kind.PYTHON, "", ""),
        symbols.Entry("neuron.rxd.species:_no_such_name", Kind.PYTHON, "", ""),
        symbols.Entry("neuron.rxd.species:Species._no_such_name", Kind.PYTHON, "", ""),
        symbols.Entry("neuron.rxd.species:NoSuchClass._secs", Kind.PYTHON, "", ""),
    )
    monkeypatch.setattr(symbols, "TABLE", unknown)
    assert library.missing() == list(unknown)


def test_attribute_that_methods_only_read_is_missing():
    class Reader:
        def read(self):
            return self._gone

        @property
        def place(self):
            return self._place

        @place.setter
        def place(self, value):
            self._place = value

    assert not library._is_set_by_methods(Reader, "_gone")
    assert library._is_set_by_methods(Reader, "_place")


def test_import_names_what_neuron_lacks():
    """A name of Python and a symbol; the error says what it is for and which NEURON this is."""
    for name in ("neuron.rxd.rxdmath:_NoSuchClass", "nrn_no_such_symbol"):
        kind = "PYTHON" if ":" in name else "C"
        source = f"""
from ecsmpi.neuron_api import symbols
lost = symbols.Entry({name!r}, symbols.Kind.{kind}, "count rabbits", symbols.NO_IMPORT)
symbols.TABLE = (*symbols.TABLE, lost)
from ecsmpi import rxd
"""
        done = mpirun(None, ["python", "-c", source])
        assert done.returncode != 0
        said = (
            f"ImportError: NEURON {interpreter.neuron.__version__} lacks {name} (count rabbits)"
        )
        assert f"{said}; at import: ecsmpi.rxd cannot be imported" in done.stderr, done.stderr
        assert "Run `ecsmpi doctor`" in done.stderr


def test_symbols_were_checked_with_this_version():
    version = interpreter.neuron.__version__
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        pytest.skip(f"{version} is no release of NEURON")
    unchecked = [symbol.name for symbol in TABLE if version not in symbol.versions]
    assert not unchecked


def test_each_name_is_listed_once():
    names = [symbol.name for symbol in TABLE]
    assert sorted(names) == sorted(set(names))


# each entry is used by the gate


@pytest.mark.parametrize("constant", CONSTANTS)
def test_symbol_of_the_library_is_used(constant):
    users = [
        path
        for path, tree in IN_GATE.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == f"symbols.{constant}"
    ]
    assert users


@pytest.mark.parametrize("name", sorted(LISTED))
def test_private_name_is_used(name):
    used = set()
    for path, tree in IN_GATE.items():
        if path.name == "symbols.py":
            continue
        used |= {node.attr for node in foreign_attributes(tree)}
        used |= {name for _, _, name in imported_names(tree)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)  # for getattr
    assert name in used


# whatever the gate uses is listed


def where_odd(trees, is_odd):
    """File, line and text of each attribute of a thing of others for which is_odd(node)."""
    found = []
    for path, tree in trees.items():
        for node in foreign_attributes(tree):
            if is_odd(node):
                found.append(f"{place(path, node)}: {ast.unparse(node)}")
    return found


def imports_odd(trees, is_odd):
    """File, line and text of each import for which is_odd(module, name)."""
    found = []
    for path, tree in trees.items():
        for node, module, name in imported_names(tree):
            if is_odd(module, name):
                found.append(f"{place(path, node)}: {module} {name}")
    return found


def lines_with(paths, pattern):
    """File, number and text of each line in which a pattern is found."""
    found = []
    for path in paths:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(pattern, line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    return found


def without(trees, *folders):
    """The trees that lie in none of some folders or files."""
    return {
        path: tree for path, tree in trees.items() if not {path, *path.parents} & set(folders)
    }


BESIDE_THE_TABLE = without(IN_GATE, GATE / "symbols.py")
BESIDE_THE_LIBRARY = without(IN_GATE, GATE / "library.py")
MODEL_CODE = without(without(OUTSIDE, PLAIN_NEURON), PEERS)
PRIVATE = {name for name in LISTED if is_private(name)}


def test_private_names_in_the_gate_are_listed():
    known = LISTED | OWN_PRIVATE | own_attributes(IN_GATE.values())
    assert not where_odd(IN_GATE, lambda node: is_private(node.attr) and node.attr not in known)


def test_names_of_internal_modules_in_the_gate_are_listed():
    known = LISTED | {"Species", "Vm"}

    def is_odd(node):
        return ast.unparse(node.value) in INTERNAL_MODULES and node.attr not in known

    assert not where_odd(IN_GATE, is_odd)


def test_symbols_are_found_by_the_table_alone():
    names = {"nrn_dll", "nrn_dll_sym", "in_dll"}
    assert not where_odd(BESIDE_THE_LIBRARY, lambda node: node.attr in names)
    assert not lines_with(BESIDE_THE_TABLE, r"\b_Z\d")


# nothing passes beside the gate


def test_neuron_is_imported_through_the_gate():
    assert not imports_odd(MODEL_CODE, lambda module, name: module.split(".")[0] == "neuron")


def test_symbols_stay_in_the_gate():
    pattern = r"\b_Z\d|\bnrn_dll|\bset_nonvint_block|\brxd_nonvint_block"
    assert not lines_with(OUTSIDE, pattern)


def test_internal_modules_of_rxd_stay_in_the_gate():
    def is_odd(module, name):
        is_internal = name in INTERNAL_MODULES or is_private(name)
        return module == "ecsmpi.neuron_api.rxd_names" and is_internal

    assert not imports_odd(OUTSIDE, is_odd)


def test_internal_modules_are_not_reached_through_rxd():
    internal = (INTERNAL_MODULES | {"rxd", "region"}) - {"rxdmath"}

    def is_odd(node):
        return ast.unparse(node.value) in ("neuron_rxd", "crxd") and node.attr in internal

    assert not where_odd(OUTSIDE, is_odd)


def test_private_names_stay_in_the_gate():
    assert not where_odd(OUTSIDE, lambda node: node.attr in PRIVATE)


def test_private_names_are_not_spelt_outside_the_gate():
    names = PRIVATE - own_attributes(OUTSIDE.values())
    spelt = set()
    for path, tree in OUTSIDE.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and node.value in names:
                spelt.add((path.relative_to(PACKAGE).as_posix(), node.value))
    assert spelt == {("rxd/species.py", "_all_species")}  # which ecsmpi.rxd.species has as well


def test_neurons_modules_have_no_private_names_outside_the_gate():
    modules = {"n", "neuron", "hoc", "nrn", "neuron_rxd", "crxd"}

    def is_odd(node):
        is_path = isinstance(node.value, (ast.Name, ast.Attribute))
        owner = ast.unparse(node.value).split(".")[0]
        return is_private(node.attr) and is_path and owner in modules

    assert not where_odd(OUTSIDE, is_odd)


def test_memory_is_read_through_the_gate():
    users = set()
    for path, tree in without(OUTSIDE, PACKAGE / "benchmarks").items():
        for _, module, _ in imported_names(tree):
            if module == "ctypes":
                users.add(path.relative_to(PACKAGE).as_posix())
    assert users == CTYPES_USERS
