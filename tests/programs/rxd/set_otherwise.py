"""What a script sets in other ways than by nodes: set_otherwise.py RESULT.npz [neuron]

Rank 0 has the one cell, and sets at its segment; the other ranks have none. What is saved is the
same in NEURON.
"""

import sys

import numpy as np

if sys.argv[2:] == ["neuron"]:
    from neuron import rxd
else:
    from ecsmpi import rxd
from neuron import n

pc = n.ParallelContext()
rank = int(pc.id())
ecs = rxd.Extracellular(0, 0, 0, 60, 30, 30, 10, volume_fraction=0.2)
k = rxd.Species(ecs, d=1, name="k", charge=1, initial=lambda node: 3 + node.x3d / 100)
tracer = rxd.Species(ecs, d=1, name="tracer", charge=0, initial=2)
rate = rxd.Parameter(ecs, name="rate", value=0.5)
decay = rxd.Rate(tracer, -rate * tracer)
cells = []
if rank == 0:
    cells.append(n.Section("cell"))
    cells[0].insert("hh")
    cells[0].pt3dclear()
    for x in (15, 20):
        cells[0].pt3dadd(x, 15, 15, 5)
found = {}


def node(i, species=k):
    return species[ecs].node_by_ijk(i, 1, 1)


def steps(count=3):
    for _ in range(count):
        n.fadvance()


def keep(name, *nodes):
    """The concentrations at the cell, and of some nodes."""
    seg = cells[0](0.5) if cells else None
    at_cell = [seg.ko, seg.ki, seg.ek] if cells else []
    found[name] = np.array(at_cell + [one.value for one in nodes])


def segments_variable(name, value):
    """Set a variable of the cell."""
    for cell in cells:
        setattr(cell(0.5), name, value)


def begin():
    n.finitialize(-65)
    steps(1)


for name, value in (("ko", 50), ("ki", 100), ("ik", 1)):
    begin()
    segments_variable(name, value)
    steps(1)
    keep(f"{name} set", node(1))
begin()
for cell in cells:
    cell.ko = 50
steps(1)
keep("ko of the section", node(1))
for name in ("ko", "ki"):
    played = n.Vector([10, 20, 30, 40, 50, 60])
    for cell in cells:
        played.play(getattr(cell(0.5), f"_ref_{name}"), 0.025)
    begin()
    steps(2)
    keep(f"{name} played", node(1))
    played.play_remove()

begin()
k.initial = 7
steps()
keep("initial in mid-run", node(1))
n.finitialize(-65)
keep("initial, begun again", node(1))
k.initial = lambda node: 3 + node.x3d / 100

# What the last two set stays; before, initial concentrations are still to come.
for kind in (3, 0, 1, 2):
    handler = n.FInitializeHandler(kind, lambda: setattr(node(2), "value", 77))
    n.finitialize(-65)
    keep(f"set in a handler {kind}", node(2))
    steps()
    keep(f"set in a handler {kind}, later", node(2))
handler = None

n.finitialize(-65)
n.CVode().event(0.06, lambda: setattr(node(2), "value", 55))
steps(5)
keep("set in an event", node(2))

begin()
rate.value = 2
steps()
keep("value of a parameter", node(1, rate), node(1, tracer))
rate.nodes.value = 3
steps()
keep("nodes of a parameter", node(1, rate), node(1, tracer))
node(1, rate)._ref_value[0] = 10
steps()
keep("pointer to a parameter", node(1, rate), node(1, tracer))

n.ko0_k_ion = 9
n.ki0_k_ion = 99
n.finitialize(-65)
keep("defaults of the ion", node(1))

for cell in cells:
    pc.source_var(cell(0.5)._ref_v, 5, sec=cell)
pc.target_var(node(5, tracer)._ref_value, 5)  # of all ranks
pc.setup_transfer()
n.finitialize(-65)
steps(2)
keep("target of a transfer", node(5, tracer))
if rank == 0:
    np.savez(sys.argv[1], **found)
