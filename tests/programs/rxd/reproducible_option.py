"""The option is set after a concentration has been read: `reproducible_option.py OUTPUT`."""

import sys

from ecsmpi import rxd
import numpy as np

ecs = rxd.Extracellular(0, 0, 0, 9, 9, 9, 1)
k = rxd.Species(ecs, d=1, initial=1)
rxd.options.reproducible = True
states = k[ecs].states3d
try:
    rxd.options.reproducible = False
    said = ""
except RuntimeError as error:
    said = str(error)
np.savez(sys.argv[1], said=said)
