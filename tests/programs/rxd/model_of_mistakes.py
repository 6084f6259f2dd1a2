"""A model to make mistakes in: tests add lines to its text."""

import sys  # noqa: F401  for the lines that come after

from ecsmpi import rxd
import neuron  # noqa: F401  for the lines that come after
from neuron import n

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank = int(pc.id())
n.dt, n.steps_per_ms, n.tstop = 0.1, 10, 1
sec = n.Section(name=f"cell{rank}")
sec.pt3dadd(10 * rank, 0, 0, 5)
sec.pt3dadd(10 * rank, 0, 20, 5)
sec.insert("hh")
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, 10, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
