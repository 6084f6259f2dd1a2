"""NEURON uses the MPI library that a Python wheel has put beside the interpreter."""

import os
from pathlib import Path
import subprocess
import sys

from ecsmpi.ranks import wheels
import pytest

from support.ranks import ROOT, WHEEL, mpirun

SHOW = '. "$1"; . "$1"; echo "$LD_LIBRARY_PATH|$MPI_LIB_NRN_PATH"'
LIBRARY = (
    "from mpi4py import MPI; from ecsmpi.ranks import launch; print(launch.mpi_libraries()[0])"
)
FOUND = "from ecsmpi.ranks import wheels; print(wheels.neurons_library())"
NEURON_FIRST = """
from neuron import n
from ecsmpi import rxd
print(f"ranks {int(n.ParallelContext().nhost())}\\n", end="")
"""


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A file in place of a wheel's library, beside what passes for this interpreter."""
    library = tmp_path / "lib" / "libmpi.so.12"
    library.parent.mkdir()
    library.touch()
    (library.parent / "libmpi.so").write_text("INPUT(libmpi.so.12)\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return library


def test_environment_lets_neuron_find_the_library_of_a_wheel(wheel, tmp_path):
    argv = ["bash", "-euc", SHOW, "show", ROOT / "scripts" / "environment"]
    around = {
        "PATH": os.environ["PATH"],
        "LD_LIBRARY_PATH": "/elsewhere",
        "VIRTUAL_ENV": str(tmp_path),
    }
    done = subprocess.run(argv, env=around, capture_output=True, text=True)
    assert done.stdout == f"{wheel.parent}:/elsewhere|{wheel}\n", done.stderr
    wheel.unlink()
    done = subprocess.run(
        argv, env=around | {"MPI_LIB_NRN_PATH": ""}, capture_output=True, text=True
    )
    assert done.stdout == "/elsewhere|\n", done.stderr


def test_another_library_that_neuron_has_loaded_is_named_with_the_cure(
    wheel, tmp_path, monkeypatch
):
    other = tmp_path / "libmpi.so.40"
    other.touch()
    monkeypatch.setattr(wheels, "_neuron_is_loaded", lambda: True)
    said = wheels.why_another_library([str(other)])
    assert (
        f"has loaded {other}, not {wheel} beside this Python: put `from ecsmpi import rxd` before "
        "any import of neuron" in said
    )
    assert said.endswith(
        f"export LD_LIBRARY_PATH={wheel.parent}${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}} "
        f"MPI_LIB_NRN_PATH={wheel}"
    )
    assert wheels.why_another_library([str(wheel)]) == wheels.why_another_library([]) == ""
    monkeypatch.setattr(wheels, "_neuron_is_loaded", lambda: False)
    assert wheels.why_another_library([str(other)]) == ""
    wheel.unlink()
    assert wheels.wheel_library() is None


def test_library_is_found_as_neuron_finds_it(wheel):
    """A libmpi.so that is a text for linkers hides those behind it; then the variable counts."""
    own = mpirun(None, ["python", "-c", LIBRARY]).stdout.split()[-1]
    around = {"LD_LIBRARY_PATH": wheel.parent, "MPI_LIB_NRN_PATH": own}
    found = mpirun(None, ["python", "-c", FOUND], env=around).stdout.strip()
    assert Path(found).samefile(own)
    assert (
        mpirun(
            None, ["python", "-c", FOUND], env=around | {"MPI_LIB_NRN_PATH": None}
        ).stdout.strip()
        == ""
    )


@pytest.mark.skipif(
    WHEEL is None,
    reason="the MPI library of these tests is of no wheel: NEURON finds it as mpi4py does",
)
def test_neuron_imported_first_without_these_variables_works_or_says_the_cure():
    """It works where NEURON finds no MPI; the machine's MPI is another than the wheel's."""
    done = mpirun(
        2,
        ["python", "-c", NEURON_FIRST],
        env={"LD_LIBRARY_PATH": None, "MPI_LIB_NRN_PATH": None},
    )
    works = done.returncode == 0 and done.stdout.count("ranks 2") == 2
    cure = "put `from ecsmpi import rxd` before any import of neuron"
    assert works or f"not {WHEEL} beside this Python: {cure}" in done.stderr, done.stderr
