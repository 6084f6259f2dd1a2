"""Species come, go, come back and change their place between runs.

Segments are saved, with NEURON or ecsmpi.

argv: a file to write, the backend.
"""

import gc
import sys

import numpy as np

if sys.argv[2] == "neuron":
    from neuron import rxd
else:
    from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")
context = n.ParallelContext()
rank, ranks = int(context.id()), int(context.nhost())
saved = {}
NAMES = "ki", "ko", "ek", "nai", "nao", "ena", "v"


def cell(x):
    section = n.Section(f"at{x}")
    section.pt3dadd(x, -30, 5, 8)
    section.pt3dadd(x, 30, 5, 8)
    section.nseg = 3
    section.insert("hh")
    clamp = n.IClamp(section(0.5))
    clamp.dur, clamp.amp = 5, 1
    clamps.append(clamp)
    return section


def outside(name="k", initial=3.0):
    return rxd.Species(ecs, name=name, d=2, charge=1, initial=initial)


def inside(numbers, name="k", initial=54.0):
    """Inside those of the cells that this rank has."""
    sections = [cells[number] for number in numbers if number in cells]
    if not sections:
        return None
    region = rxd.Region(sections, name=f"cytosol{len(regions)}", nrn_region="i")
    regions.append(region)
    return rxd.Species([region], name=name, charge=1, d=1, initial=initial)


def run(what):
    """Two runs, as the second one shows what the first has left."""
    gc.collect()
    for again in (0, 1):
        n.finitialize(-65)
        n.continuerun(0.25)
        mine = {
            number: [[getattr(segment, name, 0) for name in NAMES] for segment in cells[number]]
            for number in cells
        }
        everyone = {
            number: rows for part in context.py_allgather(mine) for number, rows in part.items()
        }
        saved[f"{what} {again}"] = np.array([everyone[number] for number in sorted(everyone)])


clamps, regions = [], []
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
cells = {number: cell(x) for number, x in enumerate((-40, 20)) if number % ranks == rank}
BOTH = 0, 1
na = outside("na", 140)  # stays, so that NEURON's rxd always has something to plan
run("sodium outside")
k = outside()
run("potassium outside")
within = inside(BOTH)
run("both")
del within
run("inside gone")
within = inside([0], initial=60)
run("inside back, in one cell")
del within
within = inside([1], initial=50)
run("inside in the other cell")
del k
run("outside gone")
k = outside(initial=4)
run("outside back")
del k, within
run("both gone")
regions = [rxd.Region(cells.values(), name="cytosol", nrn_region="i")] if cells else []
sides = rxd.Species([ecs, *regions], name="k", d=1, charge=1, initial=10)
run("one species on both sides")
del sides
run("it is gone")
other = inside(BOTH, "na", 11)
run("sodium inside, too")
del other
k = outside(initial=lambda node: 3 + node.x3d / 50)
run("potassium alone again")
if rank == 0:
    np.savez(sys.argv[1], **saved)
