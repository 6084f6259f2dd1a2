"""Ions of one rank: in every section; what else writes them or bypasses the box is refused."""

from ecsmpi.cells.ion_mechanism import refuse_other_writers, use_ion
from ecsmpi.cells.neuron_modes import refuse_unsupported_modes
from neuron import coreneuron

from support.segments import message_of, n, run_case


def every_section():
    a, b = n.Section(name="a"), n.Section(name="b")
    a.insert("hh")
    for _ in range(2):
        use_ion("k", 1)
        assert all(sec.has_membrane("k_ion") for sec in n.allsec())
        c = n.Section(name="c")
    use_ion("k", 1)
    assert c.has_membrane("k_ion")


def initialisation():
    cell = n.Section(name="cell")
    cell.insert("hh")
    use_ion("k", 1)
    cell(0.5).ki, cell(0.5).ko = 140, 7
    n.finitialize(-65)
    assert (cell(0.5).ki, cell(0.5).ko) == (n.ki0_k_ion, n.ko0_k_ion) == (54.4, 2.5)
    nernst = n.nernst(54.4, 2.5, 1)
    assert abs(cell(0.5).ek - nernst) < 1e-9, (cell(0.5).ek, nernst)
    cell(0.5).ko = 14
    n.fadvance()
    assert abs(cell(0.5).ek - n.nernst(54.4, 14, 1)) < 1e-9


def wrong_ion():
    assert message_of(ValueError, use_ion, "k", 2) == (
        "charge of k is 1 in NEURON, got 2: give the same charge"
    )
    use_ion("cl", -1)
    use_ion("cl", -1)
    assert "charge of cl is -1" in message_of(ValueError, use_ion, "cl", 1)
    assert "'k+'" in message_of(ValueError, use_ion, "k+", 1)
    n("fooi = 1")
    assert "fooi" in message_of(ValueError, use_ion, "foo", 1)


def other_writers():
    a, b = n.Section(name="a"), n.Section(name="b")
    a.insert("hh")
    refuse_other_writers("k")
    b.insert("clears_k")
    said = message_of(ValueError, refuse_other_writers, "k")
    assert "clears_k in b writes ko" in said and "remove clears_k" in said, said
    refuse_other_writers("na")
    b.uninsert("clears_k")
    refuse_other_writers("k")
    clamp = n.clamps_k(a(0.5))
    assert "clamps_k in a writes ko" in message_of(ValueError, refuse_other_writers, "k")
    del clamp
    refuse_other_writers("k")


def modes():
    cell = n.Section(name="cell")
    pc = n.ParallelContext()
    refuse_unsupported_modes()
    pc.nthread(2)
    assert "pc.nthread(1)" in message_of(RuntimeError, refuse_unsupported_modes)
    pc.nthread(1)
    n.CVode().active(True)
    assert "n.cvode.active(False)" in message_of(RuntimeError, refuse_unsupported_modes)
    n.CVode().active(False)
    coreneuron.enable = True
    assert "coreneuron.enable = False" in message_of(RuntimeError, refuse_unsupported_modes)
    coreneuron.enable = False
    refuse_unsupported_modes()


if __name__ == "__main__":
    run_case(globals())
