"""Cells in two regions exchange ions with a box of which a State is the volume fraction.

The ion's currents of both regions count, each at its own segments.
"""

from harness import my_cells, run, rxd, stick

cells = {}
parts = [[], []]
for i in my_cells(5):
    start = 6 + 8 * i, 12 + 5 * (i % 2), 10
    sec = stick(i, start, (14 + 6 * i, 30, 28), diam=3 + i, nseg=1 + i % 3)
    sec.insert("pas")
    sec.insert("steady_k")
    for seg in sec:
        seg.steady_k.rate = 0.002 * (1 + i)
    cells[i] = [sec]
    parts[i % 2].append(sec)

ecs = rxd.Extracellular(0, 0, 0, 60, 45, 40, dx=(12, 15, 10), tortuosity=1.6)
alpha = rxd.State(ecs, name="alpha", initial=lambda node: 0.2 + 0.001 * node.z3d)
ecs.alpha = alpha
inside = [rxd.Region(part, name=f"cyt{i}", nrn_region="i") for i, part in enumerate(parts)]
k = rxd.Species(
    [*inside, ecs],
    name="k",
    charge=1,
    d=2.62,
    initial=lambda node: 4 * (1 + 0.5 * (node.x3d < 25)) if node.region == ecs else 140,
)
ko = k[ecs]
shrinks = rxd.Rate(alpha, -2e-3 * alpha * ko / 4)
reactions = []
for i, (region, part) in enumerate(zip(inside, parts)):
    membrane = rxd.Region(part, name=f"membrane{i}", geometry=rxd.membrane())
    reactions.append(
        rxd.MultiCompartmentReaction(
            k[region],
            ko,
            (30 + 20 * i) * (k[region] - 30 * ko),
            membrane=membrane,
            mass_action=False,
            membrane_flux=True,
        )
    )

run(0.05, {"k": ko, "alpha": alpha[ecs]}, cells, ("ko", "ki", "v"))
