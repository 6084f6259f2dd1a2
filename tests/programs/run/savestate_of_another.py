"""A script restores a SaveState of another box, is told so, and goes on."""

from pathlib import Path
import sys

from ecsmpi import rxd
from neuron import n

path = str(Path(sys.argv[1]))
n.dt = 0.1


def box(planes):
    """A model whose box has so many x-planes."""
    ecs = rxd.Extracellular(0, 0, 0, 10 * planes, 20, 20, 10)
    return ecs, rxd.Species(ecs, d=1, name="k", charge=1, initial=3)


ecs, k = box(4)
n.finitialize(-65)
state = n.SaveState()
state.save()
state.fwrite(n.File(path))
rxd.reset()
ecs, k = box(5)
n.finitialize(-65)
again = n.SaveState()
again.fread(n.File(path))
try:
    again.restore()
except ValueError as error:
    assert "of another extracellular space" in str(error), error
else:
    sys.exit("restored into another box")
n.finitialize(-65)
n.fadvance()
assert (k[ecs].states3d == 3).all()
print("goes on")
