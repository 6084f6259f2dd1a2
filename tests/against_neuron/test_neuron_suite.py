"""`scripts/test-neuron-suite` says what came of each test of a suite, on any number of ranks."""

import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from support import neuron_suite
from support.neuron_suite import DIFFERS, FAILS, PASS, REFUSED, SKIPPED, Verdict, verdict
from support.programs import PROGRAMS
from support.ranks import TESTS

TINY = PROGRAMS / "against_neuron" / "tiny_suite"
WRONG_NUMBER = "ecs/test_box.py::test_wrong_number"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A folder in the layout of a checkout of NEURON."""
    folder = tmp_path_factory.mktemp("nrn")
    shutil.copytree(TINY, folder / "test" / "rxd", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "test" / "rxd" / "test_needs.py").write_text(
        "import no_such_module\n\n\ndef test_never():\n    pass\n"
    )
    return folder


@pytest.fixture(scope="module")
def printed(checkout):
    """What the command prints of it on 1 and 2 ranks, and its status."""
    command = [
        sys.executable,
        TESTS / "support" / "neuron_suite.py",
        checkout,
        "--ranks",
        "1",
        "2",
    ]
    # The environment of Python: where this process has MPI already, that of C has what MPI leaves
    # for its own children.
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=os.environ)
    return SimpleNamespace(out=done.stdout, err=done.stderr, status=done.returncode)


@pytest.mark.long  # in every run: a difference that is known
def test_a_test_passes_is_refused_or_differs(printed):
    words = [
        line.split()
        for line in printed.out.splitlines()
        if line.startswith("ecs/test_box.py::")
    ]
    table = {line[0].partition("::")[2]: line[1:] for line in words if "on" not in line}
    assert table == {
        "test_keeps_ions": [PASS] * 2,
        "test_variable_step": [REFUSED] * 2,
        "test_wrong_number": [DIFFERS] * 2,
    }


@pytest.mark.long  # in every run: a difference that is known
def test_what_differs_is_said_with_its_numbers_and_is_an_error(printed):
    for ranks in ("1 rank", "2 ranks"):
        sentences = [
            line
            for line in printed.out.splitlines()
            if line.startswith(f"{WRONG_NUMBER} on {ranks} differs: ")
        ]
        assert len(sentences) == 1 and "< 1e-10" in sentences[0]
        assert f"{ranks}: 1 pass, 1 refused, 1 differs" in printed.out
    assert "refused: the variable time step is not supported" in printed.out
    assert printed.status == 1 and "2 unexpected" in printed.err


@pytest.mark.long  # in every run: a difference that is known
def test_a_file_that_needs_what_is_not_installed_is_skipped_and_said(printed):
    assert (
        "test_needs.py: skipped, ModuleNotFoundError: No module named 'no_such_module'"
        in printed.out
    )


def test_a_difference_that_is_known_is_no_error(checkout, capsys):
    arguments = [str(checkout / "test" / "rxd"), "--ranks", "1", "-k", "wrong_number"]
    assert neuron_suite.main(arguments, known={WRONG_NUMBER: "a wrong number on purpose"}) == 0
    assert "differs, known (a wrong number on purpose): assert" in capsys.readouterr().out


def test_a_folder_without_a_suite_and_a_name_without_a_test_are_errors(
    checkout, tmp_path, capsys
):
    assert neuron_suite.main([str(tmp_path)]) == 2
    assert (
        f"{tmp_path} is neither a checkout of NEURON nor its folder test/rxd"
        in capsys.readouterr().err
    )
    assert neuron_suite.main([str(checkout), "-k", "no_such_test"]) == 2
    assert "'no_such_test'" in capsys.readouterr().err


RAN = [{"when": when, "outcome": "passed"} for when in ("setup", "call", "teardown")]
FAILED = {"when": "call", "outcome": "failed"}


def ended(status=0, stderr=""):
    return SimpleNamespace(returncode=status, stdout="", stderr=stderr)


def test_one_rank_that_fails_is_enough():
    wrong = [RAN[0], FAILED | {"kinds": ["AssertionError"], "text": "assert 2 < 1"}]
    assert verdict([RAN, wrong], ended(1)) == Verdict(DIFFERS, "assert 2 < 1")
    missing = [
        RAN[0],
        FAILED
        | {"kinds": ["MissingFeature", "RxDException"], "text": "rxd.export of neuron.rxd"},
    ]
    assert verdict([RAN, missing], ended(1)) == Verdict(REFUSED, "rxd.export of neuron.rxd")
    broken = [RAN[0], FAILED | {"kinds": ["KeyError", "LookupError"], "text": "'k'"}]
    assert verdict([broken, RAN], ended(1)) == Verdict(FAILS, "KeyError in call: 'k'")
    needs = [
        RAN[0],
        FAILED
        | {"kinds": ["ModuleNotFoundError", "ImportError"], "text": "No module named 'plotly'"},
    ]
    assert verdict([needs], ended(1)) == Verdict(SKIPPED, "No module named 'plotly'")


def test_a_process_that_dies_has_not_passed():
    assert verdict([RAN], ended()) == Verdict(PASS)
    assert verdict([RAN, RAN[:1]], ended(139, "Segmentation fault\n")) == Verdict(
        FAILS, "status 139: Segmentation fault"
    )
    assert verdict([[]], ended()).what == FAILS
    assert verdict([RAN], ended(134)).what == FAILS
    assert verdict([[RAN[0], {"when": "call", "outcome": "skipped"}]], ended()) == Verdict(
        SKIPPED
    )
