"""Rank 1 stops while the others wait for it: waits_in_neuron.py

In psolve, fadvance and continuerun they wait for voltages of gap junctions, inside NEURON's step.
In a barrier of the script's, and where the script computes or sleeps, NEURON does not advance. Each
way begins with a line of stderr.
"""

import os
import signal
import subprocess
import sys
import time

from ecsmpi.run import waiting

waiting.LIMIT = 1.0

from ecsmpi import rxd  # noqa: E402
from neuron import n  # noqa: E402

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
ecs = rxd.Extracellular(0, 0, 0, 60, 4, 4, dx=1)
k = rxd.Species(ecs, name="k", d=1, charge=1, initial=3)
cell = n.Section(f"cell{rank}")
# As a gap junction, which takes a voltage from another rank in each step.
clamp = n.IClamp(cell(0.5))
clamp.dur = 1e9
pc.source_var(cell(0.5)._ref_v, rank, sec=cell)
pc.target_var(clamp, clamp._ref_amp, (rank + 1) % ranks)
pc.setup_transfer()
pc.set_maxstep(10)
n.finitialize(-65)
pc.psolve(1)


def stop():
    """This process stops for some seconds, and does not know it."""
    subprocess.Popen(["sh", "-c", f"sleep 3; kill -CONT {os.getpid()}"])
    os.kill(os.getpid(), signal.SIGSTOP)


def begins(way):
    pc.barrier()
    if rank == 0:
        print(f"begins {way}", file=sys.stderr, flush=True)
    pc.barrier()


def fadvance(t):
    while n.t < t - 1e-9:
        n.fadvance()


for way, advance in (
    ("psolve", pc.psolve),
    ("fadvance", fadvance),
    ("continuerun", n.continuerun),
):
    begins(way)
    end = round(n.t) + 1
    if rank == 1:
        n.CVode().event(end - 0.5, stop)
    advance(end)

begins("barrier")
if rank == 1:
    stop()
pc.barrier()

begins("python")
until = time.monotonic() + 3
while time.monotonic() < until:
    pass
begins("sleep")
time.sleep(3)
n.fadvance()
begins("the end")
print("went on")
