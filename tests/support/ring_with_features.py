"""The ring, with tissue, reactions, rates, parameters and fluxes of all kinds beside it.

With "grid_steps" among the arguments of the program, a step of the grid is two of NEURON's.
"""

import sys

import numpy as np

from support import ring
from support.ring import cells, ecs, k, n, na, rxd

rxd.options.grid_steps = 2 if "grid_steps" in sys.argv else 1
shape = ecs.box.shape
ecs.alpha = 0.05 + 0.01 * np.sin(np.arange(np.prod(shape))).reshape(shape)
ecs.tortuosity = lambda x, y, z: 1.6 + 0.1 * np.sin(x / 9)
swollen = rxd.Extracellular(0, 0, 0, 100, 120, 110, dx=(5, 40, 55), tortuosity=1.6)
alpha = rxd.State(swollen, d=0.3, initial=lambda node: 0.1 + 0.001 * node.x3d)
swollen.set_volume_fraction(alpha)
cl = rxd.Species(swollen, d=2.0, name="cl", charge=-1, initial=lambda node: 100 + node.y3d)
swells = rxd.Rate(alpha, 1e-4 * alpha * (cl - 130))
buffer = rxd.Species(ecs, d=0.1, initial=lambda node: 2 + 0.01 * node.x3d)
bound = rxd.Species(ecs, initial=0.1)
gate = rxd.State(ecs, initial=0.2)
strength = rxd.Parameter(ecs, value=lambda node: 0.01 * (1 + node.y3d / 100))
binding = rxd.Reaction(k + buffer, bound, strength, 0.05, where=lambda node: node.x3d > 30)
gating = rxd.Rate(gate, gate * (1 - gate) * (k - 3) / (k + 1))
pumped = rxd.Rate(k, -0.02 * gate * k / (k + 2))
k[ecs].node_by_location(51, 50, 50).include_flux(2e5)
k[ecs].node_by_location(11, 50, 50).include_flux(lambda: 1e5 * np.sin(n.t))
na[ecs].nodes((51, 50, 50)).include_flux(n._ref_t)
if 3 in cells:
    k[ecs].node_by_location(81, 90, 50).include_flux(cells[3].soma(0.5)._ref_v)


def final():
    """Return all that a run ends with, the same on every rank. Collective."""
    found = ring.final()
    found["cl"] = np.array(cl[swollen].states3d)
    found["alpha"] = np.array(alpha[swollen].states3d)
    found["others"] = np.array([one[ecs].states3d for one in (buffer, bound, gate)])
    return found
