"""Amounts of species in tissue that varies and changes: `amounts.py OUTPUT BACKEND`."""

import numpy as np

from support.model import cells, n, rxd, save, steps, uneven


def fraction(x, y, z):
    return 0.2 + 0.001 * x + 0.02 * np.sin(y)


def tortuosity(x, y, z):
    return 1.6 + 0.1 * np.cos(z)


low, high = (-50, -40, -40), (51, 42, 60)
ecs = rxd.Extracellular(*low, *high, (7, 8, 9), fraction, tortuosity)
made = cells()
other = rxd.Extracellular(*low, *high, (7, 8, 9), tortuosity=1.6)
size = rxd.State(other, initial=lambda node: 0.3 + 0.001 * node.x3d)
other.set_volume_fraction(size)
bath = {"xlo": rxd.Bath(9, permeability=0.5)}
held = {"xhi": 7.0, "ylo": 2.0}
species = {
    "closed": rxd.Species(ecs, d=20, name="k", charge=1, initial=uneven),
    "bath": rxd.Species(ecs, d=20, initial=uneven, ecs_boundary_conditions=bath),
    "held": rxd.Species(
        ecs, d=20, name="na", charge=1, initial=uneven, ecs_boundary_conditions=held
    ),
    "shrinking": rxd.Species(other, d=20, initial=uneven),
}
shrinks = rxd.Rate(size, -0.2 * size * size)
tables = {name: rxd.Diagnostics(one, every=1, balance=True) for name, one in species.items()}
n.finitialize(-65)
steps(100)
ecs.set_volume_fraction(lambda x, y, z: 0.3 - 0.001 * x)
steps(100)
numbers = {}
for name, one in tables.items():
    for column, values in one.table.items():
        numbers[f"{name} {column}"] = values
save(sizes=np.array(size[other].states3d), **numbers)
