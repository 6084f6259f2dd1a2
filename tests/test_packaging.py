"""The recipes of packaging/ ask for what pyproject.toml asks for, and have its version."""

import ast
import re
import subprocess
import sys

from packaging.requirements import Requirement
import pytest
import yaml

from support.ranks import ROOT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FOLDER = ROOT / "packaging"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
VERSION = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]


def wanted(requirements):
    """{name: lowest version, or ""} of requirements as pyproject.toml writes them."""
    found = {}
    for text in requirements:
        requirement = Requirement(text)
        found[requirement.name] = str(requirement.specifier).removeprefix(">=")
    return found


def filled(text, values):
    """A recipe's text with ${{ name }} replaced."""
    return re.sub(r"\$\{\{ (\w+) \}\}", lambda match: values.get(match[1], match[0]), text)


@pytest.fixture(params=["openmpi", "mpich"])
def conda(request):
    """The conda recipe of one MPI, and that MPI."""
    text = (FOLDER / "conda" / "recipe.yaml").read_text()
    context = yaml.safe_load(text)["context"]
    values = {name: str(value) for name, value in context.items()}
    return yaml.safe_load(filled(text, {**values, "mpi": request.param})), request.param


def test_conda_has_a_build_for_each_mpi():
    variants = yaml.safe_load((FOLDER / "conda" / "variants.yaml").read_text())
    assert variants == {"mpi": ["openmpi", "mpich"]}


def test_conda_asks_for_what_pyproject_asks_for(conda):
    recipe, mpi = conda
    run = dict(line.partition(" ")[::2] for line in recipe["requirements"]["run"])
    assert run.pop("python") == PROJECT["requires-python"]
    assert run.pop("__linux") == ""
    assert run.pop(mpi) == ""
    assert run.pop("h5py") == f"* mpi_{mpi}_*"
    lowest = {name: version.removeprefix(">=") for name, version in run.items()}
    assert lowest | {"h5py": ""} == wanted(PROJECT["dependencies"])


def test_conda_builds_with_what_pyproject_builds_with(conda):
    recipe, _ = conda
    host = dict(line.partition(" >=")[::2] for line in recipe["requirements"]["host"])
    build = wanted(PYPROJECT["build-system"]["requires"])
    assert {name: host[name] for name in build} == build


def test_conda_is_of_this_version_and_licence(conda):
    recipe, mpi = conda
    assert recipe["package"] == {"name": PROJECT["name"], "version": VERSION}
    assert recipe["build"]["string"].startswith(f"mpi_{mpi}_")
    assert recipe["about"]["license"] == PROJECT["license"]
    assert recipe["about"]["summary"] == PROJECT["description"]


def calls_of_spack(name):
    """The (first argument, {keyword: value}) of each call of a directive in the class."""
    tree = ast.parse((FOLDER / "spack" / "package.py").read_text())
    (package,) = (node for node in tree.body if isinstance(node, ast.ClassDef))
    calls = [node.value for node in package.body if isinstance(node, ast.Expr)]
    return [
        (call.args[0].value, {one.arg: ast.literal_eval(one.value) for one in call.keywords})
        for call in calls
        if isinstance(call, ast.Call) and call.func.id == name
    ]


def spack_dependencies(types, when=None):
    """{name in Python's index: lowest version, or ""}; mpi is Spack's own."""
    found = {}
    for spec, given in calls_of_spack("depends_on"):
        name, version = re.match(r"([\w-]+)(?:@([\d.]+):)?", spec).groups()
        if given["type"] == types and given.get("when") == when:
            found[name.removeprefix("py-")] = version or ""
    return found


def test_spack_asks_for_what_pyproject_asks_for():
    run = spack_dependencies(("build", "run"))
    assert f">={run.pop('python')}" == PROJECT["requires-python"]
    assert run.pop("mpi") == ""
    assert run == wanted(PROJECT["dependencies"])
    build = wanted(PYPROJECT["build-system"]["requires"])
    assert spack_dependencies("build") == build


def test_spack_draws_with_what_the_extra_brings():
    extra = wanted(PROJECT["optional-dependencies"]["plot"])
    assert spack_dependencies(("build", "run"), when="+plot") == extra


def test_spack_is_of_this_version_and_licence():
    assert calls_of_spack("version") == [(VERSION, {})]
    assert calls_of_spack("license") == [(PROJECT["license"], {})]


def apptainer(section):
    """The lines of a section of the definition."""
    text = (FOLDER / "apptainer" / "ecsmpi.def").read_text()
    found = re.search(rf"^%{section}\n((?:(?:    .*)?\n)*)", text, re.MULTILINE)
    return found[1]


def test_apptainer_installs_the_package_with_extras_that_exist():
    (extras,) = re.findall(r"pip install .*'/opt/source\[(.*)\]'", apptainer("post"))
    assert set(extras.split(",")) <= PROJECT["optional-dependencies"].keys()
    (mpi4py,) = re.findall(r"'(mpi4py>=\d+)'", apptainer("post"))
    assert mpi4py in PROJECT["dependencies"]


@pytest.mark.parametrize("section", ["post", "environment", "test", "runscript"])
def test_scripts_of_apptainer_are_sh(section):
    done = subprocess.run(
        ["sh", "-n"], input=apptainer(section), capture_output=True, text=True
    )
    assert apptainer(section).strip() and done.returncode == 0, done.stderr
