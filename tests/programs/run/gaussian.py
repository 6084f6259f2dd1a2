"""A Gaussian that spreads, and its shells: `gaussian.py OUTPUT BACKEND`."""

import numpy as np

from support.model import n, rxd, save, steps

d, sigma, total = 1.0, 9.0, 2e5
ecs = rxd.Extracellular(-60, -60, -60, 60, 60, 60, 3, volume_fraction=0.2, tortuosity=1.6)


def initial(node):
    squared = node.x3d**2 + node.y3d**2 + node.z3d**2
    return total / (2 * np.pi * sigma**2) ** 1.5 * np.exp(-squared / (2 * sigma**2))


k = rxd.Species(ecs, d=d * 1.6**2, initial=initial)
asked = dict(threshold=2, front="radius", centre=(0, 0, 0), shell=3)
seen = rxd.Diagnostics(k, every=20, balance=True, **asked)
n.dt = 0.5
n.finitialize(-65)
steps(80)
save(**seen.table)
