"""`scripts/test-matrix`: what comes of a cell that passes, fails, is missing or is stopped."""

from dataclasses import replace
import os
import signal
import subprocess
import sys
import time

import pytest

from support import matrix, matrix_runs
from support.matrix_examples import ABSENT, FAILS, MPICH, NIGHTLY, OLDER, PASSES, VERSIONS
from support.matrix_results import FAILED, MISSING, PASSED, Counts, Store, read_report
from support.matrix_runs import Request, clean_environment, run_cell, run_logged
from support.processes import runs
from support.ranks import ROOT, TESTS

REPORT = """<testsuites><testsuite>
<testcase classname="tests.ranks.test_launch" name="test_one[2]"><failure>x</failure></testcase>
<testcase classname="tests.ranks.test_launch" name="test_one[3]" />
<testcase classname="tests.run.test_runs" name="test_two"><skipped>y</skipped></testcase>
<testcase classname="tests.run.test_runs" name="test_three"><error>z</error></testcase>
</testsuite></testsuites>"""


def test_environment_of_another_mpi_is_left_out():
    active = {
        "VIRTUAL_ENV": "/a/.venv",
        "PATH": "/a/.venv/bin:/usr/bin",
        "LD_LIBRARY_PATH": "/a/.venv/lib:/a/.venv2/lib",
        "MPI_LIB_NRN_PATH": "/a/.venv/lib/libmpi.so.12",
        "PYTHONPATH": "/b",
        "HOME": "/c",
    }
    assert clean_environment(active) == {
        "PATH": "/usr/bin",
        "LD_LIBRARY_PATH": "/a/.venv2/lib",
        "HOME": "/c",
    }
    assert clean_environment({"PATH": "/bin"}) == {"PATH": "/bin"}


def test_report_of_pytest_is_counted(tmp_path):
    report = tmp_path / "report.xml"
    report.write_text(REPORT)
    names = ("ranks/test_launch.py::test_one[2]", "run/test_runs.py::test_three")
    assert read_report(report) == Counts(passed=1, failed=2, skipped=1, failures=names)
    report.write_text(REPORT[:90])
    assert read_report(report) is None
    assert read_report(tmp_path / "none.xml") is None


@pytest.fixture
def request_(tmp_path):
    return Request(ROOT, tmp_path, "0123456789ab", "short")


def test_python_that_is_not_there_is_a_reason(request_, tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_runs, "find_python", lambda version: None)
    result = run_cell(OLDER, request_, Store(tmp_path / "results"), print)
    assert (result.outcome, result.reason) == (MISSING, ABSENT.reason)


def test_machine_without_an_mpi_is_a_reason(request_, tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_runs, "find_python", lambda version: sys.executable)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = run_cell(OLDER, request_, Store(tmp_path / "results"), print)
    assert result.outcome == MISSING
    assert (
        result.reason == "the machine has no mpicc with mpirun, and it cannot be installed here"
    )


@pytest.mark.parametrize(
    "said, outcome, reason",
    [
        (
            "ERROR: No matching distribution found for neuron==9.0.2",
            MISSING,
            "no wheel of neuron==9.0.2 for Python 3.12 on this machine",
        ),
        ("no route to host", FAILED, "pip cannot look for neuron==9.0.2: no route to host"),
    ],
)
def test_wheel_that_is_not_there_is_a_reason_and_a_network_is_a_failure(
    said, outcome, reason, request_, tmp_path, monkeypatch
):
    def clone(folder, request):
        pip = folder / ".venv" / "bin" / "pip"
        pip.parent.mkdir(parents=True)
        pip.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
        pip.chmod(0o755)

    monkeypatch.setattr(matrix_runs, "find_python", lambda version: sys.executable)
    monkeypatch.setattr(matrix_runs, "_clone", clone)
    result = run_cell(MPICH, request_, Store(tmp_path / "results"), print)
    assert (result.outcome, result.reason) == (outcome, reason)
    assert not (tmp_path / "cells" / MPICH.name).exists()


def test_setup_that_fails_is_told_by_its_last_line(request_, tmp_path, monkeypatch):
    def clone(folder, request):
        (folder / "scripts").mkdir(parents=True)
        pip = folder / ".venv" / "bin" / "pip"
        pip.parent.mkdir(parents=True)
        pip.touch()
        setup = folder / "scripts" / "setup"
        setup.write_text("#!/bin/sh\necho setup: no luck >&2\nexit 1\n")
        setup.chmod(0o755)

    monkeypatch.setattr(matrix_runs, "find_python", lambda version: sys.executable)
    monkeypatch.setattr(matrix_runs, "_clone", clone)
    monkeypatch.setattr(matrix_runs, "_refuse_missing_wheel", lambda *_: None)
    result = run_cell(MPICH, request_, Store(tmp_path / "results"), print)
    assert (result.outcome, result.reason) == (FAILED, "scripts/setup: setup: no luck")


def cell_with(tests, tmp_path, monkeypatch):
    """What comes of a cell whose only test file has this text, run by this Python."""

    def clone(folder, request):
        activate = folder / ".venv" / "bin" / "activate"
        activate.parent.mkdir(parents=True)
        activate.write_text(f'python() {{ \'{sys.executable}\' "$@"; }}\nexec() {{ "$@"; }}\n')
        (folder / "tests").mkdir()
        (folder / "tests" / "test_it.py").write_text(tests)
        (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
        (folder / matrix_runs.LIST).write_text("# all\ntests/test_it.py  # that is\n\n")

    monkeypatch.setattr(matrix_runs, "find_python", lambda version: sys.executable)
    monkeypatch.setattr(matrix_runs, "_clone", clone)
    monkeypatch.setattr(matrix_runs, "_environment", lambda *_: None)
    monkeypatch.setattr(matrix_runs, "_versions", lambda *_: VERSIONS)
    monkeypatch.setattr(matrix_runs, "PYTEST", "-q -p no:cacheprovider -p no:xdist")
    request = Request(ROOT, tmp_path, "0123456789ab", "short")
    return run_cell(MPICH, request, Store(tmp_path / "results"), print)


def test_cell_passes_where_its_tests_do(tmp_path, monkeypatch):
    text = "import pytest\ndef test_a(): pass\n@pytest.mark.skip\ndef test_b(): pass\n"
    result = cell_with(text, tmp_path, monkeypatch)
    assert (result.outcome, result.reason) == (PASSED, "")
    assert (result.passed, result.failed, result.skipped) == (1, 0, 1)


@pytest.mark.parametrize(
    "text, reason, failures",
    [
        ("def test_a(): pass\ndef test_b(): assert 0\n", "", ("test_it.py::test_b",)),
        ("", "pytest ended with status 5", ()),
        ("import pytest\n@pytest.mark.skip\ndef test_a(): pass\n", "no test has run", ()),
    ],
)
def test_cell_fails_where_a_test_does_or_none_has_run(
    text, reason, failures, tmp_path, monkeypatch
):
    result = cell_with(text, tmp_path, monkeypatch)
    assert (result.outcome, result.reason) == (FAILED, reason)
    assert result.failures == failures


def test_result_of_this_commit_is_not_made_again(tmp_path, monkeypatch, capsys):
    store = Store(tmp_path / "results")
    request = Request(ROOT, tmp_path, PASSES.commit, "short")
    store.save(PASSES)
    store.save(replace(FAILS, commit="another"))
    store.save(ABSENT)
    ran = []

    def run_one(cell, request, store, say):
        ran.append(cell)
        return replace(PASSES, cell=cell)

    monkeypatch.setattr(matrix, "run_cell", run_one)
    assert matrix.run([MPICH, NIGHTLY, OLDER], request, store, again=False) == 0
    assert ran == [NIGHTLY, OLDER]
    assert matrix.run([MPICH], request, store, again=True) == 0
    assert ran == [NIGHTLY, OLDER, MPICH]
    assert "NEURON nightly, Python 3.13: passed, 200 passed" in capsys.readouterr().out


def test_two_runs_do_not_share_a_folder(tmp_path, capsys):
    with matrix.only_one(tmp_path):
        status = matrix.main(["--only", "mpi=mpich", "--work", str(tmp_path)])
    assert status == 2
    assert f"another test-matrix works in {tmp_path}" in capsys.readouterr().err


def test_command_that_does_not_end_is_ended_with_its_children(tmp_path):
    log = tmp_path / "log"
    argv = ["bash", "-c", "setsid sleep 600 & echo $!; wait"]
    assert run_logged(argv, tmp_path, os.environ, log, seconds=1) is None
    assert not runs(int(log.read_text()))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_what_was_started(number, tmp_path):
    source = f"""
import os, signal, sys
# A shell's background job ignores SIGINT, and so does what it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path.insert(0, {str(TESTS)!r})
from pathlib import Path
from support import matrix
from support.matrix_runs import run_logged
def run(*_):
    folder = Path({str(tmp_path)!r})
    argv = ["bash", "-c", "setsid sleep 600 & echo $!; wait"]
    run_logged(argv, folder, os.environ, folder / "log", 600)
matrix.run = run
sys.exit(matrix.main(["--work", {str(tmp_path)!r}]))
"""
    process = subprocess.Popen(
        [sys.executable, "-c", source], stderr=subprocess.PIPE, text=True
    )
    log = tmp_path / "log"
    deadline = time.monotonic() + 60
    while not (log.exists() and log.read_text().strip()) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "test-matrix: interrupted" in said
    assert not runs(int(log.read_text()))
