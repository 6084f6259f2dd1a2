"""A restart after the tissue has changed in a run: `... OUTPUT FOLDER`."""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

from support.refusals import told_by_restart

pc = n.ParallelContext()
out, folder = sys.argv[1:]


def fraction(mean):
    return lambda x, y, z: mean + 0.001 * x


ecs = rxd.Extracellular(
    0, 0, 0, 40, 20, 20, dx=2, volume_fraction=fraction(0.2), tortuosity=1.6
)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 3 + 0.1 * node.x3d)
n.dt = 0.5
rxd.Checkpoint(folder, every="10 steps", keep=1)
n.finitialize(-65)
for step in range(18):
    if step == 5:
        ecs.set_volume_fraction(fraction(0.3))
    n.fadvance()
expected = np.array(k[ecs].states3d)

ecs.alpha = fraction(0.2)
refused = told_by_restart(folder)
ecs.alpha = fraction(0.3)
rxd.Checkpoint(folder + "-not")
rxd.restart(folder)
n.finitialize(-65)
went_on = n.t
while round(n.t / n.dt) < 18:
    n.fadvance()
found = np.array(k[ecs].states3d)
if pc.id() == 0:
    np.savez(out, refused=refused, went_on=went_on, expected=expected, found=found)
