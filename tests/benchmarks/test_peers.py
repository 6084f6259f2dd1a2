"""`ecsmpi bench peers`: what schemes make of a field, and what is measured of each solver."""

import dataclasses
from importlib import util
import json
import math
from pathlib import Path
import sys

from ecsmpi.benchmarks import peers
from ecsmpi.benchmarks.comparisons import beside_peers, limited
from ecsmpi.benchmarks.peers import cosine_modes
from ecsmpi.benchmarks.peers.catalogue import PEERS
from ecsmpi.benchmarks.records import read
from ecsmpi.benchmarks.reports.peer_table import peers_report
import numpy as np
import pytest

from support.ranks import mpirun
from support.record_laws import check_record

SCRIPT = Path(peers.__file__).parent / "measure.py"
R = 0.1
EDGE = 16
BY_NAME = {peer.name: peer for peer in PEERS}
ALWAYS = ("ecsmpi", "NEURON", "SciPy-ADI", "SciPy-DCT")


# what schemes make of a field


def second_difference(edge):
    """The matrix of the second difference along one axis, with closed faces."""
    difference = np.diff(np.eye(edge), axis=0)
    return -difference.T @ difference


def along(axis, matrix):
    """A matrix for all voxels of a box that acts along one axis."""
    factors = [np.eye(len(matrix))] * 3
    factors[axis] = matrix
    return np.kron(np.kron(factors[0], factors[1]), factors[2])


def dense_step(scheme, field, r):
    """A step of a scheme by its matrices."""
    one = np.eye(field.size)
    axes = [r * along(axis, second_difference(len(field))) for axis in range(3)]
    whole = sum(axes)
    u = field.ravel()
    if scheme == "explicit_euler":
        new = u + whole @ u
    elif scheme == "crank_nicolson":
        new = np.linalg.solve(one - whole / 2, u + whole @ u / 2)
    else:
        increment = whole @ u
        for axis in axes:
            increment = np.linalg.solve(one - axis / 2, increment)
        new = u + increment
    return new.reshape(field.shape)


@pytest.mark.parametrize("scheme", ["explicit_euler", "crank_nicolson", "douglas_gunn"])
def test_factors_are_those_of_the_schemes_matrices(scheme):
    field = cosine_modes.rough(7)
    found = cosine_modes.stepped(cosine_modes.SCHEMES[scheme], field, 0.3)
    assert np.abs(found - dense_step(scheme, field, 0.3)).max() < 1e-14


def test_exact_step_is_two_exact_half_steps_and_keeps_the_amount():
    field = cosine_modes.rough(9)
    whole = cosine_modes.stepped(cosine_modes.exact, field, 0.2)
    half = cosine_modes.stepped(cosine_modes.exact, field, 0.1)
    halves = cosine_modes.stepped(cosine_modes.exact, half, 0.1)
    assert np.abs(halves - whole).max() < 1e-14
    assert whole.mean() == pytest.approx(field.mean(), rel=1e-14)
    assert np.abs(whole - field).max() > 1e-3


def test_fine_voxels_decay_as_continuous_space():
    coarse, fine = (
        abs(
            cosine_modes.factor_of(cosine_modes.exact, edge, 1, R * edge**2)
            - cosine_modes.continuous(edge, 1, R * edge**2)
        )
        for edge in (32, 64)
    )
    assert coarse / fine == pytest.approx(4, rel=0.01)


# what is measured of each solver


def settings_of(peer, edge=EDGE, r=R, **more):
    settings = {
        "module": peer.module,
        "arguments": peer.arguments,
        "package": peer.package,
        "distribution": peer.distribution,
        "scheme": peer.scheme,
        "edge": edge,
        "r": r,
        "half_waves": cosine_modes.half_waves(edge, 8),
        "seconds": 0.01,
        "repetitions": 2,
    }
    return settings | more


def measured(task, settings, seconds=300):
    words = [str(SCRIPT), task, json.dumps(settings)]
    return limited.run(sys.executable, words, seconds, beside_peers.ENVIRONMENT)


def ideal_error(peer, edge, r):
    """The error of one step of the wave, by hand."""
    k = edge // 4  # half waves of four voxels
    a = -4 * r * math.sin(math.pi * k / (2 * edge)) ** 2
    factors = {
        "explicit_euler": 1 + a,
        "crank_nicolson": (1 + a / 2) / (1 - a / 2),
        "douglas_gunn": (1 + a / 2) / (1 - a / 2),  # the same along one axis
        "exact": math.exp(a),
    }
    highest = math.cos(math.pi * k / (2 * edge))  # of the wave, in the middle of a voxel
    return highest * abs(factors[peer.scheme] - math.exp(a))


@pytest.mark.parametrize("name", BY_NAME)
def test_errors_are_those_of_the_scheme(name):
    peer = BY_NAME[name]
    if util.find_spec(peer.package) is None:
        assert name not in ALWAYS
        pytest.skip(f"{peer.package} is not installed")
    found = measured("accuracy", settings_of(peer))
    assert found["version"]
    tight = 1e-13 if peer.off < 1e-9 else 1e-7
    assert found["from_scheme"] < tight
    assert found["step_error"] == pytest.approx(ideal_error(peer, EDGE, R), abs=tight)
    if peer.order is None:
        assert found["order"] is None and max(found["end_errors"]) < 1e-13
    else:
        assert found["order"] == pytest.approx(peer.order, abs=0.05)


@pytest.mark.parametrize("name", ALWAYS)
def test_timed_steps_are_right_too(name):
    peer = BY_NAME[name]
    found = measured("time", settings_of(peer))
    assert len(found["step_seconds"]) == 2 and min(found["step_seconds"]) > 0
    assert found["steps"] >= 1
    assert 0 < found["processors"] < 1.5
    assert found["bytes"] > 1e7
    assert found["step_error"] == pytest.approx(ideal_error(peer, EDGE, R), abs=1e-13)


def test_a_box_too_large_for_the_memory_is_told():
    found = measured("time", settings_of(BY_NAME["SciPy-DCT"], edge=1_000_000))
    assert found == {"failed": "not enough memory"}


def test_a_process_that_takes_too_long_is_told():
    assert limited.run(sys.executable, ["-c", "while True: pass"], 0.5, {}) == {
        "failed": "longer than 0.5 s"
    }


def test_a_process_that_fails_is_told_with_its_last_words():
    found = limited.run(sys.executable, ["-c", "raise ValueError('no such box')"], 60, {})
    assert found == {"failed": "status 1: ValueError: no such box"}


def test_processes_have_one_thread():
    source = "import os; print('{\"threads\": ' + os.environ['OMP_NUM_THREADS'] + '}')"
    assert limited.run(sys.executable, ["-c", source], 60, {}) == {"threads": 1}


# the table


def compared(monkeypatch, changed, **options):
    """The rows of a small comparison of ecsmpi and one solver, which is changed."""
    catalogue = (PEERS[0], changed)
    monkeypatch.setattr(beside_peers, "PEERS", catalogue)
    small = {"edges": (EDGE,), "rs": (R,), "rounds": 1, "repetitions": 2, "seconds": 0.01}
    comparison = beside_peers.Comparison(names=(changed.name,), **(small | options))
    (record,) = beside_peers.compare(comparison, say=lambda text: None)
    return record


def test_what_is_not_installed_is_told_with_its_cure(monkeypatch):
    missing = dataclasses.replace(
        BY_NAME["FiPy"], package="no_such_package", install="pip install it"
    )
    record = compared(monkeypatch, missing)
    ours, other = record["rows"]
    assert ours["right"] and ours["times_ours"] == 1
    assert other["note"] == "not installed: pip install it"
    assert other["nanoseconds"] is None and other["right"] is None
    assert "not installed: pip install it" in peers_report(record)


def test_a_step_of_another_scheme_is_told(monkeypatch):
    wrong = dataclasses.replace(BY_NAME["SciPy-ADI"], scheme="crank_nicolson")
    record = compared(monkeypatch, wrong)
    other = record["rows"][1]
    assert other["right"] is False and other["from_scheme"] > 1e-6
    assert "WRONG" in peers_report(record)


def test_an_unstable_step_is_not_made(monkeypatch):
    record = compared(monkeypatch, BY_NAME["Devito"], rs=(0.2,))
    assert record["rows"][1]["note"] == "not stable above r = 0.167"


def test_an_interpreter_that_lacks_a_solver_is_passed_over(monkeypatch):
    """The first one lacks it, the second one is there, the third one is not needed."""
    asked = []

    def run(interpreter, words, seconds, environment):
        asked.append(interpreter)
        return {"missing": ""} if interpreter == "one" else {"failed": interpreter}

    monkeypatch.setattr(limited, "run", run)
    monkeypatch.setattr(sys, "executable", "one")
    record = compared(monkeypatch, BY_NAME["PETSc"], interpreters=("two", "three"))
    assert asked == ["one", "two"] * 2
    assert record["rows"][1]["note"] == "two"


def test_command_prints_and_keeps_its_rows(tmp_path):
    words = ["--size", "40", "--r", "0.1", "0.02", "--rounds", "1", "--seconds", "0.02"]
    path = tmp_path / "records.jsonl"
    others = ["NEURON", "SciPy-ADI", "SciPy-DCT"]
    done = mpirun(
        None,
        ["ecsmpi", "bench", "peers", *words, "--peers", *others, "--json", path],
        cwd=tmp_path,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = read(path)
    assert [record["r"] for record in found] == [0.1, 0.02]
    for record in found:
        check_record(record, "peers", 1)
        assert [row["name"] for row in record["rows"]] == ["ecsmpi", *others]
        for row in record["rows"]:
            low, high = row["nanoseconds_range"]
            assert 0 < low <= row["nanoseconds"] <= high
            assert row["right"] and not row["note"]
            assert f"{row['nanoseconds']:.3g}" in done.stdout
    first, second = (record["rows"][0]["step_error"] for record in found)
    assert first / second == pytest.approx(125, rel=0.1)  # of order 3 in one step
