"""Cells of their own regions, species and reactions: `own_reactions.py OUTPUT BACKEND [stiff]`.

With `stiff`, each cell has a fast reaction of four species that change: sums whose order matters.
"""

import sys

import numpy as np

from support.model import box, cells, n, of_segments, rxd, save, steps, uneven

STIFF = sys.argv[3:] == ["stiff"]
if STIFF:
    rxd.options.reproducible = True
exp, log, v = rxd.rxdmath.exp, rxd.rxdmath.log, rxd.v
ecs = box()
k = rxd.Species(ecs, name="k", d=2.62, charge=1, initial=uneven)
cl = rxd.Species(ecs, name="cl", d=2, charge=-1, initial=130)


class Cell:
    """A cell with potassium, a gate, and chloride in the second one."""

    def __init__(self, i, sec):
        cyt = self.cyt = rxd.Region([sec], nrn_region="i", name="cyt")
        mem = self.mem = rxd.Region([sec], name="mem", geometry=rxd.membrane())
        self.k = rxd.Species([cyt, mem], name="k", d=1, charge=1, initial=120 + i)
        self.gate = rxd.State([cyt, mem], initial=0.3)
        self.opening = rxd.Rate(self.gate, (1 / (1 + exp(-(v + 50) / 9)) - self.gate) / 4)
        reversal = 26.64 * log(k[ecs] / self.k[cyt])
        self.carried = [self.carries(self.k, k, 60 * self.gate**4 * (v - reversal))]
        if i == 1 or STIFF:
            self.cl = rxd.Species(cyt, name="cl", charge=-1, initial=6)
            self.carried += [self.carries(self.cl, cl, 2 * (v + 80) * -1)]
        if STIFF:
            self.joint = rxd.MultiCompartmentReaction(
                self.k[cyt] + self.cl[cyt],
                k[ecs] + cl[ecs],
                1e9 * log(self.k[cyt] * self.cl[cyt] / (k[ecs] * cl[ecs])),
                membrane=mem,
                mass_action=False,
            )

    def carries(self, inside, outside, rate):
        """Return a current of a species across the membrane."""
        return rxd.MultiCompartmentReaction(
            inside[self.cyt],
            outside[ecs],
            rate,
            membrane=self.mem,
            mass_action=False,
            membrane_flux=True,
        )


made = cells(range(3), apart=10)
parts = {i: Cell(i, sec) for i, sec in made.items()}
n.finitialize(-65)
steps(100)
save(
    k=np.array(k[ecs].states3d),
    cl=np.array(cl[ecs].states3d),
    segments=of_segments(made, "ko", "ki", "ik", "v"),
)
