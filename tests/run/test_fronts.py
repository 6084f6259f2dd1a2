"""Fronts, their speed and the shells around a centre are where they were put, and where a Gaussian
spreads to.
"""

import math

from ecsmpi.run.observers.fronts import front
import numpy as np
import pytest

from support.rxd_scripts import script

MOVED = """
    import io
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
    seen = {kind: rxd.Diagnostics(wave, every=1, threshold=5, front=kind, centre=(100, 30, 25) if kind == "radius" else None,
                                  shell=5 if kind == "radius" else None) for kind in kinds}
    sigma0, total = 6.0, 1e4
    of_gauss = rxd.Diagnostics(gauss, every=10, threshold=0.5, centre=(100, 30, 25), shell=5, front="radius")
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
    assert np.isnan(never.table["front"]).all() and np.isnan(never.table["speed"]).all()
    said = stream.getvalue()
    assert ("wave 0 to 7.45 mM, front at " in said) == (rank == 0), said[-500:]
    assert "2 to 2 mM, front" not in said
    save(**{kind: np.array(values) for kind, values in found.items()})
"""


@pytest.mark.parametrize("ranks", [None, 4])
def test_front_and_its_speed_are_those_of_a_wave_made_by_hand(ranks, on_ranks):
    found = on_ranks(ranks, script(MOVED), "ecsmpi")
    t = np.arange(11.0)
    for kind, begin, way in (("x", 10, 1), ("-x", 190, -1), ("y", 10, 1), ("-z", 40, -1)):
        at, speed = found[kind]
        np.testing.assert_allclose(at, begin + way * 1.7 * t, atol=1e-9, err_msg=kind)
        assert math.isnan(speed[0])
        np.testing.assert_allclose(speed[1:], way * 1.7, atol=1e-9, err_msg=kind)
    at, speed = found["radius"]
    assert np.abs(at - 10 - 1.7 * t).max() < 1.5  # of shells of 5 um
    assert np.polyfit(t, at, 1)[0] == pytest.approx(1.7, rel=0.05)


def within(radius, spread):
    """Amount of a Gaussian of 2e5 mM um3 within radii (um)."""
    inside = [math.erf(one / math.sqrt(2 * spread)) for one in radius]
    return 2e5 * (
        np.array(inside)
        - np.sqrt(2 / math.pi / spread) * radius * np.exp(-(radius**2) / 2 / spread)
    )


@pytest.mark.parametrize("ranks", [None, 3])
def test_gaussian_spreads_as_it_must(ranks, on_ranks):
    found = on_ranks(
        ranks,
        script("""
        d, sigma, total = 1.0, 9.0, 2e5
        ecs = rxd.Extracellular(-60, -60, -60, 60, 60, 60, 3, volume_fraction=0.2, tortuosity=1.6)
        def initial(node):
            return total / (2 * np.pi * sigma**2) ** 1.5 * np.exp(-(node.x3d**2 + node.y3d**2 + node.z3d**2) / (2 * sigma**2))
        k = rxd.Species(ecs, d=d * 1.6**2, initial=initial)
        seen = rxd.Diagnostics(k, every=20, threshold=2, front="radius", centre=(0, 0, 0), shell=3, balance=True)
        n.dt = 0.5
        n.finitialize(-65)
        steps(80)
        save(**seen.table)
    """),
        "ecsmpi",
    )
    r = found["radius"]
    for row, t in enumerate(found["time"]):
        spread = 81 + 2 * t
        peak = 2e5 / (2 * np.pi * spread) ** 1.5
        edge = math.sqrt(
            2 * spread * math.log(peak / 2)
        )  # where the concentration is the threshold
        assert found["volume_above"][row] == pytest.approx(4 / 3 * math.pi * edge**3, rel=0.06)
        assert found["front"][row] == pytest.approx(edge, abs=0.3)
        near = (r > 4) & (r < 30)
        inner, outer = (within(radius, spread) for radius in (r[near] - 1.5, r[near] + 1.5))
        means = (outer - inner) / (4 / 3 * math.pi * ((r[near] + 1.5) ** 3 - (r[near] - 1.5) ** 3))
        np.testing.assert_allclose(found["radial_mean"][row, near], means, atol=0.03 * peak)
    assert np.abs(found["residual"]).max() <= 1e-12 * found["stored"][0]
    np.testing.assert_allclose(found["stored"], 0.2 * 2e5, rtol=1e-6)


def test_front_is_the_outermost_fall_through_the_threshold():
    at = np.arange(6.0)
    assert front(at, np.array([5, 1, 5, 4, 2, 0.0]), 3) == 3.5
    assert front(at, np.full(6, 4.0), 3) == 5.0
    assert math.isnan(front(at, np.zeros(6), 3))
    assert (
        front(at, np.array([5, np.nan, 5, np.nan, 1, 0.0]), 3) == 3.0
    )  # an empty shell is passed over
