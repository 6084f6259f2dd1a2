"""Run models in children that are forked after the parent has run one.

Each prints what it found. On several ranks children are refused.
"""

import multiprocessing
import os
import sys

from ecsmpi import rxd
from neuron import n

SPREAD = [1.0, 2.0]


def value(d):
    """A voxel's concentration (mM) after 1 ms; on several ranks, in a child, the refusal."""
    ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
    k = rxd.Species(ecs, name="k", d=d, charge=1, initial=lambda node: 3 + node.x3d / 100)
    decay = rxd.Rate(k, -0.1 * k)
    try:
        n.finitialize(-65)
        n.continuerun(1)
    except RuntimeError as error:
        return "refused" if '"spawn"' in str(error) else str(error)
    box = k[ecs].gather(0)
    del decay
    return float(box[2, 3, 4]) if box is not None else 0.0


def status_of_child(act):
    child = os.fork()
    if child == 0:
        act()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def fails():
    raise KeyError("in the child")


n.load_file("stdrun.hoc")
here = [value(d) for d in SPREAD]
with multiprocessing.get_context("fork").Pool(2) as pool:
    there = pool.map_async(value, SPREAD).get(60)
ends = [status_of_child(lambda: sys.exit(value(2.0) and 3)), status_of_child(fails)]
again = [value(d) for d in SPREAD]
if rxd.rank() == 0:
    print(
        "children",
        there == here,
        set(map(str, there)) == {"refused"},
        *ends,
        "parent",
        again == here,
        flush=True,
    )
