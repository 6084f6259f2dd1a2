"""Nodes and the life of species.

Lists are read and set, fluxes added, d changed during a run; species come and go.

Four cells with hh on the ranks in turn. Everything is saved where NEURON would show it: grids,
lists of nodes, segments.
"""

import gc
from math import sin

from harness import OUTPUT, all_segments, my_cells, n, pc, rxd, stick
import numpy as np

LOW, SPACING, SHAPE = (-20.0, -10.0, 5.0), (6.0, 7.0, 8.0), (13, 9, 7)
HIGH = [low + count * h for low, count, h in zip(LOW, SHAPE, SPACING)]

cells, clamps = {}, {}
for i in my_cells(4):
    sec = stick(i, (-12 + 16 * i, 4 + 9 * i, 20), (4 + 16 * i, 12 + 9 * i, 34), diam=4, nseg=3)
    sec.insert("hh")
    clamps[i] = n.IClamp(sec(0.5))
    clamps[i].delay, clamps[i].dur, clamps[i].amp = 0.3 + 0.1 * i, 50, 0.4
    cells[i] = [sec]

ecs = rxd.Extracellular(*LOW, *HIGH, dx=SPACING, volume_fraction=0.2, tortuosity=1.6)
far = rxd.Extracellular(200, 0, 0, 240, 30, 30, dx=10)
k = rxd.Species(
    [ecs, far],
    d=2.62,
    name="k",
    charge=1,
    initial=lambda node: 3 + node.x3d / 100 - node.z3d / 300,
)
x = rxd.Species(ecs, d=(1, 2, 3), name="x1", charge=1, initial=2, ecs_boundary_conditions=2.5)
still = rxd.Species(ecs, d=0, initial=1)
x.name, x.charge = "x2", 2  # before the first use
saved = {}


def look(when):
    for name, part in (("k", k[ecs]), ("k far", k[far]), ("x", x[ecs]), ("still", still[ecs])):
        saved[f"{name} {when}"] = np.array(part.states3d)
    saved[f"segments {when}"] = np.array(
        [all_segments(cells, name) for name in ("ko", "x2o", "v")]
    )


def steps(count):
    for _ in range(count):
        n.fadvance()


def at(species, i, j, k):
    return species[ecs].node_by_ijk(i, j, k)


n.dt, n.steps_per_ms = 0.05, 20
n.finitialize(-65)
x[ecs].nodes.value = 1.7
k[ecs].nodes.value = [3 + 0.001 * (i % 17) for i in range(len(k[ecs].nodes))]
k.nodes((215, 12, 7)).value = 9
k.nodes[100:200:3].concentration = 4
look("set")
nodes = k.nodes
some = nodes[37:-5:11]
saved["nodes"] = np.array(
    [[node.x3d, node.y3d, node.z3d, node.volume, node.d, node.value] for node in some]
)
saved["lists"] = np.array([some.value, some.volume])
saved["sublist"] = np.array(nodes(ecs)[5::13].value)
saved["counts"] = np.array(
    [len(nodes), len(k.nodes(far)), len(nodes((215, 12, 7))), len(nodes(ecs)((215, 12, 7)))]
)
saved["satisfies"] = np.array(
    [nodes[0].satisfies(ecs), nodes[0].satisfies(far), nodes[0].satisfies((-19, -9, 6))],
    dtype=float,
)
steps(10)
look("run")

# One species goes and another comes. (NEURON cannot go on after this where there are fluxes.)
del still
gc.collect()
n.finitialize(-65)
still = rxd.Species(ecs, d=0, name="y", charge=0, initial=0.5)
n.finitialize(-65)
still[ecs].nodes.value = np.arange(np.prod(SHAPE)) / 100.0
steps(5)
look("another species")
saved["y"] = np.array([all_segments(cells, "yo")])

# Fluxes: some known to all ranks, some to the one that has the cell; one into a wall that is held.
at(x, 6, 4, 3).include_flux(3e5)
at(x, 6, 4, 3).include_flux(2e-19, units="mol/ms")
at(x, 0, 4, 3).include_flux(3e6)
x.nodes((0, 20, 30)).include_flux(1e-16, units="mmol/ms")
at(still, 3, 3, 3).include_flux(-1e4)
still[ecs].nodes[40:90:7].include_flux(5e4)
at(still, 9, 3, 3).include_flux(lambda: 1e5 * sin(n.t))
at(still, 9, 3, 3).include_flux(n._ref_t, units="molecule/ms")
for i, clamp in clamps.items():
    at(k, 6, 4, 3).include_flux(clamp, "i", units="mol/s")
    at(still, 2 * i, 5, 5).include_flux(cells[i][0](0.5)._ref_v)
    at(still, 7, 7, 1).include_flux(cells[i][0](0.5)._ref_v)
steps(10)
look("fluxes")

# Coefficients during a run, also from none to some and back.
k.d = 5
x[ecs].d = (2, 0.5, 4)
still.d = 1.3
steps(10)
look("other d")
still.d, k[far].d = 0, 7
steps(5)
look("d back")

# What the segments hold outside goes into the grid.
for [sec] in cells.values():
    sec(0.5).ko, sec(0.5).x2o = 8, 6
k.re_init()
look("k taken in")
rxd.re_init()
look("all taken in")
steps(5)
look("after re_init")

if pc.id() == 0:
    np.savez(OUTPUT, **saved)
