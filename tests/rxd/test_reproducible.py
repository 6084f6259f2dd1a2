"""rxd.options.reproducible: the same bits at any number of ranks and threads."""

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS

PROGRAM = PROGRAMS / "rxd" / "reproducible.py"


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one rank computes, once."""
    return {}


def run(on_ranks, ranks, mode="reproducible", threads=1):
    return on_ranks(ranks, PROGRAM, mode, threads, env={"NUMBA_NUM_THREADS": str(threads)})


@pytest.mark.parametrize("ranks, threads", [long(2, 1), long(3, 1), (4, 2), long(7, 1)])
def test_bits_do_not_depend_on_ranks_or_threads(ranks, threads, on_ranks, alone):
    if not alone:
        alone.update(run(on_ranks, 1))
    found = run(on_ranks, ranks, threads=threads)
    for name, expected in alone.items():
        differing = np.count_nonzero(found[name] != expected)
        assert differing == 0, (
            f"{differing} of {expected.size} values of {name} differ on {ranks} ranks"
        )


def test_reproducible_results_are_the_others_to_round_off(on_ranks, alone):
    if not alone:
        alone.update(run(on_ranks, 1))
    for name, usual in run(on_ranks, 1, "usual").items():
        assert np.abs(alone[name] - usual).max() <= 1e-12 * np.abs(usual).max(), name
        assert np.any(alone[name] != usual) or name == "cells", (
            f"{name}: the option does nothing"
        )


def test_option_comes_before_concentrations(on_ranks):
    found = on_ranks(None, PROGRAMS / "rxd" / "reproducible_option.py")
    assert "must be set before any concentration is used" in str(found["said"])
