"""Concentrations that begin below 0, and that are driven below: below_zero.py initial|rate."""

import sys

from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, dx=10)
if sys.argv[1] == "initial":
    x = rxd.Species(ecs, d=1, name="x", initial=-3)
else:
    x = rxd.Species(ecs, d=1, name="x", initial=1e-3)
    loss = rxd.Rate(x, -1)
n.finitialize(-65)
n.continuerun(0.1)
