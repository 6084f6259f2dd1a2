"""Species and regions: which combine, and their life."""

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS, Together, as_neuron, holds

PROGRAM = Together(
    PROGRAMS / "rxd" / "species.py",
    {
        3: "species_and_regions dropped changed_d",
        None: "species_and_regions dropped changed_between_runs",
    },
)


def test_species_and_regions_combine_as_in_neuron(on_ranks):
    expected = as_neuron(on_ranks, PROGRAM, "species_and_regions", ranks=(None, 3))
    assert np.array_equal(expected["unnamed"], expected["tracer 0"])  # neither takes currents
    for grid in ("k 0", "k 1", "na 1"):
        assert np.ptp(expected[grid]) > 1e-3


def test_species_that_is_dropped_is_gone(on_ranks):
    as_neuron(on_ranks, PROGRAM, "dropped", ranks=(None, 3))


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_without_species_neuron_runs_alone(ranks, on_ranks):
    holds(on_ranks, ranks, PROGRAM, "no_species")


@pytest.mark.parametrize("ranks", [None, long(3)])
def test_name_charge_and_regions_change_between_runs(ranks, on_ranks):
    holds(on_ranks, ranks, PROGRAM, "changed_between_runs")


def test_d_changed_before_and_during_a_run_is_as_in_a_species_made_so(on_ranks):
    holds(on_ranks, 3, PROGRAM, "changed_d")
