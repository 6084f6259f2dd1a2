"""Reactions of all kinds at once, in three boxes.

They are reversible and one-way, of mass action and own rate laws, several of a species.

Potassium is released by cells and buffered; the rates' derivatives are what NEURON takes as
difference quotients.
"""

from harness import my_cells, run, rxd, stick

rxdmath = rxd.rxdmath

cells = {}
for i in my_cells(4):
    sec = stick(i, (-30 + 20 * i, -20, -25), (-25 + 20 * i, 15, 20), diam=2 + i, nseg=5)
    sec.insert("steady_k")
    for seg in sec:
        seg.steady_k.rate = 0.01 * (1 + i)
    cells[i] = [sec]


def uneven(mean):
    return lambda node: (
        mean * (1 + 0.3 * node.x3d / 50 - 0.2 * node.y3d / 40 + 0.1 * node.z3d / 30)
    )


def inside(node):
    return 1 if node.x3d**2 + node.y3d**2 + node.z3d**2 < 25**2 else 0


ecs = rxd.Extracellular(
    -50, -40, -30, 55, 40, 30, dx=(7, 8, 10), volume_fraction=0.2, tortuosity=1.6
)
far = rxd.Extracellular(300, 0, 0, 350, 30, 20, dx=10)
k = rxd.Species(
    [ecs, far], name="k", d=2.62, charge=1, initial=lambda node: 40 * inside(node) + 3.5
)
A = rxd.Species(ecs, name="A", charge=1, initial=lambda node: 10 - 5 * inside(node))
AK = rxd.Species(ecs, name="AK", charge=1, initial=lambda node: 5 * inside(node))
buffering = rxd.Reaction(
    k[ecs] + A, AK, 0.0008 / (1 + rxdmath.exp(-(k[ecs] - 15) / 1.15)), 0.0008
)

# A pair and its parts, saturable loss, and a one-way decay, in a part of the box by a parameter
monomer = rxd.Species([ecs, far], name="monomer", d=1.1, initial=uneven(2))
partner = rxd.Species([ecs, far], name="partner", d=0.7, initial=uneven(1))
complexes = rxd.Species([ecs, far], name="complexes", d=0.2, initial=0.1)
lost = rxd.State([ecs, far], initial=0)
mask = rxd.Parameter([ecs, far], value=inside)
strength = rxd.Parameter([ecs, far], name="strength", initial=uneven(0.03))
binding = rxd.Reaction(2 * monomer + partner, complexes, strength, 0.05)
loss = rxd.Reaction(complexes, lost, 0.2 * complexes / (0.5 + complexes), custom_dynamics=True)
decay = rxd.Reaction(partner > lost, 0.01 * mask)

# Several rates of the same species; functions; one region only
driven = rxd.Species([ecs, far], name="driven", d=0.5, initial=uneven(0.5))
production = rxd.Rate(driven, 0.02 * mask)
removal = rxd.Rate(
    driven, -0.03 * driven * rxdmath.tanh(driven / 2) + 0.01 * rxdmath.log(1 + monomer**2)
)
here = rxd.Rate(driven, 0.1 * rxdmath.sqrt(abs(driven - 0.3)), regions=[far])
there = rxd.Rate(
    driven[ecs],
    0.004 * k[ecs] ** 2 / (k[ecs] ** 2 + 15**2) - 0.005 * rxdmath.vtrap(driven - 1, 2),
)

# Oxygen in a box of its own on the same grid: rates of either box read the other
air = rxd.Extracellular(-50, -40, -30, 55, 40, 30, dx=(7, 8, 10))
oxygen = rxd.Species(air, d=3.3, initial=uneven(0.5))
breathing = rxd.Rate(oxygen[air], -0.02 * oxygen[air] * driven[ecs] / (0.1 + oxygen[air]))
fed = rxd.Rate(driven[ecs], 0.03 * oxygen[air] * k[ecs] / (10 + k[ecs]))

# Linear: exact in both
left = rxd.Species(ecs, d=1, name="left", initial=uneven(1))
right = rxd.Species(ecs, d=0.1, name="right", initial=0)
exchange = rxd.Reaction(left, right, 0.1, 0.03)

grids = {
    "k": k[ecs],
    "A": A[ecs],
    "AK": AK[ecs],
    "left": left[ecs],
    "right": right[ecs],
    "oxygen": oxygen[air],
}
for name, species in {
    "monomer": monomer,
    "partner": partner,
    "complexes": complexes,
    "driven": driven,
    "lost": lost,
}.items():
    grids |= {name: species[ecs], f"far {name}": species[far]}
run(0.5, grids, cells, ("ko", "AKo"))
