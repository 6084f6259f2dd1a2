"""Modules are left out of collections: `left_out.py [interactive]`.

What the script makes after the import is not.
"""

import gc
import sys
import weakref

if sys.argv[1:] == ["interactive"]:
    sys.ps1 = ">>> "
before = gc.get_freeze_count()  # Python 3.12 leaves out some objects of its own
from ecsmpi import rxd  # noqa: E402
from neuron import n  # noqa: E402

left_out = gc.get_freeze_count() - before
if sys.argv[1:] == ["interactive"]:
    assert left_out == 0, left_out
else:
    assert left_out > len(sys.modules), left_out


class Model:
    """Holds itself, and a species."""

    def __init__(self, name):
        self.species = rxd.Species(ecs, d=1, name=name, charge=1, initial=3)
        self.itself = self


ecs = rxd.Extracellular(0, 0, 0, 60, 30, 30, 10, volume_fraction=0.2)
n.finitialize(-65)  # what this brings from the compiler is not left out
model = Model("k")
went = weakref.ref(model)
n.finitialize(-65)
assert went() is not None
assert [one.name for one in rxd.all_species()] == ["k"]
model = Model("na")
n.finitialize(-65)
assert went() is None
assert [one.name for one in rxd.all_species()] == ["na"]
n.fadvance()
print("went on")
