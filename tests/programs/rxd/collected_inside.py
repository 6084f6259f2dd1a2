"""A collection falls due inside a step, where NEURON's data are frozen.

A dropped cell waits for it; the process lives.

Whatever calls Python in a step: potentials of ions, a flux's function, an observer, reactions of
two boxes, recorded values.
"""

import gc

from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")


class Cell:
    """Holds itself."""

    def __init__(self):
        self.soma = n.Section("soma", self)
        self.soma.insert("hh")
        self.me = self


class Observer:
    """Makes garbage of its own in each step."""

    def started(self, simulation, t):
        pass

    def stepped(self, simulation, t):
        for _ in range(100):
            mine = []
            mine.append(mine)

    def ended(self):
        pass


def made(count):
    """A number, and garbage."""
    for _ in range(count):
        mine = []
        mine.append(mine)
    return 1e4


ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
k = rxd.Species(ecs, name="k", d=2, charge=1, initial=3)
rate = rxd.Rate(k, -0.001 * k)
k[ecs].node_by_location(0, 0, 0).include_flux(lambda: made(100))
rxd.add_observer(Observer())
cell = Cell()
n.finitialize(-65)
n.fadvance()
cell = None
gc.collect()
gc.disable()
cell = Cell()
trace = n.Vector().record(k[ecs].node_by_location(0, 0, 0)._ref_value)
n.finitialize(-65)
other = Cell()
n.finitialize(-65)
gc.enable()
gc.set_threshold(20)
other = Cell()  # the one before is garbage now, which a step of ours would collect
collected = []
gc.callbacks.append(lambda phase, info: collected.append(n.t))
before = len(list(n.allsec()))
n.finitialize(-65)
assert before in (2, 3) and len(list(n.allsec())) == 2, "finitialize collects"
del collected[:]
n.continuerun(2)
assert not collected, "a step has collected"
assert gc.isenabled() and gc.get_threshold()[0] == 20
made(100)
assert collected
gc.disable()
n.finitialize(-65)
n.continuerun(1)
assert not gc.isenabled(), "the script's choice"
