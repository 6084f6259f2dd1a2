"""Run one cell of `scripts/test-matrix`: a clone of the commit with an environment of its own."""

from dataclasses import dataclass, replace
from datetime import date
import json
import os
from pathlib import Path
import shlex
import shutil
import subprocess
import time

from support.matrix_cells import find_python, why_no_distribution_mpi
from support.matrix_results import FAILED, MISSING, PASSED, Result, read_report
from support.processes import end_session

LIST = "tests/matrix.txt"  # the short form's tests
PYTEST = "-q -rfEs -p no:cacheprovider --numprocesses auto --maxprocesses 4 --dist loadfile"
SETUP_SECONDS = 3600
TEST_SECONDS = {"short": 3600, "whole": 6 * 3600, "selected": 6 * 3600}

VERSIONS = """
import json, platform
from importlib.metadata import version
from ecsmpi.neuron_api.wheel import installed_version
from ecsmpi.ranks.mpi import MPI
import h5py
library = MPI.Get_library_version().replace("\\t", " ").splitlines()
words = " ".join(library[:1]).partition(",")[0].partition("Version:")
versions = {name: version(name) for name in ("mpi4py", "h5py", "numpy", "numba")}
parallel = "parallel" if h5py.get_config().mpi else "not parallel"
print(json.dumps({
    "MPI": (f"MPICH {words[2].strip()}" if words[2] else words[0].replace(" v", " ")),
    "NEURON": installed_version(),
    "Python": platform.python_version(),
    "HDF5": f"{h5py.version.hdf5_version}, {parallel}",
    "system": f"{platform.freedesktop_os_release()['PRETTY_NAME']}, {platform.machine()}",
    **versions,
}))
"""


class Missing(Exception):
    """The cell cannot be had, for the reason that it says."""


class Broken(Exception):
    """The cell could be had but its environment or its tests did not come to an end."""


@dataclass(frozen=True)
class Request:
    """What `scripts/test-matrix` was asked to run.

    Attributes
    ----------
    root : the checkout
    work : folder of environments, results and wheels
    commit : that is cloned
    form : "short", "whole" or "selected"
    arguments : for pytest, with the form "selected"
    fresh : whether environments that were kept are made anew
    keep : whether environments stay
    """

    root: Path
    work: Path
    commit: str
    form: str
    arguments: tuple = ()
    fresh: bool = False
    keep: bool = False


def run_cell(cell, request, store, say):
    """Run a cell and return its Result; `say` is told what goes on."""
    folder = request.work / "cells" / cell.name
    done = Result(cell, FAILED, request.form, request.commit, date.today().isoformat())
    try:
        if request.fresh:
            shutil.rmtree(folder, ignore_errors=True)
        log = store.path(cell, request.form, ".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        python = _interpreter(cell)
        say("environment")
        _clone(folder, request)
        _environment(cell, folder, python, request, log)
        done = replace(done, versions=_versions(folder, log))
        say(", ".join(f"{what} {version}" for what, version in done.versions.items()))
        return _tested(done, folder, request, store)
    except Missing as why:
        return replace(done, outcome=MISSING, reason=str(why))
    except Broken as why:
        return replace(done, reason=str(why))
    finally:
        if not request.keep:
            shutil.rmtree(folder, ignore_errors=True)


def _interpreter(cell):
    """Path of the cell's Python; Missing where it, or the distribution's MPI, is not there."""
    python = find_python(cell.python)
    if python is None:
        raise Missing(f"no Python {cell.python} on PATH or of pyenv")
    why = why_no_distribution_mpi() if cell.mpi == "distribution" else ""
    if why:
        raise Missing(why)
    return python


def _clone(folder, request):
    """Bring the commit into the folder; one that was kept gets it too."""
    if not (folder / ".git").exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _git("clone", "-q", "--no-checkout", request.root, folder)
    else:
        _git("-C", folder, "fetch", "-q", request.root, "HEAD")
    _git("-C", folder, "checkout", "-q", "--force", "--detach", request.commit)


def _git(*words):
    done = subprocess.run(["git", *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise Broken(f"git {words[0]}: {done.stderr.strip()}")


def _environment(cell, folder, python, request, log):
    """Make .venv by scripts/setup, where each wheel exists."""
    around = clean_environment(os.environ)
    pip = folder / ".venv" / "bin" / "pip"
    if not pip.exists():
        argv = [python, "-m", "venv", "--clear", folder / ".venv"]
        _succeeds(argv, folder, around, log, SETUP_SECONDS, "python -m venv")
    for wheel in cell.wheels:
        _refuse_missing_wheel(wheel, cell, pip, around)
    around |= cell.settings(python, request.work / "wheels")
    around["PIP_NO_COMPILE"] = "1"  # most of what is installed is never imported
    _succeeds(["scripts/setup"], folder, around, log, SETUP_SECONDS, "scripts/setup")


def _refuse_missing_wheel(wheel, cell, pip, around):
    ask = [pip, "install", "--dry-run", "--ignore-installed", "--no-deps", "-q"]
    done = subprocess.run(
        [*ask, "--only-binary", ":all:", wheel], capture_output=True, text=True, env=around
    )
    if "No matching distribution" in done.stderr:
        raise Missing(f"no wheel of {wheel} for Python {cell.python} on this machine")
    if done.returncode != 0:
        raise Broken(f"pip cannot look for {wheel}: {_last_line(done.stderr)}")


def _versions(folder, log):
    argv = ["bash", "-c", '. .venv/bin/activate && exec python -c "$1"', "versions", VERSIONS]
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, env=clean_environment(os.environ)
    )
    try:
        return json.loads(_last_line(done.stdout))
    except ValueError:
        with log.open("a") as file:
            file.write(done.stdout + done.stderr)
        raise Broken(f"ecsmpi does not start: {_last_line(done.stderr)}") from None


def _tested(done, folder, request, store):
    """Run pytest in the cell; what came of it."""
    report = store.path(done.cell, request.form, ".xml").resolve()
    report.unlink(missing_ok=True)
    words = [*shlex.split(PYTEST), f"--junitxml={report}", *tests_to_run(folder, request)]
    argv = ["bash", "-c", '. .venv/bin/activate && exec python -m pytest "$@"', "test", *words]
    begun = time.monotonic()
    log = store.path(done.cell, request.form, ".log")
    around = clean_environment(os.environ)
    status = run_logged(argv, folder, around, log, TEST_SECONDS[request.form])
    minutes = round((time.monotonic() - begun) / 60, 1)
    tests = read_report(report)
    if status is None:
        raise Broken(f"the tests did not end in {TEST_SECONDS[request.form] / 60:g} minutes")
    if tests is None:
        raise Broken(f"pytest ended with status {status} and without a report: see {log.name}")
    reason = "" if status in (0, 1) else f"pytest ended with status {status}"
    if status == 0 and tests.passed == 0:
        reason = "no test has run"
    return replace(
        done,
        outcome=PASSED if status == 0 and not reason else FAILED,
        reason=reason,
        minutes=minutes,
        passed=tests.passed,
        failed=tests.failed,
        skipped=tests.skipped,
        failures=tests.failures,
    )


def tests_to_run(folder, request):
    """pytest's arguments for a form, in a checkout."""
    if request.form == "selected":
        return list(request.arguments)
    return listed_tests(folder / LIST) if request.form == "short" else []


def listed_tests(path):
    """The paths in a list, without its comments."""
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    return [line for line in lines if line]


def clean_environment(environ):
    """The variables without those of an active environment: another MPI must not be found there."""
    kept = dict(environ)
    active = kept.pop("VIRTUAL_ENV", None)
    for name in ("PYTHONPATH", "PYTHONHOME", "PYTEST_ADDOPTS"):
        kept.pop(name, None)
    if active is None:
        return kept
    inside = os.path.join(active, "")
    for name in ("PATH", "LD_LIBRARY_PATH", "MPI_LIB_NRN_PATH"):
        folders = kept.pop(name, "").split(os.pathsep)
        outside = [each for each in folders if each and not each.startswith(inside)]
        if outside:
            kept[name] = os.pathsep.join(outside)
    return kept


def _succeeds(argv, folder, around, log, seconds, what):
    """Run a command into the log; Broken where it fails, with its last line."""
    status = run_logged(argv, folder, around, log, seconds)
    if status is None:
        raise Broken(f"{what} did not end in {seconds / 60:g} minutes")
    if status != 0:
        raise Broken(f"{what}: {_last_line(log.read_text(errors='replace'))}")


def run_logged(argv, folder, around, log, seconds):
    """Run a command, append what it prints to the log; its status, None where it did not end.

    All that it has started ends with it, also on Ctrl-C.
    """
    with log.open("ab") as file:
        process = subprocess.Popen(
            list(map(str, argv)),
            cwd=folder,
            env=around,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            end_session(process)


def _last_line(text):
    return next(reversed(text.strip().splitlines()), "it printed nothing")
