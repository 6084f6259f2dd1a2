"""One process needs no MPI library; several say what to install, and so does the doctor."""

import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

WITHOUT = PROGRAMS / "ranks" / "without_mpi.py"
MODEL = PROGRAMS / "ranks" / "one_of_all.py"


@pytest.mark.parametrize("mode", ["rounded", long("exact")])
def test_one_process_gives_the_same_bits_with_an_mpi_library_and_without(tmp_path, mode):
    said = []
    for argv in ([MODEL, mode], [WITHOUT, MODEL, mode]):
        folder = tmp_path / argv[0].stem
        folder.mkdir()
        done = mpirun(None, ["python", *argv], cwd=folder)
        assert done.returncode == 0, done.stderr
        said += [line for line in done.stdout.splitlines() if line.startswith("values ")]
        assert sorted(path.name for path in folder.iterdir())[0] == "checkpoints"
        assert (folder / "grid.h5").stat().st_size > 0
    assert len(said) == 2 and said[0] == said[1]


def test_launched_processes_without_mpi_are_refused(tmp_path):
    done = mpirun(
        None,
        ["python", WITHOUT, MODEL, "rounded"],
        env={"PMI_SIZE": 2, "PMI_RANK": 1},
        cwd=tmp_path,
    )
    assert done.returncode != 0
    assert (
        "the launcher started 2 processes (PMI_SIZE=2), "
        "and mpi4py finds no MPI library: pip install"
    ) in done.stderr


def test_doctor_says_what_to_install():
    done = mpirun(None, ["python", WITHOUT, "doctor"])
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    assert (
        "problem  MPI            cannot load MPI library: one process works, several do not"
        in done.stdout
    )
    assert "cure: pip install 'ecsmpi[mpi]'" in done.stdout
    assert "ok       NEURON" in done.stdout


def test_doctor_says_how_waiting_ranks_and_threads_share_cores():
    done = mpirun(
        2,
        ["ecsmpi", "doctor"],
        env={"OMPI_MCA_mpi_yield_when_idle": "1", "GOMP_SPINCOUNT": "0"},
    )
    assert done.returncode == 0, done.stdout
    assert "waiting ranks yield, waiting threads sleep" in done.stdout
    assert "ok       compiled code" in done.stdout
