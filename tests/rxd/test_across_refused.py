"""Reactions across the membrane that cannot be, or not yet, are refused; the message names species,
segment or cure.
"""

from support.across_scripts import CELLS, POTASSIUM, QUIET, model
from support.rxd_scripts import holds


def test_segment_outside_the_box_is_named(on_ranks):
    holds(
        on_ranks,
        None,
        model(
            CELLS.replace("apart=9", "apart=500"),
            POTASSIUM,
            """
pump = across(ki, ko, 1)
said = message_of(ValueError, lambda: n.finitialize(-65))
assert "cell1(0.166667)" in said and "outside its box" in said, said
""",
        ),
    )


def test_rate_that_is_no_number_names_the_segment(on_ranks):
    holds(
        on_ranks,
        None,
        model(
            QUIET,
            CELLS,
            POTASSIUM,
            """
pump = across(ki, ko, rxd.rxdmath.log(100 - ki), mass_action=False)
n.finitialize(-65)
try:
    n.fadvance()
except Exception:
    pass
else:
    raise AssertionError("the logarithm of a negative number went unseen")
from ecsmpi.rxd.session import simulation
said = message_of(ArithmeticError, lambda: simulation.membrane_reactions.now.advance(n.dt))
assert "MultiCompartmentReaction(" in said and "rate is nan at cell0(0.166667), where" in said and "k in cyt = 140" in said, said
""",
        ),
    )


def test_new_reaction_waits_for_an_initialisation(on_ranks):
    holds(
        on_ranks,
        None,
        model(
            QUIET,
            CELLS,
            POTASSIUM,
            """
n.finitialize(-65)
steps(2)
pump = across(ki, ko, 5e4, mass_action=False)
try:
    n.fadvance()
except Exception:
    pass
else:
    raise AssertionError("the reaction runs, and NEURON's with it")
""",
        ),
    )


def test_species_in_two_boxes_must_say_which(on_ranks):
    holds(
        on_ranks,
        None,
        model(
            CELLS,
            POTASSIUM,
            """
both = rxd.Species([ecs, box()], initial=1)
said = message_of(rxd.RxDException, lambda: across(ki, ko, both * ki, mass_action=False))
assert "say which region" in said, said
said = message_of(rxd.RxDException, lambda: rxd.MultiCompartmentReaction(ki, ko, 1))
assert "needs membrane=" in said, said
""",
        ),
    )
