"""Volume fraction and tortuosity vary, and change while the run goes on; r up to 30.

They are set after initialisation and again later.

Tortuosity is the same in the last two planes along x: NEURON has two permeabilities at the face
between them, and loses ions.
"""

from math import cos, sin

from harness import fadvance_to, my_cells, n, run, rxd, stick

LOW, SPACING, SHAPE = (-31.7, 12.3, -77.1), (7.3, 5.1, 9.7), (13, 11, 9)
HIGH = [low + (count - 0.4) * h for low, count, h in zip(LOW, SHAPE, SPACING)]
LAST = LOW[0] + (SHAPE[0] - 2.5) * SPACING[0]


def fraction(shift):
    return lambda x, y, z: 0.25 + 0.1 * sin((x + shift) / 17) * cos(y / 9) + 0.05 * sin(z / 31)


def winding(shift):
    return lambda x, y, z: (
        1.6 + 0.4 * sin((min(x, LAST) + shift) / 23) + 0.1 * cos(y / 13) * sin(z / 7)
    )


def uneven(mean):
    return lambda node: (
        mean * (1 + 0.3 * sin(node.x3d / 17) * cos(node.y3d / 23) + 0.002 * node.z3d)
    )


cells = {}
for i in my_cells(5):
    start = (-20 + 13.3 * i, 20 + 6.1 * i, -60 + 11.7 * i)
    sec = stick(
        i, start, (start[0] + 21, start[1] + 7.7, start[2] - 9), diam=1 + 0.3 * i, nseg=7
    )
    sec.insert("steady_k").insert("leaks").insert("pas")
    for seg in sec:
        seg.steady_k.rate = 1e-4 * (1 + i + seg.x)
    cells[i] = [sec]

ecs = rxd.Extracellular(
    *LOW, *HIGH, dx=SPACING, volume_fraction=fraction(0), tortuosity=winding(0)
)
k = rxd.Species(ecs, d=(2.5, 4.2, 20), name="k", charge=1, initial=uneven(3))
ca = rxd.Species(ecs, d=(2.4, 1.1, 5.3), name="ca", charge=2, initial=uneven(1.8))


def advance(step):
    """Reach a step; the tissue changes before the first step, and after the first and the tenth."""
    if step == 1:
        ecs.tortuosity = winding(40)
    if step == 10:
        ecs.alpha = fraction(60)
    fadvance_to(step)


n.celsius = 33
run(40, {"k": k[ecs], "ca": ca[ecs]}, cells, ("ko", "cao", "v"), advance=advance)
