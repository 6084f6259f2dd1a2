"""A rate changes the volume fraction while the run goes on.

The fraction is a State, which NEURON follows if it is there before the species.
"""

from math import sin

from harness import my_cells, run, rxd, stick

cells = {}
for i in my_cells(3):
    cells[i] = [stick(i, (5 + 4 * i, 5, 5), (45 - 6 * i, 40, 35), diam=1 + i, nseg=5)]
    cells[i][0].insert("steady_k")
    for seg in cells[i][0]:
        seg.steady_k.rate = 0.002 * (1 + i + seg.x)

ecs = rxd.Extracellular(0, 0, 0, 52, 45, 40, dx=4, tortuosity=1.6)
alpha = rxd.State(
    ecs, name="alpha", initial=lambda node: 0.2 + 0.001 * node.z3d + 0.01 * sin(node.x3d / 7)
)
ecs.alpha = alpha
k = rxd.Species(
    ecs,
    d=2.62,
    name="k",
    charge=1,
    initial=lambda node: 40 if node.x3d < 20 else 3.5 + 0.01 * node.y3d,
)
shrinks = rxd.Rate(alpha, 5e-6 * (k - 3.5) * (k - 70) * alpha)

run(0.5, {"k": k[ecs], "alpha": alpha[ecs]}, cells, ("ko",))
