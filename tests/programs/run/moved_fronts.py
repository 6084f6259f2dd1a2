"""A wave that is moved by hand, and its fronts: `moved_fronts.py OUTPUT BACKEND`."""

import io

import numpy as np

from support.model import n, rank, rxd, save, steps

ecs = rxd.Extracellular(0, 0, 0, 200, 60, 50, (5, 6, 5))
wave = rxd.Species(ecs, d=0, name="wave", initial=0)
gauss = rxd.Species(ecs, d=(0.5, 0.5, 0.5), initial=0)
still = rxd.Species(ecs, d=0, initial=2)
WAY = {"x": (0, 1), "-x": (0, -1), "y": (1, 1), "-z": (2, -1), "radius": (None, 1)}
kinds = ["x", "-x", "y", "-z", "radius"]
nodes = [(np.arange(c) + 0.5) * h for c, h in zip((40, 10, 10), (5, 6, 5))]
lo, hi = wave[ecs].planes
x, y, z = nodes[0][lo:hi, None, None], nodes[1][:, None], nodes[2]
radius = np.sqrt((x - 100) ** 2 + (y - 30) ** 2 + (z - 25) ** 2)


class Mover:
    def put(self, t):
        axis, way = WAY[self.kind]
        at = radius if axis is None else (x, y, z)[axis]
        begin = 10 if way == 1 else (200, 60, 50)[axis] - 10
        place = begin + way * 1.7 * t
        wave[ecs].local[:] = np.clip(5 + way * (place - at) / 10, 0, 10)
        self.place = place

    def started(self, simulation, t):
        self.put(t)

    def stepped(self, simulation, t):
        self.put(t)

    def ended(self):
        pass


mover = Mover()
rxd.add_observer(mover)
seen = {}
for kind in kinds:
    asked = dict(centre=(100, 30, 25), shell=5) if kind == "radius" else {}
    seen[kind] = rxd.Diagnostics(wave, every=1, threshold=5, front=kind, **asked)
sigma0, total = 6.0, 1e4
shells = dict(centre=(100, 30, 25), shell=5)
of_gauss = rxd.Diagnostics(gauss, every=10, threshold=0.5, front="radius", **shells)
never = rxd.Diagnostics(still, every=1, threshold=2.5, front="x")
stream = io.StringIO()
progress = rxd.Progress(10, stream)
progress._interval = 0
found = {}
for kind in kinds:
    mover.kind = kind
    n.finitialize(-65)
    steps(100)
    table = seen[kind].table
    found[kind] = [table["front"], table["speed"]]
assert np.isnan(never.table["front"]).all()
assert np.isnan(never.table["speed"]).all()
said = stream.getvalue()
assert ("wave 0 to 7.45 mM, front at " in said) == (rank == 0), said[-500:]
assert "2 to 2 mM, front" not in said
save(**{kind: np.array(values) for kind, values in found.items()})
