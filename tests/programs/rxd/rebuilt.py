"""Models are made anew in a loop by a class whose cells know their model.

Nothing is deleted or collected by hand.

argv: a file to write, the backend, the first initial concentration (mM), the number of models.
"""

import sys

import numpy as np

if sys.argv[2] == "neuron":
    from neuron import rxd
else:
    from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")
context = n.ParallelContext()
rank, ranks = int(context.id()), int(context.nhost())


class Cell:
    """Knows its model."""

    def __init__(self, model, i):
        self.model = model
        self.soma = n.Section("soma", self)
        self.soma.pt3dadd(-40 + 10 * i, -30, 5, 8)
        self.soma.pt3dadd(-40 + 10 * i, 30, 5, 8)
        self.soma.insert("hh")
        self.v = n.Vector().record(self.soma(0.5)._ref_v)


class Model:
    """A box of potassium, seven cells over all ranks."""

    def __init__(self, initial):
        self.ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
        self.k = rxd.Species(self.ecs, name="k", d=2, charge=1, initial=initial)
        self.cells = [Cell(self, i) for i in range(7) if i % ranks == rank]

    def run(self):
        """The box at 1 ms."""
        n.finitialize(-65)
        trace = []
        while n.t < 1 - 1e-9:
            n.fadvance()
            trace.append(
                {"t": n.t, "v": [cell.soma.v for cell in self.cells], "cells": [self.cells]}
            )
        return np.array(self.k[self.ecs].states3d)


first, count = float(sys.argv[3]), int(sys.argv[4])
boxes = [Model(first + i).run() for i in range(count)]
if rank == 0:
    np.savez(sys.argv[1], **{f"{first + i:g}": box for i, box in enumerate(boxes)})
