"""A model in the way of published ones.

Cells are dealt over ranks, read and drawn by rank 0 alone, saved by all.
"""

import sys

from matplotlib import pyplot
from neuron import h, rxd
from neuron.rxd import rxdmath
import numpy

pc = h.ParallelContext()
pcid, nhost = int(pc.id()), int(pc.nhost())
numpy.random.seed(1234 + pcid)
Ncell = 600
more = float(sys.argv[1])  # mM, only where it is not NEURON that runs
cells = []
for i in range(Ncell // nhost):
    x, y, z = [(numpy.random.random() - 0.5) * 90 for axis in range(3)]
    cell = h.Section(name=f"soma{i}")
    cell.pt3dadd(x, y, z, 5)
    cell.pt3dadd(x, y + 5, z, 5)
    cell.insert("hh")
    cells.append(cell)
ecs = rxd.Extracellular(-60, -60, -60, 60, 60, 60, dx=20, volume_fraction=0.2, tortuosity=1.6)
start = 4 + more * rxd.__name__.startswith("ecsmpi")
k = rxd.Species(
    ecs, name="k", d=2.62, charge=1, initial=lambda node: start if node.x3d < 0 else 3
)
decay = rxd.Rate(k, 0.01 * (3 - k) * rxdmath.exp(-k / 10))
pc.set_maxstep(10)
h.dt = 0.025
h.finitialize(-65)
while pc.t(0) < 0.1:
    if pcid == 0:
        pyplot.imshow(k[ecs].states3d.mean(2))
        pyplot.savefig("k_mean.png")
        with open("progress.txt", "a") as progress:
            most = max(node.concentration for node in k.nodes)
            progress.write(f"{h.t:g}\t{most:g}\n")
    pc.psolve(pc.t(0) + h.dt)
if pcid == 0:
    numpy.save("k.npy", k[ecs].states3d)
if pcid > 0:
    h.quit()
