"""Range variables of one rank are columns of NEURON's memory.

What moves them does not go unnoticed.
"""

from support.programs import PROGRAMS, in_neuron

PROGRAM = PROGRAMS / "cells" / "range_variables.py"


def test_a_column_holds_what_segments_hold(tmp_path):
    in_neuron(tmp_path, PROGRAM, "reading")


def test_writing_to_a_column_sets_every_segment(tmp_path):
    in_neuron(tmp_path, PROGRAM, "writing")


def test_rank_without_segments_has_an_empty_column(tmp_path):
    in_neuron(tmp_path, PROGRAM, "no_segments")


def test_no_change_of_the_structure_goes_unnoticed(tmp_path):
    """After any change, the counts have moved at NEURON's next step, or no value has."""
    in_neuron(tmp_path, PROGRAM, "changes_of_structure")


def test_a_change_that_waits_is_seen_before_neuron_takes_it_in(tmp_path):
    in_neuron(tmp_path, PROGRAM, "waiting_change")


def test_missing_variable_names_segment_and_cure(tmp_path):
    in_neuron(tmp_path, PROGRAM, "missing_variable")
