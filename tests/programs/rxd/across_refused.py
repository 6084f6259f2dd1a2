"""Reactions across the membrane that are refused; the message names species, segment or cure."""

from ecsmpi.rxd.session import simulation

from support.model import box, cells, message_of, n, run_case, rxd, steps
from support.transmembrane import quiet_cells, two_species


def segment_outside():
    m = two_species(cells(apart=500))
    pump = m.across(m.ki, m.ko, 1)
    said = message_of(ValueError, n.finitialize, -65)
    assert "cell1(0.166667)" in said and "outside its box" in said, said


def rate_is_nan():
    m = two_species(quiet_cells(apart=9))
    pump = m.across(m.ki, m.ko, rxd.rxdmath.log(100 - m.ki + rxd.v), mass_action=False)
    n.finitialize(-65)
    try:
        n.fadvance()
    except Exception:
        pass
    else:
        raise AssertionError("the logarithm of a negative number went unseen")
    said = message_of(ArithmeticError, lambda: simulation.membrane_reactions.now.advance(n.dt))
    assert "MultiCompartmentReaction(" in said, said
    assert "rate is nan at cell0(0.166667), where" in said, said
    area = f"area of membrane = {m.parts[0](0.1).area():g} um2"
    for words in ("k in cyt = 140 mM", "v = -65 mV", area, "a molecule of k in cyt = "):
        assert words in said, (words, said)


def new_reaction():
    m = two_species(quiet_cells(apart=9))
    n.finitialize(-65)
    steps(2)
    pump = m.across(m.ki, m.ko, 5e4, mass_action=False)
    try:
        n.fadvance()
    except Exception:
        pass
    else:
        raise AssertionError("the reaction runs, and NEURON's with it")


def species_in_two_boxes():
    m = two_species()
    both = rxd.Species([m.ecs, box()], initial=1)
    said = message_of(
        rxd.RxDException, lambda: m.across(m.ki, m.ko, both * m.ki, mass_action=False)
    )
    assert "say which region" in said, said
    said = message_of(rxd.RxDException, lambda: rxd.MultiCompartmentReaction(m.ki, m.ko, 1))
    assert "needs membrane=" in said, said


if __name__ == "__main__":
    run_case(globals())
