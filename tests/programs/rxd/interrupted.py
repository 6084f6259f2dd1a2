"""Ctrl-C again and again in a run that goes on each time.

The numbers must be those of a run in one go; it prints how often it stopped.
"""

import os
import random
import signal
import sys
import threading
import time

from ecsmpi import rxd
from neuron import n

# A shell starts what is in its background deaf to it.
signal.signal(signal.SIGINT, signal.default_int_handler)
n.load_file("stdrun.hoc")
END, SIGNALS = 100, 12
context = n.ParallelContext()
context.set_maxstep(10)
goes_on = {
    "continuerun": n.continuerun,
    "psolve": context.psolve,
    "fadvance": lambda end: n.fadvance(),
}[sys.argv[1]]

ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
k = rxd.Species(ecs, name="k", d=2, charge=1, initial=lambda node: 3 + node.x3d / 100)
cell = n.Section("cell")
cell.pt3dadd(0, 0, 0, 5)
cell.pt3dadd(0, 0, 20, 5)
cell.insert("hh")
clamp = n.IClamp(cell(0.5))
clamp.delay, clamp.dur, clamp.amp = 1, 1e3, 0.5
voltage = n.Vector().record(cell(0.5)._ref_v)


def run():
    """To the end, however often it is interrupted; the number of interrupts, and what came out."""
    n.finitialize(-65)
    stopped, done = 0, False
    while not done:
        try:
            begun.set()
            while n.t < END - 1e-9:
                goes_on(END)
            with sending:
                time.sleep(0)  # an interrupt that was sent before comes here at the latest
                over.set()
                done = True
        except KeyboardInterrupt:
            stopped += 1
            waiting.set()
    return stopped, k[ecs].states3d.copy(), list(voltage)


def interrupt():
    begun.wait()
    random.seed(3)
    for _ in range(SIGNALS):
        time.sleep(random.uniform(0.001, 0.03))
        with sending:
            if over.is_set():
                return  # this thread got little of a crowded machine
            waiting.clear()
            os.kill(os.getpid(), signal.SIGINT)
            sent.append(n.t)
        assert waiting.wait(30), "an interrupt was swallowed"


waiting, begun, over, sending, sent = (
    threading.Event(),
    threading.Event(),
    threading.Event(),
    threading.Lock(),
    [],
)
_, expected, expected_voltage = run()
begun.clear()
over.clear()
thread = threading.Thread(target=interrupt, daemon=True)
thread.start()
stopped, found, found_voltage = run()
thread.join()
assert stopped == len(sent) > 2, f"{len(sent)} interrupts, {stopped} stops"
assert (found == expected).all()
assert found_voltage == expected_voltage
