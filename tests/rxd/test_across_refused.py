"""Reactions across the membrane that cannot be, or not yet, are refused.

The message names species, segment or cure.
"""

from support.programs import PROGRAMS, Together, holds

PROGRAM = Together(
    PROGRAMS / "rxd" / "across_refused.py",
    {
        None: "segment_outside rate_is_nan new_reaction species_in_two_boxes",
    },
)


def test_segment_outside_the_box_is_named(on_ranks):
    holds(on_ranks, None, PROGRAM, "segment_outside")


def test_rate_of_nan_names_the_segment(on_ranks):
    holds(on_ranks, None, PROGRAM, "rate_is_nan")


def test_new_reaction_waits_for_an_initialisation(on_ranks):
    holds(on_ranks, None, PROGRAM, "new_reaction")


def test_species_in_two_boxes_must_say_which(on_ranks):
    holds(on_ranks, None, PROGRAM, "species_in_two_boxes")
