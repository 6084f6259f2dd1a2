"""The concentration in the middle of a cube of potassium that spreads in a closed box.

python spreading_block.py RESULT.npz DX TSTOP     (um, ms)
"""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

HALF = 10.5  # um, of the box
INSIDE = 4.5  # um: half of the cube

dx = float(sys.argv[2])
tstop = float(sys.argv[3])


def initial(node):
    """1 mM in the cube, 0 outside."""
    return 1 if max(abs(node.x3d), abs(node.y3d), abs(node.z3d)) <= INSIDE else 0


ecs = rxd.Extracellular(*[-HALF] * 3, *[HALF] * 3, dx=dx, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, name="k", d=2.62, charge=1, initial=initial)
middle = round(HALF / dx - 0.5)
trace, time = n.Vector(), n.Vector()
trace.record(k[ecs].node_by_ijk(middle, middle, middle)._ref_value)
time.record(n._ref_t)
n.dt = 0.1
n.finitialize()
while n.t < tstop - n.dt / 2:
    n.fadvance()
if rxd.rank() == 0:
    np.savez(sys.argv[1], trace=trace, time=time)
