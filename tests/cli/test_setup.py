"""The command, the doctor and the scripts a new user meets first."""

from importlib import metadata
import os
from pathlib import Path
import re
import subprocess
import sys

from ecsmpi.cli import doctor
from ecsmpi.neuron_api import symbols
from ecsmpi.neuron_api.neuron_start import start
import pytest

from support.ranks import ROOT, mpirun

BASH = b"#!/usr/bin/env bash\n"


def test_doctor_finds_this_installation_sound():
    done = mpirun(2, ["ecsmpi", "doctor"])
    assert "problem" not in done.stdout
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("2, the same for MPI and NEURON") == 1


def test_doctor_and_version_name_the_version_that_is_installed():
    version = metadata.version("ecsmpi")
    told = mpirun(None, ["ecsmpi", "doctor"])
    assert f"ok       ecsmpi         {version} {ROOT / 'ecsmpi'}\n" in told.stdout
    assert mpirun(None, ["ecsmpi", "--version"]).stdout == f"ecsmpi {version}\n"


def test_doctor_finds_all_symbols_of_neuron():
    done = mpirun(None, ["ecsmpi", "doctor"])
    assert re.search(r"ok +NEURON's symbols all \d+ found", done.stdout), done.stdout


def test_doctor_says_what_happens_without_a_symbol(monkeypatch):
    lost = symbols.Entry(
        "nrn_no_such_symbol", symbols.Kind.C, "count rabbits", "none are counted"
    )
    monkeypatch.setattr(symbols, "TABLE", (lost, symbols.RANKS))
    start()
    (finding,) = doctor._neurons_symbols()
    assert finding.detail == "nrn_no_such_symbol is missing (count rabbits): none are counted"
    assert finding.cure


def test_doctor_names_a_symbol_without_which_ecsmpi_cannot_start():
    """Where the number of NEURON's ranks cannot be asked for, all other findings are printed."""
    source = """
from dataclasses import replace
from ecsmpi.neuron_api import symbols
symbols.RANKS = replace(symbols.RANKS, name="nrn_no_such_symbol")
symbols.TABLE = (symbols.RANKS, symbols.RANK)
from ecsmpi.cli import doctor
raise SystemExit(doctor.doctor(None))
"""
    done = mpirun(None, ["python", "-c", source])
    assert done.returncode == 1, done.stderr
    assert re.search(r"problem +ranks +NEURON \S+ lacks nrn_no_such_symbol \(", done.stdout)
    assert re.search(r"problem +NEURON's symbols nrn_no_such_symbol is missing", done.stdout)
    assert re.search(r"ok +compiler", done.stdout), done.stdout


def test_doctor_names_ranks_that_stand_alone():
    done = mpirun(None, ["ecsmpi", "doctor"], env={"OMPI_COMM_WORLD_SIZE": 2})
    assert done.returncode == 1
    assert "problem  ranks" in done.stdout
    assert "cure:" in done.stdout


@pytest.mark.parametrize(
    "version, family",
    [
        ("mpirun (Open MPI) 4.1.4", "open"),
        ("Open MPI v5.0.11, package: x", "open"),
        ("HYDRA build details:\n    Version: 4.3.0", "mpich"),
        ("MPICH Version:      4.3.2", "mpich"),
        ("Intel(R) MPI Library 2021.14 for Linux", "mpich"),
        ("", None),
    ],
)
def test_doctor_knows_families_of_mpi(version, family):
    assert doctor._family(version) == family


def test_doctor_refuses_the_mpirun_of_another_mpi(tmp_path):
    other = tmp_path / "mpirun"
    other.write_text("#!/bin/sh\necho 'HYDRA build details:'\n")
    other.chmod(0o755)
    library = mpirun(
        None, ["python", "-c", "from mpi4py import MPI; print(MPI.Get_library_version())"]
    ).stdout
    if doctor._family(library) == "mpich":
        other.write_text("#!/bin/sh\necho 'mpirun (Open MPI) 5.0.0'\n")
    command = Path(sys.executable).parent / "ecsmpi"
    done = mpirun(
        None, [command, "doctor"], env={"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    )
    assert done.returncode == 1
    assert f"problem  mpirun         {other}" in done.stdout


@pytest.mark.parametrize(
    "argv, said",
    [
        (["info", "nowhere.h5"], "nowhere.h5"),
        (["paint"], "invalid choice"),
        (["doctor", "--", "more"], "more"),
    ],
)
def test_mistake_of_the_user_is_told_without_a_traceback(argv, said):
    done = mpirun(None, ["ecsmpi", *argv])
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "variable, value, words",
    [
        ("ECSMPI_MPI", "lam", "must be auto, system, wheel or mpich"),
        ("ECSMPI_NEURON", "new", "must be release, nightly or a version such as 9.0.2"),
        ("ECSMPI_NEURON", "9.0.2 -r x", "must be release, nightly or a version such as 9.0.2"),
        ("ECSMPI_EXTRAS", "test dev", "must be names with commas, such as test,dev"),
    ],
)
def test_setup_refuses_an_mpi_or_a_neuron_it_does_not_know(variable, value, words):
    done = subprocess.run(
        [ROOT / "scripts" / "setup"],
        env={"PATH": "/usr/bin:/bin", variable: value},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"{variable} {words}, got '{value}'" in done.stderr


def bash_scripts():
    """The scripts of the checkout that bash runs, and the one that a shell reads."""
    files = [path for path in (ROOT / "scripts").iterdir() if path.is_file()]
    found = [path for path in files if path.read_bytes().startswith(BASH)]
    return [
        ".ci/run",
        "scripts/environment",
        *(f"scripts/{path.name}" for path in sorted(found)),
    ]


@pytest.mark.parametrize("script", bash_scripts())
def test_script_is_bash(script):
    done = subprocess.run(["bash", "-n", ROOT / script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words, variables, said",
    [
        (["--quick"], {}, "it takes no arguments, got --quick"),
        ([], {"PYTHON": "false"}, "PYTHON=false must be Python 3.10 or newer"),
        ([], {"ECSMPI_DIST": "mod"}, "mod is not empty: give a new folder"),
    ],
)
def test_the_test_of_packages_says_what_it_cannot_do(words, variables, said):
    done = subprocess.run(
        [ROOT / "scripts" / "test-package", *words],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert said in done.stderr
