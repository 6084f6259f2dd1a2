"""Reactions across the membrane have NEURON's own answer, live.

In even and uneven tissue, with species on both sides and in cells of their own reactions.
"""

import numpy as np
import pytest

from support.programs import PROGRAMS, as_neuron

PROGRAM = PROGRAMS / "against_neuron" / "across.py"
OWN_REACTIONS = PROGRAMS / "against_neuron" / "own_reactions.py"


def test_reaction_agrees_with_neuron(on_ranks):
    saved = as_neuron(on_ranks, PROGRAM, "pump_leak_and_trickle", tolerance=1e-9)
    assert abs(saved["grid"] - 5).max() > 0.1


@pytest.mark.long  # in every run: moving_across.py of test_against_neuron
def test_reaction_in_uneven_tissue_agrees_with_neuron(on_ranks):
    as_neuron(on_ranks, PROGRAM, "uneven_tissue", tolerance=1e-9)


def test_reaction_of_two_extracellular_species_at_the_membrane_agrees_with_neuron(on_ranks):
    as_neuron(on_ranks, PROGRAM, "two_species_outside")


@pytest.mark.long  # in every run: a model of test_against_neuron
def test_species_on_both_sides_agrees_with_neuron(on_ranks):
    as_neuron(on_ranks, PROGRAM, "species_on_both_sides", tolerance=1e-9)


def test_cells_with_regions_and_reactions_of_their_own_agree_with_neuron(on_ranks, request):
    """NEURON takes difference quotients of these rates, which are not linear: 1e-8."""
    all_ranks = (2, 4) if request.config.getoption("--long") else (2,)
    as_neuron(on_ranks, OWN_REACTIONS, ranks=all_ranks, tolerance=1e-8)


@pytest.mark.long  # in every run: those of test_reproducible
def test_bits_of_such_cells_do_not_depend_on_which_are_together(on_ranks):
    one = on_ranks(None, OWN_REACTIONS, "ecsmpi", "stiff")
    other = on_ranks(3, OWN_REACTIONS, "ecsmpi", "stiff")
    assert all(np.array_equal(one[name], other[name]) for name in one)
