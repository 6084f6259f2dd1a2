"""A rank that sleeps inside a step, as one that is stopped."""

import time

from ecsmpi import rxd
from ecsmpi.run import waiting
from neuron import n

waiting.LIMIT = 1.0

ecs = rxd.Extracellular(0, 0, 0, 60, 4, 4, dx=1)
k = rxd.Species(ecs, name="k", d=1, charge=1, initial=3)
n.finitialize(-65)
n.fadvance()


class Stops:
    def started(self, simulation, t):
        pass

    def stepped(self, simulation, t):
        if rxd.rank() == 2:
            time.sleep(4)  # as a rank that is stopped, before it sends

    def ended(self):
        pass


rxd.add_observer(Stops())
n.finitialize(-65)
n.fadvance()
n.fadvance()
print("went on")
