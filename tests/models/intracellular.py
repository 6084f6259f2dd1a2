"""Cells with NEURON's own reactions and diffusion inside, and the extracellular space around them.

Calcium enters with the current of a channel, diffuses, is buffered, leaks out and is pumped into
stores at a rate that a gate of the voltage opens; potassium accumulates on both sides of the
membrane.
"""

from harness import my_cells, n, run, rxd, stick

CELLS = 5

cells, clamps = {}, []
for i in my_cells(CELLS):
    x, y, z = 10 + 11 * i, 20 + 7 * (i % 3), 15 + 3 * (i % 2)
    soma = stick(i, (x, y, z), (x + 9, y, z), diam=9, nseg=1)
    dendrite = stick(i + 100, (x + 9, y, z), (x + 13, y + 20, z + 9), diam=1.5, nseg=3)
    dendrite.connect(soma(1))
    soma.insert("hh")
    dendrite.insert("pas").insert("leaks")
    clamp = n.IClamp(soma(0.5))
    clamp.delay, clamp.dur, clamp.amp = 0.1 + 0.2 * i, 2, 0.3
    clamps.append(clamp)
    cells[i] = [soma, dendrite]

sections = [sec for cell in cells.values() for sec in cell]
cyt = rxd.Region(
    sections, name="cyt", nrn_region="i", geometry=rxd.FractionalVolume(0.8, surface_fraction=1)
)
er = rxd.Region(sections, name="er", geometry=rxd.FractionalVolume(0.2))
er_membrane = rxd.Region(sections, name="er_membrane", geometry=rxd.DistributedBoundary(2))
membrane = rxd.Region(sections, name="membrane", geometry=rxd.membrane())
ecs = rxd.Extracellular(
    0, 0, 0, 80, 60, 50, dx=(10, 12, 10), volume_fraction=0.02, tortuosity=1.6
)

ki = rxd.Species(cyt, d=1, name="k", charge=1, initial=140)
ko = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=3)
ca = rxd.Species(
    [cyt, er],
    d=0.1,
    name="ca",
    charge=2,
    initial=lambda node: 1e-4 if node.region == cyt else 0.4,
)
buffer = rxd.Species(cyt, initial=0.05)
bound = rxd.Species(cyt, initial=0)
gate = rxd.State(membrane, initial=0.1)
rest = rxd.Parameter(cyt, value=1e-4)

opening = 1 / (1 + rxd.rxdmath.exp(-(rxd.v + 20) / 9))
buffering = rxd.Reaction(ca[cyt] + buffer[cyt], bound[cyt], 200, 0.05)
gating = rxd.Rate(gate, (opening - gate) / 3)
leak = rxd.Rate(ca[cyt], (rest[cyt] - ca[cyt]) / 80)
store = rxd.MultiCompartmentReaction(
    ca[cyt],
    ca[er],
    30 * (1 + gate[membrane]) * ca[cyt] / (1e-3 + ca[cyt]),
    membrane=er_membrane,
    mass_action=False,
)

run(0.025, {"k": ko[ecs]}, cells, ("ko", "ki", "cai", "ek", "v"))
