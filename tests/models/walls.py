"""Walls held in lines that are long enough for one pass through memory, whatever is off them.

Two species are held at values that they do not begin at, a third one is not. A reaction acts also
in the border voxels, a cell lies in them, and they are set on the way, in which dt changes.
"""

from math import sin

from harness import my_cells, n, run, rxd, stick

AT_WALLS = ((0, 5, 9), (11, 0, 17), (12, 11, 18), (7, 3, 0), (12, 6, 36), (9, 0, 0))
STARTS = ((3, 41, 37), (41, 5, 130), (60, 50, 200), (25, 30, 245))

cells = {}
for i in my_cells(len(STARTS)):
    x, y, z = STARTS[i]
    sec = stick(i, (x, y, z), (x + 60, y + 33, z + 11), diam=2, nseg=9)
    sec.insert("steady_k")
    for seg in sec:
        seg.steady_k.rate = 0.003
    cells[i] = [sec]


def uneven(node):
    return 3 + sin(node.x3d + 2 * node.y3d + 3 * node.z3d)


ecs = rxd.Extracellular(0, 0, 0, 168, 84, 259, dx=7, volume_fraction=0.2, tortuosity=1.6)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=uneven, ecs_boundary_conditions=3.5)
bound = rxd.Species(ecs, d=(0.7, 1.3, 2.1), initial=uneven, ecs_boundary_conditions=1)
free = rxd.Species(ecs, d=1, initial=uneven)
binding = rxd.Reaction(k, bound, 0.003, 0.002)

done = 0


def advance_and_set(step):
    """Steps of 0.4 ms up to the 100th, of 0.25 ms from there; border voxels are set before some."""
    global done
    while done < step:
        n.dt = 0.4 if done < 100 else 0.25
        if done in (5, 50, 150):
            for place in AT_WALLS:
                k[ecs].node_by_ijk(*place).value = 9 + 0.01 * done
        if done == 120:
            free[ecs].nodes.value = [2 + 0.01 * (v % 19) for v in range(24 * 12 * 37)]
            bound[ecs].nodes.value = 0.5
        n.fadvance()
        done += 1


grids = {"k": k[ecs], "bound": bound[ecs], "free": free[ecs]}
run(0.4, grids, cells, ("ko",), advance_and_set)
