"""An odd box and large steps, with ions of charge 1, 2 and -1.

r = D dt / h^2 is from 5 to 50, another along each axis.

The box has 23 x 17 x 11 oblong voxels, does not begin at 0 and does not end at a multiple of its
spacing. Concentrations begin uneven. The currents of ca and cl follow the potentials, and these the
concentrations.
"""

from math import cos, sin

from harness import my_cells, n, run, rxd, stick

LOW = (-31.7, 12.3, -77.1)
SPACING = (7.3, 5.1, 9.7)
HIGH = [low + (count - 0.4) * h for low, count, h in zip(LOW, (23, 17, 11), SPACING)]


def uneven(mean):
    return lambda node: (
        mean * (1 + 0.3 * sin(node.x3d / 17) * cos(node.y3d / 23) + 0.002 * node.z3d)
    )


cells = {}
for i in my_cells(5):
    start = (-20 + 23.3 * i, 20 + 11.1 * i, -60 + 13.7 * i)
    sec = stick(
        i, start, (start[0] + 31, start[1] + 7.7, start[2] - 9), diam=1 + 0.3 * i, nseg=7
    )
    sec.insert("steady_k").insert("leaks").insert("pas")
    for seg in sec:
        seg.steady_k.rate = 1e-4 * (1 + i + seg.x)
    cells[i] = [sec]

ecs = rxd.Extracellular(*LOW, *HIGH, dx=SPACING, volume_fraction=0.23, tortuosity=1.3)
k = rxd.Species(ecs, d=(2.5, 4.2, 40), name="k", charge=1, initial=uneven(3))
ca = rxd.Species(ecs, d=(2.4, 1.1, 5.3), name="ca", charge=2, initial=uneven(1.8))
cl = rxd.Species(ecs, d=3.1, name="cl", charge=-1, initial=uneven(130))

n.celsius = 33
run(200, {"k": k[ecs], "ca": ca[ecs], "cl": cl[ecs]}, cells, ("ko", "cao", "clo", "v"))
