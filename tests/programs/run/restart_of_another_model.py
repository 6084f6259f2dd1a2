"""Restarts of other models than the one that took the checkpoints: `... OUTPUT FOLDER`."""

import sys

from ecsmpi import rxd
from neuron import n
import numpy as np

from support.refusals import told_by_restart

pc = n.ParallelContext()
folder = sys.argv[2]
sec = n.Section(name="sec")
sec.pt3dadd(5, 5, 5, 3)
sec.pt3dadd(9, 9, 9, 3)
sec.insert("hh")


def box(width=40):
    return rxd.Extracellular(0, 0, 0, width, 20, 20, dx=2, volume_fraction=0.2, tortuosity=1.6)


def potassium(ecs, d=2.62):
    return rxd.Species(ecs, d=d, name="k", charge=1, initial=3)


ecs = box()
k = potassium(ecs)
n.dt = 0.025
pc.set_maxstep(10)
rxd.Checkpoint(folder, every="10 steps")
n.finitialize(-65)
pc.psolve(0.5)
told = {"same": told_by_restart(folder)}
n.dt = 0.05
told["dt"] = told_by_restart(folder)
n.dt = 0.025
del k
k = potassium(ecs, 2.5)
told["d"] = told_by_restart(folder)
del k, ecs
ecs = box(42)
k = potassium(ecs)
told["box"] = told_by_restart(folder)
del k, ecs
ecs = box()
k = potassium(ecs)
na = rxd.Species(ecs, d=1.78, name="na", charge=1, initial=140)
told["species"] = told_by_restart(folder)
del na
sec.nseg = 3
told["segments"] = told_by_restart(folder)
sec.nseg = 1
sec.insert("pas")
told["mechanisms of a section"] = told_by_restart(folder)
sec.uninsert("pas")
folder = folder + "-none"
told["nothing"] = told_by_restart(folder)
np.savez(sys.argv[1], **told)
