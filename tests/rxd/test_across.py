"""What leaves a cell enters its voxel, once; its current enters the cell, once."""

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS, Together, as_neuron, holds

PROGRAM = Together(
    PROGRAMS / "rxd" / "across.py",
    {
        3: "closed_box state_is_the_volume both_sides reactions_inside_cells",
        None: "charge_of_a_membrane jacobian ends_with_its_name two_regions_at_one_segment",
    },
)

AMOUNTS = """
def amount():
    # mM um3 inside and outside, on every rank
    mine = [node.value * node.volume for node in inside.nodes]
    return sum(map(sum, pc.py_allgather(mine))), ko.states3d.sum() * 7 * 8 * 9 * 0.2
"""


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_closed_box_and_cells_keep_their_ions(on_ranks, ranks):
    holds(on_ranks, ranks, PROGRAM, "closed_box")


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_ions_stay_where_tissue_keeps_them_though_a_state_is_its_volume(on_ranks, ranks):
    """As much comes to the box as leaves the cells.

    set_volume_fraction keeps the ions of each voxel.
    """
    holds(on_ranks, ranks, PROGRAM, "state_is_the_volume")


@pytest.mark.parametrize("ranks", [None, long(4)])
def test_what_leaves_a_cell_charges_its_membrane_once(on_ranks, ranks):
    holds(on_ranks, ranks, PROGRAM, "charge_of_a_membrane")


def test_jacobian_is_that_of_all_species(on_ranks):
    """One implicit step of k and na in one voxel is the one linearised by hand.

    NEURON differences the second species wrongly.
    """
    holds(on_ranks, None, PROGRAM, "jacobian")


def test_reproducible_reactions_have_the_same_bits_at_any_number_of_ranks(on_ranks):
    expected, found = (
        on_ranks(ranks, PROGRAM.path, "ecsmpi", "reproducible_reactions") for ranks in (None, 3)
    )
    assert all((expected[name] == found[name]).all() for name in expected)
    assert np.ptp(expected["grid"]) > 0.1


def test_current_of_an_ion_is_that_of_both_regions_at_a_segment(on_ranks):
    found = as_neuron(on_ranks, PROGRAM, "two_regions_at_one_segment", ranks=(None,))
    current, *_ = found["segments"]
    assert np.all(current > 1)


def test_ranks_may_have_reactions_with_other_species_in_one_box(on_ranks):
    """A State is the volume fraction, so that a change of a copy counts as it is."""
    expected, found = (
        on_ranks(ranks, PROGRAM.path, "ecsmpi", "reactions_of_some_ranks")["grid"]
        for ranks in (None, 2)
    )
    assert np.ptp(expected[0]) > 0.1
    assert np.abs(found - expected).max() < 1e-11 * np.abs(expected).max()


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_reaction_of_species_on_both_sides_acts_on_both(on_ranks, ranks):
    holds(on_ranks, ranks, PROGRAM, "both_sides")


@pytest.mark.parametrize("ranks", [None, long(2)])
def test_reaction_ends_with_its_name(on_ranks, ranks):
    holds(on_ranks, ranks, PROGRAM, "ends_with_its_name")


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_rates_and_reactions_inside_cells_read_their_voxels(on_ranks, ranks):
    """Linear in what they change, so that a step is known: c / (1 + dt rate)."""
    holds(on_ranks, ranks, PROGRAM, "reactions_inside_cells")


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_neurons_reactions_run_with_those_at_the_membrane_and_go_back_to_neuron(
    on_ranks, ranks
):
    """A gate of NEURON's that the reaction reads is solved with it, as one system.

    It advances once in each step, whoever runs it.
    """
    holds(on_ranks, ranks, PROGRAM, "neurons_own_reactions")
