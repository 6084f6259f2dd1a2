"""What the models share: the backend, who owns which cell, and what is saved.

A model is a script: `python MODEL.py BACKEND OUTPUT.npz MECHANISMS [options]`. BACKEND is neuron or
ecsmpi; MECHANISMS is a folder in which nrnivmodl has run, as it has in mod/. Rank 0 writes
OUTPUT.npz, whose arrays do not depend on the number of ranks.
"""

from pathlib import Path
import sys

import numpy as np

BACKEND, OUTPUT, MECHANISMS = sys.argv[1:4]
OPTIONS = sys.argv[4:]
STEPS = 200
SNAPSHOTS = (0, 1, 10, STEPS)

if BACKEND == "neuron":
    from neuron import rxd  # noqa: F401  for the models
elif BACKEND == "ecsmpi":
    from ecsmpi import rxd  # noqa: F401  for the models
else:
    sys.exit(f"the backend must be neuron or ecsmpi, got {BACKEND!r}")

import neuron  # noqa: E402  (after ecsmpi, which starts MPI)
from neuron import n  # noqa: E402

n.load_file("stdrun.hoc")
for folder in (MECHANISMS, str(Path(__file__).resolve().parents[2] / "mod")):
    if not neuron.load_mechanisms(folder):
        sys.exit(f"no mechanisms in {folder}: run scripts/setup")
pc = n.ParallelContext()
if BACKEND == "neuron" and pc.nhost() > 1:
    sys.exit("the reference is NEURON on one rank")


def my_cells(count):
    """Numbers of this rank's cells among `count`, dealt out to the ranks in turn."""
    return range(int(pc.id()), count, int(pc.nhost()))


def fadvance_to(step):
    """Reach the end of the given step by single steps of NEURON."""
    while round(n.t / n.dt) < step:
        n.fadvance()


def psolve_to(step):
    """Reach the end of the given step as a network does, in intervals between spikes' exchanges."""
    pc.psolve(step * n.dt)


def run(dt, grids, cells, variables=("ko",), advance=fadvance_to, v_init=-65, recorded=None):
    """Take STEPS steps of dt ms and save the model after 0, 1, 10 and STEPS of them. Collective.

    grids : {name: the species on its region}
    cells : {number of the cell: its sections} of this rank
    advance : reaches the end of the step it is given
    recorded : {name: vector} of rank 0, saved at the end
    """
    n.dt = dt
    n.steps_per_ms = 1 / dt
    n.finitialize(v_init)
    saved = {}
    for step in SNAPSHOTS:
        advance(step)
        for name, grid in grids.items():
            saved[f"{name} grid, step {step}"] = np.array(grid.states3d)
        for name in variables:
            saved[f"{name} of segments, step {step}"] = all_segments(cells, name)
    if pc.id() == 0:
        saved |= {name: np.array(vector) for name, vector in (recorded or {}).items()}
        np.savez(OUTPUT, **saved)


def all_segments(cells, name):
    """Return a range variable of all ranks' segments, by their cells' numbers. Collective.

    Ranks other than 0 get None.
    """
    mine = {
        number: [getattr(seg, name) for sec in cell for seg in sec]
        for number, cell in cells.items()
    }
    everyone = pc.py_gather(mine, 0)
    if pc.id() != 0:
        return None
    of_cell = {number: values for ranks_own in everyone for number, values in ranks_own.items()}
    return np.array([value for number in sorted(of_cell) for value in of_cell[number]])


def stick(number, start, end, diam, nseg):
    """A straight section from `start` to `end` (um), named after its cell."""
    sec = n.Section(name=f"cell{number}")
    sec.pt3dadd(*start, diam)
    sec.pt3dadd(*end, diam)
    sec.nseg = nseg
    return sec
