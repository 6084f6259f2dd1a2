"""Fluxes into nodes: each is counted once, wherever it is known.

tests/models/nodes.py compares them with NEURON.
"""

import pytest

from support.long_form import long
from support.programs import PROGRAMS, holds

FLUXES = PROGRAMS / "rxd" / "fluxes.py"
WITH_SPECIES = PROGRAMS / "rxd" / "fluxes_and_species.py"


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_flux_is_counted_once_however_many_ranks_know_it(ranks, on_ranks):
    holds(on_ranks, ranks, FLUXES, "counted_once")


def test_flux_may_begin_during_a_run(on_ranks):
    holds(on_ranks, 3, FLUXES, "begins_during_a_run")


def test_fluxes_go_with_their_species_alone(on_ranks):
    # NEURON cannot initialise again after a species with fluxes is deleted.
    holds(on_ranks, 2, WITH_SPECIES, "species_that_goes")


def test_long_steps_of_the_grid_take_in_fluxes_whole(on_ranks):
    holds(on_ranks, 2, WITH_SPECIES, "fluxes_in_long_steps")
