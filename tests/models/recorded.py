"""Voxels and segments recorded through time, and concentrations set on the way.

After 20 steps one voxel is set to 25 mM; after 60 a ball of voxels is, each by its node.
"""

from harness import fadvance_to, my_cells, n, run, rxd, stick

cells = {}
for i in my_cells(3):
    sec = stick(i, (5 + 20 * i, 10, 8 + 5 * i), (20 + 15 * i, 40, 22), diam=2, nseg=5)
    sec.insert("steady_k")
    sec.insert("hh")
    for seg in sec:
        seg.steady_k.rate = 0.01
    cells[i] = [sec]

ecs = rxd.Extracellular(
    -4, -4, -4, 70, 52, 36, dx=(6, 7, 8), volume_fraction=0.2, tortuosity=1.6
)
k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 3 + 0.02 * node.y3d)
grid = k[ecs]

POINTS = {
    "first voxel": (-4, -4, -4),
    "in the middle": (33, 20, 15),
    "by a cell": (12, 25, 15),
    "last voxel": (73.9, 51, 35),
}
nodes = {name: grid.node_by_location(*point) for name, point in POINTS.items()}
recorded = {
    f"recorded {name}": n.Vector().record(node._ref_value) for name, node in nodes.items()
}
values = {f"value {name}": n.Vector() for name in nodes}
if 0 in cells:
    recorded["recorded ko"] = n.Vector().record(cells[0][0](0.5)._ref_ko)
    recorded["recorded ek"] = n.Vector().record(cells[0][0](0.5)._ref_ek)


def advance_with_changes(step):
    for target, change in ((20, set_one), (60, set_ball), (step, None)):
        if round(n.t / n.dt) < target <= step:
            fadvance_to(target)
            if change:
                change()
    for name, node in nodes.items():
        values[f"value {name}"].append(node.value)


def set_one():
    nodes["in the middle"].value = 25


def set_ball():
    for x in range(20, 50, 6):
        for y in range(10, 40, 7):
            if (x - 33) ** 2 + (y - 20) ** 2 < 200:
                grid.node_by_location(x, y, 9).value = 12


run(
    0.1,
    {"k": grid},
    cells,
    ("ko", "ek", "v"),
    advance_with_changes,
    recorded={**recorded, **values},
)
