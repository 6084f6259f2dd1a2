"""Scripts for tests of the facade: rxd's names mean what they mean in NEURON, which answers live
wherever it can.

Each body is a script; its asserts are the test's, on every rank. `holds` runs it with ecsmpi,
`as_neuron` also with NEURON on one rank, and compares what both save.
"""

import textwrap

from support.neuron_reference import disagreements

PRELUDE = '''
import sys
import numpy as np
OUTPUT, BACKEND = sys.argv[1:3]
if BACKEND == "neuron":
    from neuron import rxd
else:
    from ecsmpi import rxd
from neuron import n
n.load_file("stdrun.hoc")
pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
n.dt, n.steps_per_ms = 0.1, 10
kept = []

def box(at=0, dx=(7, 8, 9)):
    """15 x 11 x 12 voxels of 7 x 8 x 9 um whose lower corner is (at - 50, -40, -40)."""
    return rxd.Extracellular(at - 50, -40, -40, at + 51, 42, 60, dx, volume_fraction=0.2, tortuosity=1.6)

def cells(numbers=range(4), on=None, apart=20):
    """{number: spiking section of 3 segments} of this rank; all on one rank, or dealt out in turn."""
    made = {}
    for i in numbers:
        if (i % ranks if on is None else on) == rank:
            sec = made[i] = n.Section(name=f"cell{i}")
            sec.pt3dadd(apart * i - 30, 0, 0, 5)
            sec.pt3dadd(apart * i - 25, 8, 30, 4)
            sec.nseg = 3
            sec.insert("hh")
            clamp = n.IClamp(sec(0.5))
            clamp.delay, clamp.dur, clamp.amp = 0.2, 100, 0.5 + 0.1 * i
            kept.append(clamp)
    return made

def of_segments(cells, *names):
    """(segments, names) of all ranks in the order of the cells, on every rank."""
    mine = {i: [[getattr(seg, name) for name in names] for seg in sec] for i, sec in cells.items()}
    everyone = {i: rows for part in pc.py_allgather(mine) for i, rows in part.items()}
    return np.array([row for i in sorted(everyone) for row in everyone[i]])

def steps(count):
    for _ in range(count):
        n.fadvance()

def uneven(node):
    return 3 + node.x3d / 100 - node.y3d / 500 + node.z3d / 300

def message_of(error, call):
    try:
        call()
    except error as raised:
        return str(raised)
    raise AssertionError(f"no {error.__name__}")

def save(**arrays):
    if rank == 0:
        np.savez(OUTPUT, **arrays)
'''


def script(body):
    return PRELUDE + textwrap.dedent(body)


def holds(on_ranks, ranks, body):
    """Run `body` with ecsmpi: what it asserts must hold on every rank."""
    on_ranks(ranks, script(body) + "\nsave()\n", "ecsmpi")


def as_neuron(on_ranks, body, ranks=(3,), tolerance=1e-11):
    """Run `body` with NEURON and with ecsmpi: both save the same, to a tolerance relative to each
    array's largest value.

    Round-off grows tenfold in the upstroke of a spike.
    """
    expected = on_ranks(None, script(body), "neuron")
    for count in ranks:
        said = disagreements(on_ranks(count, script(body), "ecsmpi"), expected, tolerance)
        assert not said, "\n".join([f"on {count} ranks:", *said])
    return expected
