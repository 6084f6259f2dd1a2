"""The API reference has every name that a script can use, with its arguments, types and units.

The code says what there is: names of the modules, and attributes of the objects of a model.
"""

import json
import re

import pytest

from support.programs import PROGRAMS
from support.ranks import ROOT, mpirun

PROGRAM = PROGRAMS / "docs" / "reference_facts.py"
WITH_EXTENSIONS = {"PYTHONPATH": f"{ROOT}:{ROOT / 'docs' / '_ext'}"}

# What a quantity can have as its unit. Counts and indices are whole numbers, and have none.
UNIT = re.compile(
    r"(?<!\w)(mM|um[23]?|µm|ms|mV|amol|mol|molecules?)(?!\w)|\((1/)?s\)|: s\}|in s\.|dimensionless"
    r"|elementary charges|own unit|in ``units``|fraction"
)
NUMBERS = re.compile(
    r"\bfloat|ndarray(?! of int)|ArrayLike|FloatArray|PerAxis|Concentrations|TissueValue"
    r"|FaceCondition|BoundaryConditions|Expression|InTime"
)
ANYTHING = re.compile(r"\b(Any|object)\b|^$")
QUANTITIES = re.compile(
    r"(?i)\b(concentrations?|diffusion coefficients?|volume|time (of|between)|tortuosity)\b"
)


@pytest.fixture(scope="module")
def facts(tmp_path_factory):
    pytest.importorskip("sphinx")
    pytest.importorskip("numpydoc")
    folder = tmp_path_factory.mktemp("facts")
    done = mpirun(None, ["python", PROGRAM], cwd=folder, env=WITH_EXTENSIONS)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "facts.json").read_text())


def test_every_name_of_the_modules_has_an_entry(facts):
    entries = {name.rpartition(".")[2] for name in (*facts["shown"], *facts["written"])}
    for module in ("rxd", "ecsmpi"):
        assert not set(facts[module]) - entries, module


def test_every_attribute_that_completion_offers_has_an_entry(facts):
    assert len(facts["attributes"]) > 30
    missing = []
    for kind, names in facts["attributes"].items():
        documented = facts["documented"].get(kind)
        if documented is None:
            missing.append(f"{kind} is on no page")
        else:
            missing += [f"{kind}.{name}" for name in names if name not in documented]
    assert not missing, "\n".join(missing)


def test_arguments_of_a_docstring_are_those_of_the_signature(facts):
    wrong = []
    for entry in facts["entries"]:
        if entry["kind"] == "property":
            continue
        said = [name.lstrip("*") for one in entry["Parameters"] for name in one[0].split(", ")]
        there = [name for name, _ in entry["arguments"]]
        if entry["kind"] == "class":
            described = facts["class_arguments"][entry["name"]]
            is_made_by_scripts = bool(described) or not there
            if is_made_by_scripts and set(described) != set(there):
                wrong.append(f"{entry['name']}: {described} against {there}")
        elif said != there:
            wrong.append(f"{entry['name']}: {said} against {there}")
    assert not wrong, "\n".join(wrong)


def test_classes_that_scripts_make_say_their_arguments(facts):
    made = {f"ecsmpi.rxd.{name}" for name in facts["rxd"]}
    silent = []
    for entry in facts["entries"]:
        is_made = entry["name"] in made and entry["kind"] == "class" and entry["arguments"]
        if is_made and not facts["class_arguments"][entry["name"]]:
            silent.append(entry["name"])
    assert not silent


def test_table_of_arguments_has_each_of_them_with_a_link(facts):
    missing = []
    named = [
        one for one in facts["entries"] if not one["name"].endswith("__")
    ]  # not of species[...]
    for entry in named:
        for names, *_ in (*entry["Parameters"], *entry["Attributes"]):
            for name in names.split(", "):
                argument = re.escape(name.lstrip("*"))
                link = rf"<{re.escape(entry['name'])}>"
                row = rf"^\| `{argument}` \| .* ?{link}` \| .+ \|$"
                if not re.search(row, facts["table"], re.MULTILINE):
                    missing.append(f"{name} of {entry['name']}")
    assert not missing, "\n".join(missing)


def test_arguments_and_results_have_types(facts):
    untyped = []
    for entry in facts["entries"]:
        for name, annotation in entry.get("arguments", ()):
            if not annotation:
                untyped.append(f"{entry['name']}({name})")
        if entry["kind"] != "class" and not entry["type"]:
            untyped.append(f"{entry['name']} -> ")
    assert not untyped, "\n".join(untyped)


def test_results_are_described(facts):
    silent = []
    for entry in facts["entries"]:
        gives = entry["kind"] == "function" and entry["type"] not in ("None", "")
        if gives and not entry["returns"]:
            silent.append(entry["name"])
    assert not silent


def test_errors_that_a_function_raises_are_in_its_docstring(facts):
    assert len(facts["errors"]) > 20
    silent = [f"{name}: {kind}" for name, kind, is_said in facts["errors"] if not is_said]
    assert not silent, "\n".join(silent)


def lacks_unit(kind, text):
    """Whether a text tells of numbers and names no unit of them: by the type, else in words."""
    is_quantity = QUANTITIES.search(text) if ANYTHING.search(kind) else NUMBERS.search(kind)
    return bool(is_quantity) and not UNIT.search(text)


def test_quantities_without_a_unit_are_found():
    assert lacks_unit("float", "Time between frames.")
    assert not lacks_unit("float", "Time between frames (ms).")
    assert lacks_unit("Any", "The concentration.")
    assert lacks_unit("FloatArray", "(nodes,) values")
    assert lacks_unit("float | None", "A limit; None: 1.")
    assert not lacks_unit("ndarray of int", "(m,) gids")
    assert not lacks_unit("int", "How many checkpoints stay.")
    assert not lacks_unit("PerAxis", "Diffusion coefficient (um2/ms).")
    assert lacks_unit("float | Any", "Concentration of the bath.")


def test_every_quantity_has_a_unit(facts):
    without = []
    for entry in facts["entries"]:
        types = dict(entry.get("arguments", ()))
        for names, kind, text in (*entry["Parameters"], *entry["Attributes"]):
            for name in names.split(", "):
                if lacks_unit(kind or types.get(name.lstrip("*"), ""), text):
                    without.append(f"{entry['name']}: {name}")
        if entry["kind"] != "class" and lacks_unit(entry["type"], entry["text"]):
            without.append(f"{entry['name']} -> {entry['type']}")
        elif entry["kind"] == "property" and lacks_unit(entry["type"], entry["summary"]):
            without.append(f"{entry['name']}, in its first line")
    assert not without, "\n".join(without)


def test_docstrings_begin_with_a_sentence(facts):
    for entry in facts["entries"]:
        assert entry["summary"].endswith((".", "!")), entry["name"]
        assert entry["summary"][0].isupper() or entry["summary"][0] in "(1{xyz", entry["name"]
