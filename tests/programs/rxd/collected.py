"""Python collects in mid-run, on the last rank alone, what only a cycle holds.

The run goes on to the same numbers.

A species in a box of its own, one beside potassium, a rate and a reaction of these, and one at a
membrane.
"""

import gc

from ecsmpi import rxd
from neuron import n
import numpy as np

n.load_file("stdrun.hoc")
gc.disable()
context = n.ParallelContext()
rank, ranks = int(context.id()), int(context.nhost())
cell = n.Section("cell")
cell.pt3dadd(-30 + 20 * rank, -20, 0, 8)
cell.pt3dadd(-30 + 20 * rank, 20, 0, 8)
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 3 + node.x3d / 100)
cytosol = rxd.Region([cell], name="cytosol", nrn_region="i")
membrane = rxd.Region([cell], name="membrane", geometry=rxd.membrane())
inside = rxd.Species([cytosol], name="k", charge=1, initial=100)


class Cycle:
    """Holds itself, and more."""

    def __init__(self):
        self.me = self
        elsewhere = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=20)
        self.far = rxd.Species(elsewhere, d=1, name="ca", charge=2, initial=2)
        self.buffer = rxd.Species(ecs, d=0.1, initial=1)
        self.rates = (
            rxd.Rate(self.buffer, -0.1 * self.buffer),
            rxd.Reaction(k + self.buffer, 2 * self.buffer, 0.05, 0.01),
        )
        self.pump = rxd.MultiCompartmentReaction(
            inside[cytosol], k[ecs], 1e4, 1e4, membrane=membrane
        )


def run(collects):
    """Return the potassium at the end of a run.

    collects: whether the last rank collects in mid-run; d changes later on every rank.
    """
    cycle = Cycle()
    n.finitialize(-65)
    n.fadvance()
    kept = None if collects else cycle
    del cycle
    number = len(rxd.all_species())
    if collects and rank == ranks - 1:
        gc.collect()
        assert (len(rxd.all_species()), number) == (2, 3), (
            "the one that no reaction names is gone"
        )
    n.fadvance()
    k.d = 1
    n.fadvance()
    n.continuerun(1)
    k.d = 2.62
    assert kept is None or kept.me is kept
    return np.array(k[ecs].states3d), cell.ki


expected = run(False)
found = run(True)
assert (found[0] == expected[0]).all() and found[1] == expected[1], (
    found[0] - expected[0],
    found[1] - expected[1],
)
n.finitialize(-65)
assert rxd.all_species() == [k]
n.fadvance()
