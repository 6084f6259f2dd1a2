"""Faces that are held, baths and closed: `faces.py OUTPUT`."""

import math
import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

n.load_file("stdrun.hoc")
ecs = rxd.Extracellular(0, 0, 0, 8, 7, 6, 1, volume_fraction=0.2)
sides = {"xlo": 3.0, "x": math.exp, "zhi": rxd.Held(5)}
held = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions=sides)
every = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions=rxd.Held(2))
wall = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions=2)
baths = {"y": rxd.Bath(4, permeability=0.05)}
bath = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions=baths)
closed = rxd.Species(ecs, d=1, initial=1, ecs_boundary_conditions={})
n.finitialize(-65)
n.dt = 0.1
n.fadvance()
first = np.array(bath[ecs].states3d)
for _ in range(9):
    n.fadvance()
made = dict(held=held, every=every, wall=wall, bath=bath, closed=closed)
states = {name: np.array(one[ecs].states3d) for name, one in made.items()}
if n.ParallelContext().id() == 0:
    np.savez(sys.argv[1], first=first, t=n.t, **states)
