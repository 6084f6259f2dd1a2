"""A species or a box is made again, as by a notebook's cell that is run twice.

One that only a cycle holds makes way, else the error says how.
"""

import gc
import warnings

from ecsmpi import rxd
from neuron import n

n.load_file("stdrun.hoc")
gc.disable()
context = n.ParallelContext()
ranks = int(context.nhost())
warnings.simplefilter("error")
CURE = (
    "drop it first (`del` its name; in a notebook also `%reset -f out`, "
    "as Out[...] holds what a cell ended with), or call rxd.reset()"
)


def message_of(call, kind=rxd.RxDException):
    """What a call says that raises."""
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError("it raises nothing")


class Cycle:
    """Holds itself, and what it is given."""

    def __init__(self, held):
        self.me, self.held = self, held


def potassium(initial=3):
    return rxd.Species(ecs, name="k", d=2, charge=1, initial=initial)


def inside():
    return rxd.Species([cytosol], name="ca", d=1, charge=2, initial=1)


cell = n.Section("cell")
cell.pt3dadd(0, -20, 0, 8)
cell.pt3dadd(0, 20, 0, 8)
ecs = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=10)
cytosol = rxd.Region([cell], name="cytosol", nrn_region="i")
kept = []
for make in potassium, inside:
    Cycle(make())
    one = make()  # takes the place of what only the cycle holds
    n.finitialize(-65)
    n.fadvance()
    held = Cycle(one)
    said = message_of(make)
    assert CURE in said, said
    n.fadvance()  # the run goes on
    one = None
    assert CURE in message_of(make), "the cycle has a name"
    held = None
    one = make()
    kept.append(one)
    n.finitialize(-65)
    n.fadvance()
assert rxd.all_species() == kept[:1]

assert "charge 1 on another region" in message_of(
    lambda: rxd.Species(rxd.Extracellular(90, 90, 90, 99, 99, 99, dx=9), name="k", charge=2)
)

# a box made again while something still holds the old one
finer = rxd.Extracellular(-50, -50, -50, 50, 50, 50, dx=20)
again = rxd.Species(finer, name="k", d=2, charge=1, initial=4)
said = []
warnings.showwarning = lambda message, *_: said.append(str(message))
warnings.simplefilter("always")
n.finitialize(-65)
n.finitialize(-65)  # says it once
if int(context.id()) == 0:
    assert len(said) == 1 and 'two species "k" are in boxes that overlap' in said[0], said
else:
    assert not said
kept.clear()
one = None
n.finitialize(-65)
assert rxd.all_species() == [again]
assert cell.ko == 4
assert len(said) < 2

beside = rxd.Extracellular(50, -50, -50, 90, 50, 50, dx=10)
third = rxd.Species(beside, name="k", d=2, charge=1, initial=5)
both = rxd.Species([ecs, finer], name="na", d=2, charge=1, initial=5)
n.finitialize(-65)
assert len(said) < 2, "boxes that touch, and one species in two boxes, are meant so"

assert repr(rxd.Parameter(ecs, value=1.0)) == "Parameter(unnamed, value=1.0)"
assert repr(rxd.State(ecs, initial=1.0)) == "State(unnamed, d=0, initial=1.0)"
assert "docs/reference/features.md lists what is" in message_of(lambda: rxd.set_solver)
