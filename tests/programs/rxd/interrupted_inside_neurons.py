"""Ctrl-C inside Python code of NEURON's own rxd, which NEURON calls in each step.

The run stops when the step is complete.
"""

import signal
import sys

from ecsmpi import rxd
from neuron import n
from neuron.rxd import rxd as neurons_own

# A shell starts what is in its background deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
k = rxd.Species(ecs, name="k", d=2, charge=1, initial=3)
context = n.ParallelContext()
context.set_maxstep(10)
n.finitialize(-65)
left = 3


def interrupt(frame, event, _arg):
    global left
    if event == "call" and frame.f_code is neurons_own._after_advance.__code__:
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)


sys.setprofile(interrupt)
try:
    context.psolve(1)
    print("not interrupted")
except KeyboardInterrupt:
    print(f"interrupted at {n.t:g}")
sys.setprofile(None)
context.psolve(1)
print(f"went on to {n.t:g}")
