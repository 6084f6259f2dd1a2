"""Starting ranks from a plain `pytest`: a hang is a failure, never a stuck suite.

`mpirun(ranks, argv)` runs a command and hands back what it printed; the fixture `on_ranks(ranks,
source)` runs a piece of Python whose rank 0 writes arrays to the .npz file named by `sys.argv[1]`,
and hands back the arrays.
"""

from contextlib import contextmanager
import os
from pathlib import Path
import shutil
import subprocess
import sys
import tempfile

from ecsmpi.ranks import launchers
import pytest

from support.processes import end_session

ROOT = Path(__file__).resolve().parents[2]
TESTS = ROOT / "tests"

# More ranks than cores, on any number of cores, also as root: Open MPI 4 and 5 refuse both unless
# told.
MPI_ENVIRONMENT = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "OMPI_MCA_mpi_yield_when_idle": "1",
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    # Open MPI looks for networks' libraries for a quarter of a second, and gives a process without
    # mpirun a daemon of its own. The tests' ranks are on one machine and start no others.
    "OMPI_MCA_pml": "ob1",
    "OMPI_MCA_ess_singleton_isolated": "1",
}

# An MPI library of a wheel beside this interpreter; NEURON finds it as scripts/environment says.
WHEEL = next(iter(sorted(Path(sys.prefix, "lib").glob("libmpi.so.[0-9]*"))), None)

# Threads of each rank: asked before a test starts MPI in pytest itself, which sets the variable.
THREADS = os.environ.get("NUMBA_NUM_THREADS", "1")

# What a launcher around pytest itself would leave behind; the ranks started here must not believe
# it.
LAUNCHER_PREFIXES = (*launchers.PREFIXES, "SLURM_")


def mpirun(ranks, argv, timeout=120.0, env=None, cwd=None):
    """Run the command `argv` on `ranks` ranks and return its CompletedProcess.

    `ranks` None starts it without mpirun.

    "python" in `argv` is the interpreter that runs the tests. `env` adds variables (a value of None
    removes one). Output is text. What runs longer than `timeout` seconds is killed with all its
    ranks, and the test fails.
    """
    argv = [str(word) for word in argv]
    if ranks is not None:
        argv = [_launcher(), "-n", str(ranks), *argv]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        # Files rather than pipes: a rank that outlives its launcher would hold a pipe open.
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=cwd,
            env=_environment(env or {}),
            start_new_session=True,
        )
        try:
            process.wait(timeout)
            hung = False
        except subprocess.TimeoutExpired:
            hung = True
        finally:
            end_session(process)
        stdout, stderr = _text(out), _text(err)
    if hung:
        pytest.fail(
            f"no end after {timeout} s: {' '.join(argv)}\n{stdout[-4000:]}\n{stderr[-4000:]}",
            pytrace=False,
        )
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


@contextmanager
def started(ranks, argv, cwd):
    """Start a command as `mpirun` does, and yield the Popen while it runs.

    What is left of it at the end is killed.
    """
    with tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            [_launcher(), "-n", str(ranks), *map(str, argv)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=err,
            cwd=cwd,
            env=_environment({}),
            start_new_session=True,
        )
        process.said = lambda: _text(err)
        try:
            yield process
        finally:
            end_session(process)


def _launcher():
    path = shutil.which("mpirun", path=_environment({})["PATH"])
    if path is None:
        pytest.fail("no mpirun on PATH: run scripts/setup, then activate .venv", pytrace=False)
    return path


def _environment(extra):
    """Return the tests' environment, with this interpreter first on PATH and `extra` on top."""
    env = {
        key: value for key, value in os.environ.items() if not key.startswith(LAUNCHER_PREFIXES)
    }
    env |= MPI_ENVIRONMENT
    env["PATH"] = os.pathsep.join(
        [str(Path(sys.executable).parent), env.get("PATH", os.defpath)]
    )
    env["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(ROOT), str(TESTS), env.get("PYTHONPATH")])
    )
    env["NUMBA_NUM_THREADS"] = THREADS
    # With it each part of a line is written alone, and mpirun mixes the lines of two ranks.
    env.pop("PYTHONUNBUFFERED", None)
    if WHEEL:
        env["LD_LIBRARY_PATH"] = os.pathsep.join(
            filter(None, [str(WHEEL.parent), env.get("LD_LIBRARY_PATH")])
        )
        env["MPI_LIB_NRN_PATH"] = str(WHEEL)
    for key, value in extra.items():
        env.pop(key, None)
        if value is not None:
            env[key] = str(value)
    return env


def _text(file):
    file.seek(0)
    return file.read().decode(errors="replace")
