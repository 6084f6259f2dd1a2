"""The ring, with chloride on both sides of the membranes and reactions that carry it across."""

import numpy as np

from support import ring
from support.ring import ecs, n, pc, rxd

sections = list(n.allsec())
geometry = rxd.FractionalVolume(0.6, surface_fraction=1)
cyt = rxd.Region(sections, name="cyt", nrn_region="i", geometry=geometry)
membrane = rxd.Region(sections, name="membrane", geometry=rxd.membrane())


def initial(node):
    """Return the first concentration of chloride (mM)."""
    return 8 if node.region == cyt else 100 + node.y3d


cl = rxd.Species([cyt, ecs], name="cl", charge=-1, d=2.0, initial=initial)
inside = rxd.Species(cyt, d=0.1, initial=0.2)
gate = rxd.State(membrane, initial=0.1)
opens = rxd.Rate(gate, (1 / (1 + rxd.rxdmath.exp(-(rxd.v + 40) / 9)) - gate) / 2)
decays = rxd.Rate(inside, -inside * cl[cyt] / 100)
both = rxd.Rate(cl, -0.01 * cl / (cl + 50))
crosses = rxd.MultiCompartmentReaction(
    cl[cyt],
    cl[ecs],
    200 * gate[membrane] * (rxd.v + 60),
    membrane=membrane,
    mass_action=False,
    membrane_flux=True,
)


def final():
    """Return all that a run ends with, the same on every rank. Collective."""
    found = ring.final()
    found["cl"] = np.array(cl[ecs].states3d)
    of_ranks = [*pc.py_allgather(cl[cyt].nodes.value), *pc.py_allgather(inside.nodes.value)]
    found["inside"] = np.concatenate(of_ranks)
    found["gate"] = np.concatenate(pc.py_allgather(gate.nodes.value))
    return found
