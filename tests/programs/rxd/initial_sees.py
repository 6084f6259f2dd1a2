"""What INITIAL blocks see of concentrations that rxd sets: `... OUTPUT BACKEND FOLDER`.

FOLDER has the compiled sees.mod.
"""

import sys

import numpy as np

if sys.argv[2] == "neuron":
    from neuron import rxd
else:
    from ecsmpi import rxd
import neuron
from neuron import n

n.load_file("stdrun.hoc")
assert neuron.load_mechanisms(sys.argv[3])
ecs = rxd.Extracellular(-60, -50, -50, 60, 50, 50, dx=10, volume_fraction=0.2, tortuosity=1.6)
cell = n.Section("cell")
cell.pt3dadd(0, -30, 5, 8)
cell.pt3dadd(0, 30, 5, 8)
cell.insert("sees")
cell.insert("hh")
cytosol = rxd.Region([cell], name="cytosol", nrn_region="i")
saved = {}


def concentration(node):
    return 1e-5 if isinstance(node, rxd.node.Node1D) else 1.2


def seen(regions):
    """The gates at 0 and at 5 ms; twice, as the first run leaves concentrations behind."""
    ca = rxd.Species(regions, name="ca", charge=2, d=0.1, initial=concentration)
    found = []
    for _ in range(2):
        n.finitialize(-65)
        for end in (0, 5):
            n.continuerun(end)
            here = cell(0.5)
            found.append(
                [
                    here.sees.inside,
                    here.sees.outside,
                    here.sees.potential,
                    here.cai,
                    here.cao,
                    here.eca,
                ]
            )
    return np.array(found) + 0 * len(ca.regions)


sodium = rxd.Species(ecs, name="na", charge=1, d=1, initial=140)
np.savez(sys.argv[1], both=seen([cytosol, ecs]), inside=seen([cytosol]), outside=seen([ecs]))
