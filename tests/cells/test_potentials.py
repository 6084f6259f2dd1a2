"""Reversal potentials are NEURON's to round-off, whenever a script looks.

They are NEURON's own where it would compute none.
"""

from ecsmpi.cells.nernst import nernst
import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS, as_neuron, holds

PROGRAM = PROGRAMS / "cells" / "potentials.py"

WITHOUT_PLACE = PROGRAMS / "cells" / "potentials_of_neuron.py"

SEGMENTS = 1003  # so that the last few are in no whole register


# ---------------------------------------------------------------- the equation


@pytest.mark.parametrize("width", [300, 9, 1, 0.3, 1e-3, 1e-9])
def test_the_logarithm_of_a_ratio_is_right_to_its_last_bits(width):
    random = np.random.default_rng(3)
    inside = np.exp(random.uniform(-300, 300, SEGMENTS))
    outside = inside * np.exp(random.uniform(-width, width, SEGMENTS))
    found = np.empty(SEGMENTS)
    nernst(found, inside, outside, 1.0)
    ratio = outside.astype(np.longdouble) / inside
    true = (
        np.log(ratio)
        if width > 1
        else np.log1p((outside.astype(np.longdouble) - inside) / inside)
    )
    spacing = np.spacing(np.maximum(np.abs(true.astype(float)), 1e-3 * width))
    assert (np.abs(found - true) / spacing).max() < 3


def test_no_concentration_on_a_side_is_what_neuron_makes_of_it():
    inside = np.array([0.0, -1.0, 2.0, 2.0, 0.0, np.nan, 2.0, 2.0, 5e-324, 2.0])
    outside = np.array([3.0, 3.0, 0.0, -1.0, 0.0, 3.0, np.inf, np.nan, 3.0, 3.0])
    found = np.empty(inside.size)
    nernst(found, inside, outside, 10.0)
    expected = [
        1e6,
        1e6,
        -1e6,
        -1e6,
        1e6,
        np.nan,
        np.inf,
        np.nan,
        10 * np.log(3 / 5e-324),
        10 * np.log(1.5),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_bits_do_not_depend_on_the_segments_beside():
    random = np.random.default_rng(4)
    inside, outside = random.uniform(1, 100, (2, SEGMENTS))
    whole, odd = np.empty((2, SEGMENTS))
    nernst(whole, inside, outside, 25.7)
    for i in range(0, SEGMENTS, 7):
        one = np.empty(1)
        nernst(one, inside[i : i + 1], outside[i : i + 1], 25.7)
        assert one[0] == whole[i]
    inside[5] = 0.0
    nernst(odd, inside, outside, 25.7)
    assert np.array_equal(np.delete(odd, 5), np.delete(whole, 5))


# ---------------------------------------------------------------- in NEURON


@pytest.mark.parametrize("ranks", [long(None), 2])
def test_potentials_follow_whatever_a_script_does(on_ranks, ranks):
    holds(on_ranks, ranks, PROGRAM, "follow_the_script")


def test_neuron_need_not_compute_them_again(on_ranks):
    holds(on_ranks, None, PROGRAM, "ion_styles")


def test_sections_made_since_keep_the_constants_that_neuron_gives_them(on_ranks):
    holds(on_ranks, None, PROGRAM, "new_sections")


def test_ions_of_dropped_species_are_neurons_again(on_ranks):
    holds(on_ranks, None, PROGRAM, "dropped_species")


def test_mechanisms_loaded_since_change_nothing(on_ranks):
    holds(on_ranks, None, PROGRAM, "new_mechanisms")


def test_records_of_mechanisms_that_are_not_as_expected_are_left_alone(on_ranks):
    holds(on_ranks, None, PROGRAM, "unexpected_records")


def test_a_function_of_somebody_else_is_left_alone(on_ranks):
    holds(on_ranks, None, PROGRAM, "foreign_function")


def test_threads_are_refused_before_they_call_python(on_ranks):
    holds(on_ranks, None, PROGRAM, "threads")


def test_a_neuron_without_a_place_for_the_function_computes_them_itself(on_ranks):
    as_neuron(on_ranks, WITHOUT_PLACE, ranks=(None, 2))
