"""Boxes of one, two and few voxels along each axis, with closed walls and with walls held at 2 mM.

One box, two voxels thick, has a cell with currents; the others hold species that segments do not
know.
"""

from itertools import product
from math import sin

from harness import my_cells, run, rxd, stick

SHAPES = [
    (1, 5, 7),
    (5, 1, 7),
    (5, 7, 1),
    (1, 1, 6),
    (1, 6, 1),
    (6, 1, 1),
    (1, 1, 1),
    (2, 5, 7),
    (5, 2, 7),
    (5, 7, 2),
    (2, 2, 6),
    (2, 6, 2),
    (6, 2, 2),
    (2, 2, 2),
    (2, 1, 5),
    (3, 3, 3),
]
SPACING = (3, 4, 5)


def uneven(node):
    return 3 + sin(node.x3d + 2 * node.y3d + 3 * node.z3d)


def box(shape, x=0):
    width, depth, height = (count * h for count, h in zip(shape, SPACING))
    return rxd.Extracellular(x, 0, 0, x + width, depth, height, dx=SPACING, volume_fraction=0.2)


cells = {}
for i in my_cells(1):
    sec = stick(i, (1, 2, 3), (5, 17, 28), diam=1, nseg=11)
    sec.insert("steady_k")
    for seg in sec:
        seg.steady_k.rate = 0.01
    cells[i] = [sec]

inhabited = box((2, 5, 7))
k = rxd.Species(inhabited, d=1.1, name="k", charge=1, initial=uneven)
regions, species = [inhabited], [k]
grids = {"inhabited": k[inhabited]}
for shape, walls in product(SHAPES, (None, 2)):
    regions.append(box(shape, x=100))
    species.append(
        rxd.Species(
            regions[-1], d=(1.3, 0.7, 2.1), initial=uneven, ecs_boundary_conditions=walls
        )
    )
    grids[f"{shape}, walls {walls}"] = species[-1][regions[-1]]

run(4, grids, cells)
