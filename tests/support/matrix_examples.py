"""Cells and results of `scripts/test-matrix` that tests share."""

from support.matrix_cells import Cell
from support.matrix_results import FAILED, MISSING, PASSED, Result

MPICH = Cell("mpich", "9.0.2", "3.12")
NIGHTLY = Cell("openmpi", "nightly", "3.13")
OLDER = Cell("distribution", "9.0.2", "3.10")
VERSIONS = {
    "MPI": "MPICH 5.0.2",
    "NEURON": "9.0.2",
    "Python": "3.12.1",
    "HDF5": "2.0.0, not parallel",
    "h5py": "3.16.0",
    "mpi4py": "4.1.2",
    "numpy": "2.4.6",
    "numba": "0.68.1",
    "system": "Debian GNU/Linux 12 (bookworm), x86_64",
}
PASSES = Result(
    MPICH, PASSED, "short", "0123456789ab", "2026-01-31", "", VERSIONS, 200, 0, 3, (), 4.25
)
FAILS = Result(
    NIGHTLY,
    FAILED,
    "short",
    "0123456789ab",
    "2026-01-31",
    versions=VERSIONS | {"NEURON": "9.1.0.dev28"},
    passed=199,
    failed=1,
    failures=("ranks/test_launch.py::test_one[2]",),
    minutes=5.0,
)
ABSENT = Result(
    OLDER, MISSING, "short", "0123456789ab", "2026-01-31", "no Python 3.10 on PATH or of pyenv"
)
