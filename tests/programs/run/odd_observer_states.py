"""Takes a checkpoint with an observer of a script: `odd_observer_states.py FOLDER STATE`."""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

rank = int(n.ParallelContext().id())
folder, name = sys.argv[1:]
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, dx=10)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)
n.dt = 0.5
STATES = {
    "alike": ["counts", "a", {"values": [1, 2.5, None, True], "rest": {}}],
    "none": None,
    "differs": ["counts", "a", rank],
    "of one rank": ["counts", "a", 1] if rank == 1 else None,
    "array": np.arange(3.0),
    "number of numpy": ["counts", "a", np.int64(3)],
}


class Counts:
    """An object with some of the methods of an observer."""

    def state(self):
        return STATES[name]

    def __repr__(self):
        return "Counts()"


observer = Counts()
rxd.add_observer(observer)
checkpoint = rxd.Checkpoint(folder, every="1 steps")
n.finitialize(-65)
for _ in range(3):
    n.fadvance()
