"""After rxd.reset() a second model in the same process is as the first.

What was made before is refused; sections stay the script's.
"""

from ecsmpi import rxd
from neuron import n
import numpy as np

n.load_file("stdrun.hoc")
context = n.ParallelContext()
rank, ranks = int(context.id()), int(context.nhost())


def message_of(call, kind=rxd.RxDException):
    """What a call says that raises."""
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError("it raises nothing")


class Observer:
    """Knows how often it was ended."""

    ends = 0

    def started(self, simulation, t):
        pass

    def stepped(self, simulation, t):
        pass

    def ended(self):
        self.ends += 1


class Model:
    """Potassium on both sides of a membrane, with reactions in the box, in the cell and across."""

    def __init__(self, cell):
        self.ecs = rxd.Extracellular(
            -50, -50, -50, 50, 50, 50, dx=10, volume_fraction=0.2, tortuosity=1.6
        )
        self.cytosol = rxd.Region([cell], name="cytosol", nrn_region="i")
        self.membrane = rxd.Region([cell], name="membrane", geometry=rxd.membrane())
        self.k = rxd.Species(
            [self.cytosol, self.ecs],
            name="k",
            d=2,
            charge=1,
            initial=lambda node: 3 + node.x3d / 100,
        )
        self.buffer = rxd.Species(self.ecs, initial=1)
        self.alone = rxd.Species([self.cytosol], name="alone", initial=1)
        self.reactions = [
            rxd.Rate(self.buffer, -0.01 * self.buffer * self.k),
            rxd.Rate(self.alone, -0.1 * self.alone),
            rxd.MultiCompartmentReaction(
                self.k[self.cytosol], self.k[self.ecs], 1e4, 1e3, membrane=self.membrane
            ),
        ]
        self.observer = Observer()
        rxd.add_observer(self.observer)

    def run(self):
        """The boxes, and what the cell has."""
        n.finitialize(-65)
        n.continuerun(1)
        return (
            [np.array(one[self.ecs].states3d) for one in (self.k, self.buffer)],
            cell.ki,
            cell.ko,
            self.alone.nodes[0].value,
        )


cell = n.Section("cell")
cell.pt3dadd(-30 + 20 * rank, -20, 0, 8)
cell.pt3dadd(-30 + 20 * rank, 20, 0, 8)
cell.insert("hh")
rxd.reset()  # where there is nothing
first = Model(cell)
expected = first.run()
rxd.reset()
assert first.observer.ends == 1
assert rxd.all_species() == []
assert rxd.species._all_species == []
FORGOTTEN = "was made before rxd.reset(), which has forgotten it: make it again"
uses = [
    lambda: first.k[first.ecs],
    lambda: first.buffer[first.ecs],
    lambda: first.buffer.nodes,
    lambda: setattr(first.buffer, "d", 2),
    lambda: setattr(first.buffer, "name", "b"),
    lambda: rxd.Species(first.ecs, name="x"),
    lambda: rxd.Rate(first.buffer, -first.buffer),
    lambda: setattr(first.ecs, "alpha", 0.3),
    lambda: first.ecs.set_volume_fraction(0.3),
    first.buffer.re_init,
]
for use in uses:
    assert FORGOTTEN in message_of(use)
n.finitialize(-65)
n.continuerun(1)  # NEURON alone, though the first model is held
assert (cell.ki, cell.ko) == (n.ki0_k_ion, n.ko0_k_ion)
assert list(n.allsec()) == [cell]
second = Model(cell)
if ranks == 1:  # on more it ends the job
    said = message_of(n.fadvance, RuntimeError)
    assert (
        "k has come; an unnamed one has come: call it again before the run goes on" in said
    ), said
found = second.run()
assert (
    all((one == other).all() for one, other in zip(found[0], expected[0]))
    and found[1:] == expected[1:]
), (found[1:], expected[1:])
assert first.observer.ends == 1
handler = n.FInitializeHandler(rxd.reset)
if ranks == 1:
    assert "rxd.reset() cannot be called while NEURON runs" in message_of(
        lambda: n.finitialize(-65), RuntimeError
    )
    handler = None
    assert second.run()[1:] == expected[1:]
