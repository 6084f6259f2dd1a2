"""What scripts read and set: states3d, concentration, initial concentrations."""

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS, Together, as_neuron, holds

PROGRAM = Together(
    PROGRAMS / "rxd" / "concentrations.py",
    {
        3: "gather_of_ranks set_in_all_ways initial walls_at_0 inside",
        None: "view_of_one_rank initial default_initial",
    },
)


def test_states3d_of_one_rank_is_a_live_writable_view(on_ranks):
    holds(on_ranks, None, PROGRAM, "view_of_one_rank")


def test_states3d_of_several_ranks_is_one_read_only_gather(on_ranks):
    holds(on_ranks, 3, PROGRAM, "gather_of_ranks")


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_concentration_is_set_by_number_array_or_function(ranks, on_ranks):
    holds(on_ranks, ranks, PROGRAM, "set_in_all_ways")


def test_initial_concentrations_are_neurons(on_ranks):
    as_neuron(on_ranks, PROGRAM, "initial", ranks=(None, 3))


@pytest.mark.parametrize("ranks", [None, long(3)])
def test_default_initial_concentration_is_that_of_the_ion_at_every_start(ranks, on_ranks):
    # NEURON's box would begin with what the segments had before: the end of the last run, or an
    # older ko0.
    holds(on_ranks, ranks, PROGRAM, "default_initial")


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_membrane_reactions_see_a_profile_in_the_step_after_it_is_set(ranks, on_ranks):
    """An array, a vectorised function and a file of the same numbers act alike.

    They do so from the same step on.
    """
    holds(on_ranks, ranks, PROGRAM, "profiles_across_the_membrane")


def test_walls_held_at_0_are_0_from_the_start(on_ranks):
    holds(on_ranks, 3, PROGRAM, "walls_at_0")


def test_inside_concentrations_are_reset_as_neuron_resets_them(on_ranks):
    expected = as_neuron(on_ranks, PROGRAM, "inside")
    assert (expected["start 0"][:, 0] == 60).all()
    assert (expected["start 1"][:, 0] == 70).all()
    assert (
        np.abs(expected["end 0"][:, 3] - expected["start 0"][:, 3]).min() > 1e-3
    )  # ek follows ko
