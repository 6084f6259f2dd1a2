"""Walls held at 3.5 mM around tissue that begins at 9 mM.

There are cells inside, and one in the border voxels.
"""

from harness import my_cells, run, rxd, stick

STARTS = ((3, 41, 37), (41, 5, 30), (60, 50, 20), (25, 30, 45))

cells = {}
for i in my_cells(len(STARTS)):
    x, y, z = STARTS[i]
    sec = stick(i, (x, y, z), (x, y + 33, z + 11), diam=2, nseg=9)
    sec.insert("steady_k")
    for seg in sec:
        seg.steady_k.rate = 0.003
    cells[i] = [sec]

ecs = rxd.Extracellular(0, 0, 0, 90, 84, 70, dx=7, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=9, ecs_boundary_conditions=3.5)

run(5, {"k": k[ecs]}, cells)
