"""A run that takes checkpoints and goes on from others.

`goes_on.py OUTPUT TO SINCE STEPS [MODE ...]`: TO is the folder of its checkpoints, one every STEPS
steps; SINCE the folder of those to go on from, or "-". With "posting" among the modes, a statement
of hoc waits in NEURON's queue.
"""

import sys

import numpy as np

from support.ring import gids, pc, rank, spikes
from support.ring_with_features import final, n, rxd

out, to, since, at = sys.argv[1:5]
POSTS = "posting" in sys.argv
rxd.Checkpoint(to, every=f"{at} steps", keep=1, vectors={"spikes": spikes, "gids": gids})
if since != "-":
    rxd.restart(since)
if POSTS:
    n("strdef said")
    n('proc tell() { said = "told" }')
    posts = n.FInitializeHandler(lambda: n.CVode().event(4.5, "tell()"))
n.finitialize(-65)
began = n.t
pc.psolve(5)
found = final()
if rank == 0:
    np.savez(out, began=began, **found)
assert not POSTS or n.said == "told"
