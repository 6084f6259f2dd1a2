"""What programs of tests/programs are made of: a box, cells, steps, and what they save.

A program that imports this module is called by `PROGRAM OUTPUT BACKEND [CASE [ARGUMENT ...]]`.
BACKEND is "neuron" or "ecsmpi"; rank 0 writes the arrays that the program saves to OUTPUT, an .npz
file. A program of several cases ends with `run_case(globals())`, which calls the function CASE with
the arguments. CASE may be several cases, `one+another`: see `support.programs.Together`.
"""

import gc
import sys
import traceback

import numpy as np

OUTPUT, BACKEND = sys.argv[1:3]
if BACKEND == "neuron":
    from neuron import rxd
else:
    from ecsmpi import rxd
from neuron import n  # noqa: E402  after ecsmpi, which starts MPI

n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
n.dt, n.steps_per_ms = 0.1, 10
kept = []  # what shall live as long as the process
has_saved = False


def box(at=0, dx=(7, 8, 9)):
    """Return 15 x 11 x 12 voxels of 7 x 8 x 9 um whose lower corner is (at - 50, -40, -40)."""
    low = at - 50, -40, -40
    high = at + 51, 42, 60
    return rxd.Extracellular(*low, *high, dx, volume_fraction=0.2, tortuosity=1.6)


def cells(numbers=range(4), on=None, apart=20):
    """Return {number: spiking section of 3 segments} of this rank.

    The rank `on` has all cells; without `on` the ranks have them in turn.
    """
    made = {}
    for i in numbers:
        owner = i % ranks if on is None else on
        if owner != rank:
            continue
        sec = n.Section(name=f"cell{i}")
        sec.pt3dadd(apart * i - 30, 0, 0, 5)
        sec.pt3dadd(apart * i - 25, 8, 30, 4)
        sec.nseg = 3
        sec.insert("hh")
        clamp = n.IClamp(sec(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0.2, 100, 0.5 + 0.1 * i
        kept.append(clamp)
        made[i] = sec
    return made


def of_segments(cells, *names):
    """Return (segments, names) of all ranks, in the order of the cells. Collective."""
    mine = {
        i: [[getattr(seg, name) for name in names] for seg in sec] for i, sec in cells.items()
    }
    everyone = {}
    for rows_of_rank in pc.py_allgather(mine):
        everyone.update(rows_of_rank)
    return np.array([row for i in sorted(everyone) for row in everyone[i]])


def steps(count):
    """Take so many of NEURON's time steps. Collective."""
    for _ in range(count):
        n.fadvance()


def uneven(node):
    """Return a concentration (mM) that is another one in every voxel."""
    return 3 + node.x3d / 100 - node.y3d / 500 + node.z3d / 300


def message_of(error, call, *arguments):
    """Return the message of the error that a call must raise."""
    try:
        call(*arguments)
    except error as raised:
        return str(raised)
    raise AssertionError(f"no {error.__name__}")


def save(**arrays):
    """Write the arrays that the test looks at, on rank 0."""
    global has_saved
    has_saved = True
    if rank == 0:
        np.savez(OUTPUT, **arrays)


def run_case(names):
    """Call the function that the command line names, and write OUTPUT even if it saves nothing."""
    case, *arguments = sys.argv[3:]
    if "+" in case:
        run_cases(names, case.split("+"))
        return
    names[case](*arguments)
    if not has_saved:
        save()


def run_cases(names, cases):
    """Call several functions, each after the model of the one before has gone.

    OUTPUT has the arrays of each as `case/name`, and the text of an error as `case!`. Collective.
    """
    together = {}
    for case in cases:
        said = ""
        try:
            names[case]()
        except Exception:
            said = traceback.format_exc()
        said = "\n".join(filter(None, pc.py_allgather(said)))
        if rank == 0 and said:
            together[f"{case}!"] = np.array(said)
        elif rank == 0 and has_saved:
            with np.load(OUTPUT) as saved:
                together |= {f"{case}/{name}": saved[name] for name in saved}
        begin_anew()
    save(**together)


def begin_anew():
    """Forget the model, and what a program may have set of time steps. Collective."""
    global has_saved
    has_saved = False
    kept.clear()
    rxd.reset()
    gc.collect()
    for sec in list(n.allsec()):
        n.delete_section(sec=sec)
    pc.gid_clear()
    n.dt, n.steps_per_ms = 0.1, 10
