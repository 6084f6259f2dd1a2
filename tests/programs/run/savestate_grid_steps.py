"""NEURON's SaveState with grid_steps.

A state is taken between steps of the grid only, and put back in the middle of one.
"""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

pc = n.ParallelContext()
rxd.options.grid_steps = 3
ecs = rxd.Extracellular(0, 0, 0, 60, 20, 20, 10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=lambda node: node.x3d)
cell = n.Section(f"cell{int(pc.id())}")
cell.L = cell.diam = 5
cell.insert("hh")
cell(0.5).hh.gkbar = 5
k[ecs].node_by_ijk(4, 1, 1).include_flux(1e9)
n.dt = 0.1
n.finitialize(-65)


def steps(count):
    """The box after so many steps."""
    for _ in range(count):
        n.fadvance()
    return np.array(k[ecs].states3d)


steps(3)
state = n.SaveState()
state.save()
before = steps(0)
expected = steps(6)
assert abs(expected - before).max() > 0.1
steps(2)
state.restore()
assert np.array_equal(steps(0), before)
assert np.array_equal(steps(6), expected)
if sys.argv[1:] == ["between"]:
    steps(2)
    try:
        n.SaveState().save()
    except RuntimeError as error:
        assert "of which 2 of its 3 steps of NEURON's are done" in str(error), error
    else:
        sys.exit("saved in the middle of a step of the grid")
    steps(1)
    n.SaveState().save()
