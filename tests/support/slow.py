"""An observer that makes steps slow and says, by a file "there", when 20 of them are done."""

import time

from ecsmpi import rxd
from neuron import n


class Slow:
    """Sleep 20 ms in each step."""

    def started(self, simulation, t):
        pass

    def stepped(self, simulation, t):
        time.sleep(0.02)
        if round(t / n.dt) == 20:
            open("there", "w").close()

    def ended(self):
        pass


rxd.add_observer(Slow())
