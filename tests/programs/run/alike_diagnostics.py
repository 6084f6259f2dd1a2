"""Diagnostics of one name go on, each from its own sums: `alike_diagnostics.py SETS`."""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

pc = n.ParallelContext()
sec = n.Section(name="sec")
sec.pt3dadd(5, 5, 5, 3)
sec.pt3dadd(15, 15, 15, 3)
sec.insert("hh")
clamp = n.IClamp(sec(0.5))
clamp.dur, clamp.amp = 3, 0.1
size = dict(dx=5, volume_fraction=0.2)
ecs = rxd.Extracellular(0, 0, 0, 20, 20, 20, **size)
beside = rxd.Extracellular(40, 0, 0, 70, 20, 20, **size)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
a = rxd.Species([ecs, beside], d=0.2, name="a", initial=2)
decay = rxd.Rate(k, -0.01 * k)
loss = rxd.Rate(a, -0.1 * a, regions=[beside])
watching = [
    rxd.Diagnostics(k, every=0.1, balance=True),
    rxd.Diagnostics(k, every=0.25, balance=True),
    rxd.Diagnostics(a, every=0.1, region=ecs, balance=True),
    rxd.Diagnostics(a, every=0.2, region=beside, balance=True),
]
n.dt = 0.025
pc.set_maxstep(0.5)


def rows():
    """The tables of the run so far."""
    return [one.table for one in watching]


with rxd.Checkpoint(sys.argv[1], every="40 steps"):
    n.finitialize(-65)
    pc.psolve(1.5)
expected = rows()
rxd.restart(sys.argv[1])
n.finitialize(-65)
assert abs(n.t - 1) < 1e-9
pc.psolve(1.5)
for whole, rest in zip(expected, rows()):
    assert 2 <= len(rest["time"]) < len(whole["time"])
    for name, values in rest.items():
        last = whole[name][-len(values) :]
        assert np.allclose(last, values, rtol=1e-12, atol=1e-18), (name, last, values)

watching.append(rxd.Diagnostics(k, every=0.3))
rxd.restart(sys.argv[1])
try:
    n.finitialize(-65)
except ValueError as error:
    expected_words = "2 Diagnostics named 'k', and the script has 3: give each a name"
    assert expected_words in str(error), error
else:
    raise AssertionError("Diagnostics went on from others' sums")
