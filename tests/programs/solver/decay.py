"""Species that decay to next to nothing: `decay.py OUTPUT`."""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

ecs = rxd.Extracellular(0, 0, 0, 4, 4, 4, dx=1)
still, spreads = (rxd.Species(ecs, d=d, initial=1.0) for d in (0, 1))
rates = [rxd.Rate(species, -100 * species) for species in (still, spreads)]
n.dt = 0.1
n.finitialize()
for _ in range(400):  # a tenth, about, is left after each step
    n.fadvance()
assert np.float64(np.finfo(float).tiny) / 2 > 0, "the mode of this thread was not restored"
np.savez(sys.argv[1], left=[species[ecs].local for species in (still, spreads)])
