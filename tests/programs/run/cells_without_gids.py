"""Cells without gids that go on: `cells_without_gids.py OUTPUT TO SINCE KIND [WAY]`.

TO is the folder of the checkpoints, SINCE the one to go on from, or "-". KIND is "together", where
rank 0 has all cells and there is a reaction across their membranes, or "apart". WAY is "watched"
(with diagnostics), "saved by NEURON" (by its SaveState instead of checkpoints) or "posts" (with a
Python function that waits in NEURON's queue).
"""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

pc = n.ParallelContext()
rank, ranks = int(pc.id()), int(pc.nhost())
out, to, since, kind = sys.argv[1:5]
way = sys.argv[5] if len(sys.argv) > 5 else "plain"
kept = []
for i in range(4):
    if rank == (0 if kind == "together" else i % ranks):
        sec = n.Section(name=f"sec{i}")
        sec.pt3dadd(5 + 9 * i, 5, 5, 3)
        sec.pt3dadd(9 + 9 * i, 9, 9, 3)
        sec.insert("hh")
        clamp = n.IClamp(sec(0.5))
        clamp.delay, clamp.dur, clamp.amp = 0.3, 3, 0.1
        kept += [sec, clamp]
ecs = rxd.Extracellular(0, 0, 0, 40, 20, 20, dx=2, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
if kind == "together":
    cyt = rxd.Region(kept[::2], name="cyt", nrn_region="i")
    ki = rxd.Species(cyt, name="ki", initial=0.1)
    membrane = rxd.Region(kept[::2], name="membrane", geometry=rxd.membrane())
    leak = rxd.MultiCompartmentReaction(ki[cyt], k[ecs], 1, 0.1, membrane=membrane)
n.dt = 0.025
pc.set_maxstep(0.5)
trace = n.Vector().record(k[ecs].node_by_location(9, 9, 9)._ref_value)


def run():
    """Run to the end."""
    if since != "-":
        rxd.restart(since)
    n.finitialize(-65)
    pc.psolve(1.5)


def save(**more):
    """Write what the run ends with."""
    states = k[ecs].states3d
    if rank == 0:
        np.savez(out, k=states, trace=np.array(trace), **more)


def take_checkpoints():
    """Take a checkpoint every 40 steps."""
    rxd.Checkpoint(to, every="40 steps", vectors={"trace": trace})


def plain():
    take_checkpoints()
    run()
    save()


def watched():
    shown = rxd.Output(out + ".h5", every=0.2, species=[k])
    numbers = rxd.Diagnostics(
        k, every=0.1, threshold=3.001, front="x", balance=True, output=shown
    )
    take_checkpoints()
    run()
    balance = numbers.balance()
    save(balance=[balance[name] for name in sorted(balance)])


def saved_by_neuron():
    n.finitialize(-65)
    pc.psolve(0.8)
    state = n.SaveState()
    state.save()
    file = n.File(f"{to}.{rank}")
    state.fwrite(file)
    pc.psolve(1.5)
    expected = k[ecs].states3d.copy()
    n.finitialize(-65)
    again = n.SaveState()
    again.fread(n.File(f"{to}.{rank}"))
    again.restore()
    pc.psolve(1.5)
    assert np.array_equal(k[ecs].states3d, expected)
    assert np.ptp(expected) > 1e-6
    save()


def posts():
    take_checkpoints()
    wait = n.FInitializeHandler(lambda: n.CVode().event(1.2, print))
    n.finitialize(-65)
    try:
        pc.psolve(1.5)
    except ValueError as error:
        np.savez(out, said=str(error))


{"plain": plain, "watched": watched, "saved by NEURON": saved_by_neuron, "posts": posts}[way]()
