"""Checkpoints that the script drops are let go: `dropped_checkpoints.py FOLDER`.

Other observers are let go in the same way.
"""

from pathlib import Path
import sys

from ecsmpi import rxd
from neuron import n

folder = Path(sys.argv[1])
ecs = rxd.Extracellular(0, 0, 0, 40, 30, 30, 10, volume_fraction=0.2)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)


def run(steps=2):
    n.finitialize(-65)
    for _ in range(steps):
        n.fadvance()


def written(name):
    """The sets in a folder of checkpoints, by their steps."""
    n.ParallelContext().barrier()  # rank 0 renames the folder when all are through
    return [path.name.partition("-")[2] for path in sorted((folder / name).glob("*-step-*"))]


def function(name):
    checkpoint = rxd.Checkpoint(folder / name, every="1 step", keep=9)
    run()
    assert checkpoint.path == folder / name


TWICE = ["step-2", "step-2", "step-4"]  # of a run of 2 steps and one of 4

function("in a function")
run()
assert written("in a function") == ["step-1", "step-2"], "the function has ended"

named = rxd.Checkpoint(folder / "named", every="2 steps", keep=9)
run()
run(4)
assert written("named") == TWICE
named = None
run(6)
assert written("named") == TWICE, "its name has gone"

rxd.Checkpoint(folder / "nameless", every="2 steps", keep=9)
run()
run(4)
assert written("nameless") == TWICE, "it never had a name"

held = [rxd.Checkpoint(folder / "held by one", every="2 steps", keep=9)]
run()
if rxd.rank() == 0:
    held.clear()
run(4)
ends = written("held by one")
# Another rank still refers to it.
assert ends == (TWICE if int(n.ParallelContext().nhost()) > 1 else ["step-2"]), ends
held.clear()
run(6)
assert written("held by one") == ends

with rxd.Checkpoint(folder / "with", every="2 steps", keep=9):
    run()
run(4)
assert written("with") == ["step-2"]

n.finitialize(-65)
late = rxd.Checkpoint(folder / "late", every="2 steps", keep=9)
n.fadvance()
n.fadvance()
n.fadvance()
del late
run(8)
assert written("late") == ["step-2"], written("late")
print("all there")
