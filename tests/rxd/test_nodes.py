"""Nodes: found, read, set, recorded."""

import numpy as np
import pytest

from support.long_form import long
from support.programs import PROGRAMS, Together, as_neuron, holds

PROGRAM = Together(
    PROGRAMS / "rxd" / "nodes.py",
    {
        None: "found lists lists_set_values lists_of_generators",
    },
)

RECORDED_NODES = PROGRAMS / "rxd" / "recorded_nodes.py"


def test_node_is_found_by_location_and_by_index(on_ranks):
    holds(on_ranks, None, PROGRAM, "found")


@pytest.mark.parametrize("ranks", [long(None), 3])
def test_value_of_a_node_is_one_value_on_all_ranks(ranks, on_ranks):
    holds(on_ranks, ranks, PROGRAM, "values")


def test_recorded_nodes_have_neurons_trace_on_every_rank(on_ranks):
    expected = as_neuron(on_ranks, RECORDED_NODES, "traces", ranks=(None, 3))
    assert expected["records"].shape == (6, 61)
    assert expected["alone"].shape == (61,)
    assert np.ptp(expected["records"][:5], axis=1).min() > 1e-6


def test_rank_that_only_records_adds_no_membrane(on_ranks):
    as_neuron(on_ranks, RECORDED_NODES, "rank_that_only_records")


def test_concentration_of_a_node_can_be_recorded_by_that_name(on_ranks):
    as_neuron(
        on_ranks,
        """
        made, ecs = cells(), box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven)
        record = n.Vector().record(k[ecs].node_by_location(0, 4, 14)._ref_concentration)
        n.finitialize(-65)
        steps(5)
        save(record=np.array(record))
    """,
    )


# ---------------------------------------------------------------- lists


@pytest.mark.parametrize("ranks", [None, long(3)])
def test_list_of_nodes_is_the_list_of_its_nodes(ranks, on_ranks):
    holds(on_ranks, ranks, PROGRAM, "lists")


@pytest.mark.parametrize("ranks", [None, long(3)])
def test_list_sets_its_nodes_and_no_others(ranks, on_ranks):
    holds(on_ranks, ranks, PROGRAM, "lists_set_values")


def test_lists_are_made_of_generators_of_nodes_on_either_side_of_the_membrane(on_ranks):
    holds(on_ranks, None, PROGRAM, "lists_of_generators")
