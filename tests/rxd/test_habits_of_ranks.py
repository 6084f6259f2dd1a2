"""Habits of scripts on some ranks: what they set is nowhere lost, late or another one's."""

from functools import cache

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import mpirun

SET = PROGRAMS / "rxd" / "set_by_ranks.py"
LATE = PROGRAMS / "rxd" / "pointers_late.py"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What a program finds on one rank."""

    @cache
    def found_by(program):
        path = tmp_path_factory.mktemp("alone") / "found.npz"
        done = mpirun(None, ["python", program, path])
        assert done.returncode == 0, done.stderr
        with np.load(path) as found:
            return dict(found)

    return found_by


@pytest.mark.parametrize("ranks", [long(2), 3])
def test_what_ranks_set_is_what_one_rank_sets(ranks, alone, on_ranks):
    found, expected = on_ranks(ranks, SET), alone(SET)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        factor = ranks if name == "by the rank" else 1
        np.testing.assert_allclose(found[name], factor * value, rtol=1e-12, err_msg=name)


def test_values_on_one_rank_are_those_that_the_script_says(alone):
    found = alone(SET)
    np.testing.assert_allclose(
        found["initial of initial"][:, 0, 0], 2 * (3 + np.arange(5, 60, 10) / 100)
    )
    decayed = 1 / (1 + 0.1 * 0.025)  # in a step
    np.testing.assert_allclose(
        found["new, set by one"][[0, 0, 5], [0, 1, 0], 0], np.array([40, 1, 50]) * decayed
    )
    np.testing.assert_allclose(found["and a step later"][5], 50 * decayed**2)
    np.testing.assert_allclose(
        found["new, set by all"][[4, 5], 0, 0], np.array([20, 30]) * decayed**2
    )
    x = np.arange(5, 60, 10)
    np.testing.assert_allclose(found["functions of True"][:, 2, 0], 20 + x)
    np.testing.assert_allclose(found["functions of True"][:, 0, 2], 10)
    np.testing.assert_allclose(found["a function of arrays"][:, 0, 0], 7 + x)


def test_pointers_taken_in_mid_run_and_children_that_read(alone, on_ranks):
    [found], [expected] = on_ranks(2, LATE).values(), alone(LATE).values()
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert expected[1] == 3  # the child's status
    assert len(set(expected)) == 5  # the values are new in each step


def test_error_of_a_copy_says_what_to_set():
    done = mpirun(2, ["python", PROGRAMS / "rxd" / "writes_to_copy.py"])
    assert done.returncode != 0
    assert (
        "read-only copies: set species[ecs].concentration, nodes.value or node.value"
        in done.stderr
    )
