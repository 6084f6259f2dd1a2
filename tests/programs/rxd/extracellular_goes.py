"""A rank's last cell with NEURON's mechanism `extracellular` goes, the run goes on, one comes."""

from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
pc.set_maxstep(10)  # before n.finitialize, for psolve
solver = n.CVode()
here = pc.id() == 0


def cell():
    if not here:
        return None
    section = n.Section("s")
    section.pt3dadd(-40, -30, 5, 8)
    section.pt3dadd(-40, 30, 5, 8)
    section.insert("hh")
    section.insert("extracellular")
    return section


def steps(count):
    for _ in range(count):
        n.fadvance()


def voltage(section):
    """After n.finitialize and some steps, by NEURON's sparse matrix where there is a cell."""
    n.finitialize(-65)
    assert bool(solver.use_mxb()) == (section is not None)
    steps(4)
    return section.v if section else None


def without_a_new_beginning():
    """Without a species NEURON takes in by itself that the cell has gone."""
    section = cell()
    before = voltage(section)
    del section
    steps(4)
    assert voltage(cell()) == before


def asked_for_by_the_script():
    """On every rank, also where there is no cell."""
    solver.use_mxb(True)
    assert voltage(None) is None


def in_a_box():
    ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
    k = rxd.Species(ecs, name="k", d=2, charge=1, initial=3)
    section = cell()
    before = voltage(section)
    assert (k[ecs].states3d.sum() != 3000) or not here
    del section
    voltage(None)
    pc.psolve(n.t + 4 * n.dt)
    assert abs(k[ecs].states3d.sum() - 3000) < 1e-8
    assert voltage(cell()) == before


without_a_new_beginning()
asked_for_by_the_script()
in_a_box()
