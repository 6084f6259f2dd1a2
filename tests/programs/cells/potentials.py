"""Reversal potentials of a cell with three species: `potentials.py OUTPUT BACKEND CASE`."""

from ecsmpi.neuron_api import before_currents
import numpy as np

from support.model import box, cells, message_of, n, pc, run_case, rxd, steps, uneven

made, ecs = cells([0], on=0), box()
sec = made.get(0)
species = [
    rxd.Species(ecs, d=2, name=name, charge=charge, initial=uneven)
    for name, charge in (("k", 1), ("ca", 2), ("cl", -1))
]
n.finitialize(-65)


def potentials(name):
    return np.array([getattr(seg, f"e{name}") for seg in sec])


def neurons(name, charge):
    return np.array(
        [n.nernst(getattr(seg, f"{name}i"), getattr(seg, f"{name}o"), charge) for seg in sec]
    )


def check():
    n.fcurrent()
    for name, charge in (("k", 1), ("ca", 2), ("cl", -1)) if sec else ():
        error = np.abs(potentials(name) - neurons(name, charge)).max()
        assert error < 1e-12, (name, error)


def follow_the_script():
    check()
    steps(5)
    check()
    if sec:
        sec(0.5).ki, sec(0.5).ko, sec(0.1).cai = 20, 9, 1e-5
    n.celsius = 31
    check()
    if sec:
        sec(0.5).ki, sec(0.1).cao = 0, 0
    check()
    if sec:
        assert (sec(0.5).ek, sec(0.1).eca) == (1e6, -1e6)
        sec(0.5).ki, sec(0.1).cao = 54, 2
    steps(5)
    check()
    n.finitialize(-65)
    check()


def ion_styles():
    assert n.ion_style("k_ion", sec=sec) == 55
    n.ion_style("k_ion", 3, 2, 1, 1, 1, sec=sec)
    check()
    for name in "k", "ca", "cl":
        n.ion_style(f"{name}_ion", 3, 2, 1, 0, 1, sec=sec)
    sec(0.5).ki = 20
    check()
    assert abs(potentials("k")[1] - potentials("k")[0]) > 1


def new_sections():
    steps(3)
    new = n.Section(name="new")
    new.insert("hh")
    new.ek = -71.5
    sec(0.5).ki = 20
    check()
    assert new.ek == -71.5 and n.ion_style("k_ion", sec=sec) == 119
    del new
    steps(1)
    assert n.ion_style("k_ion", sec=sec) == 55
    check()


def dropped_species():
    steps(3)
    species.clear()
    n.finitialize(-65)
    assert n.ion_style("k_ion", sec=sec) == 119
    check()
    sec(0.5).ko = 11
    check()


def new_mechanisms():
    """NEURON's records of mechanisms move when there are more mechanisms."""
    steps(3)
    for number in range(40):
        n.ion_register(f"x{number}", 1)
    sec(0.5).ki = 20
    check()
    steps(1)
    n.finitialize(-65)
    steps(3)
    assert n.ion_style("k_ion", sec=sec) == 55
    check()


def unexpected_records():
    """Potentials are NEURON's own where its records of mechanisms are not as expected."""
    expected = before_currents.FUNCTIONS["hh"]
    before_currents.FUNCTIONS["hh"] = (True, False, True, True)
    n.finitialize(-65)
    assert n.ion_style("k_ion", sec=sec) == 119
    steps(3)
    check()
    before_currents.FUNCTIONS["hh"] = expected
    n.finitialize(-65)
    assert n.ion_style("k_ion", sec=sec) == 55
    steps(3)
    check()


def foreign_function():
    """A current function that somebody else has given the capacitance stays there."""
    n.finitialize(-65)
    word = before_currents._records()[before_currents.CAPACITANCE]
    own = word[before_currents.CURRENT]
    assert own
    word[before_currents.CURRENT] = 12345
    assert not before_currents.BeforeCurrents(check).is_possible()
    word[before_currents.CURRENT] = own
    check()


def threads():
    pc.nthread(2)
    for call in n.fcurrent, n.fadvance, n.fcurrent:
        message_of(RuntimeError, call)
    pc.nthread(1)
    n.finitialize(-65)
    steps(2)
    check()


if __name__ == "__main__":
    run_case(globals())
