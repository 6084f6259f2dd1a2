"""The recipes of packaging/ ask for what pyproject.toml asks for, and have its version."""

import ast
import re
import subprocess

import pytest
import yaml

from support.project import (
    CITATION,
    PROJECT,
    PYPROJECT,
    text_of,
    wanted,
)

VERSION = CITATION["version"]
LICENCE = PROJECT["license"]
RUN = wanted(PROJECT["dependencies"])
BUILD = wanted(PYPROJECT["build-system"]["requires"])
EXTRAS = PROJECT["optional-dependencies"]

VARIABLE = re.compile(r"\$\{\{ (\w+) \}\}")


@pytest.fixture(params=["openmpi", "mpich"])
def mpi(request):
    return request.param


@pytest.fixture
def conda(mpi):
    """The conda recipe of one MPI, its variables replaced."""
    text = text_of("packaging/conda/recipe.yaml")
    values = yaml.safe_load(text)["context"]
    values["mpi"] = mpi

    def value(match):
        name = match[1]
        return str(values.get(name, match[0]))

    return yaml.safe_load(VARIABLE.sub(value, text))


def parted(lines):
    """{name: what follows it} of requirements as conda writes them."""
    found = {}
    for line in lines:
        name, _, rest = line.partition(" ")
        found[name] = rest.removeprefix(">=")
    return found


def test_conda_has_a_build_for_each_mpi():
    text = text_of("packaging/conda/variants.yaml")
    variants = yaml.safe_load(text)
    assert variants == {"mpi": ["openmpi", "mpich"]}


def test_conda_asks_for_what_pyproject_asks_for(conda, mpi):
    run = parted(conda["requirements"]["run"])
    python = run.pop("python")
    assert f">={python}" == PROJECT["requires-python"]
    assert run.pop("__linux") == ""
    assert run.pop(mpi) == ""
    assert run["h5py"] == f"* mpi_{mpi}_*"
    run["h5py"] = ""
    assert run == RUN


def test_conda_builds_with_what_pyproject_builds_with(conda):
    host = parted(conda["requirements"]["host"])
    for name, version in BUILD.items():
        assert host[name] == version


def test_conda_is_of_this_version_and_licence(conda, mpi):
    package = conda["package"]
    assert package["name"] == PROJECT["name"]
    assert package["version"] == VERSION
    build = conda["build"]["string"]
    assert build.startswith(f"mpi_{mpi}_")
    about = conda["about"]
    assert about["license"] == LICENCE
    assert about["summary"] == PROJECT["description"]


def directives(name):
    """(first argument, {keyword: value}) of each use of a directive in Spack's class."""
    tree = ast.parse(text_of("packaging/spack/package.py"))
    found = []
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call):
            continue
        if getattr(call.func, "id", "") != name:
            continue
        given = {}
        for one in call.keywords:
            given[one.arg] = ast.literal_eval(one.value)
        found.append((call.args[0].value, given))
    return found


def spack(kind, when=None):
    """{name in Python's index: lowest version, or ""} of what Spack's class depends on."""
    found = {}
    for spec, given in directives("depends_on"):
        if given["type"] != kind:
            continue
        if given.get("when") != when:
            continue
        match = re.match(r"([\w-]+)(?:@([\d.]+):)?", spec)
        name = match[1].removeprefix("py-")
        found[name] = match[2] or ""
    return found


def test_spack_asks_for_what_pyproject_asks_for():
    run = spack(("build", "run"))
    python = run.pop("python")
    assert f">={python}" == PROJECT["requires-python"]
    assert run.pop("mpi") == ""
    assert run == RUN
    assert spack("build") == BUILD


def test_spack_draws_with_what_the_extra_brings():
    extra = wanted(EXTRAS["plot"])
    run = spack(("build", "run"), when="+plot")
    assert run == extra


def test_spack_is_of_this_version_and_licence():
    assert directives("version") == [(VERSION, {})]
    assert directives("license") == [(LICENCE, {})]


def apptainer(section):
    """The lines of a section of the definition."""
    text = text_of("packaging/apptainer/ecsmpi.def")
    lines = r"((?:(?:    .*)?\n)*)"
    pattern = rf"^%{section}\n{lines}"
    return re.search(pattern, text, re.MULTILINE)[1]


def test_apptainer_installs_the_package_with_extras_that_exist():
    script = apptainer("post")
    pattern = r"pip install .*'/opt/source\[(.*)\]'"
    (extras,) = re.findall(pattern, script)
    assert set(extras.split(",")) <= EXTRAS.keys()
    (mpi4py,) = re.findall(r"'mpi4py>=(\d+)'", script)
    assert mpi4py == RUN["mpi4py"]


@pytest.mark.parametrize(
    "section",
    [
        "post",
        "environment",
        "test",
        "runscript",
    ],
)
def test_scripts_of_apptainer_are_sh(section):
    script = apptainer(section)
    assert script.strip()
    done = subprocess.run(
        ["sh", "-n"],
        input=script,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
