"""Nodes: found, read, set, recorded."""

import random

import numpy as np

from support.model import box, cells, message_of, n, of_segments, run_case, rxd, steps, uneven


def found():
    ecs = box()
    k = rxd.Species(ecs, d=(1, 2, 3), name="k", charge=1, initial=uneven)
    part, (lo, hi) = k[ecs], (ecs.box.lo, ecs.box.hi)
    assert hi == (55, 48, 68)  # a whole number of voxels, beyond what was asked

    def at(x, y, z):
        node = part.node_by_location(x, y, z)
        return node.x3d, node.y3d, node.z3d

    assert at(*lo) == (-46.5, -36, -35.5)
    assert at(*hi) == (51.5, 44, 63.5)  # the upper faces belong to the last voxels
    assert at(hi[0], 0, 0) == (51.5, 4, 0.5)
    # A face between two voxels belongs to the upper one.
    assert at(-43, -32, -31) == (-39.5, -28, -26.5)
    for outside in ((-50.01, 0, 0), (0, 48.01, 0), (0, 0, float("nan"))):
        assert "outside" in message_of(rxd.RxDException, part.node_by_location, *outside)
    node = part.node_by_ijk(2, 3, 4)
    assert (node.x3d, node.y3d, node.z3d) == (-32.5, -12, 0.5)
    assert node.region is ecs
    assert node.species is k
    assert node.d == (1, 2, 3)
    assert abs(node.volume - 0.2 * 7 * 8 * 9) < 1e-12
    assert node.value == uneven(node)
    for outside in ((15, 0, 0), (0, 11, 0), (0, 0, 12), (-1, 0, 0)):
        assert str(outside) in message_of(rxd.RxDException, part.node_by_ijk, *outside)


def values():
    ecs, made = box(), cells()
    tracer = rxd.Species(ecs, d=0, name="tracer", charge=0, initial=uneven)
    n.finitialize(-65)
    for i in range(15):  # whoever owns the plane
        node = tracer[ecs].node_by_ijk(i, 4, 5)
        assert node.value == node.concentration == uneven(node)
        node.value = 20 + i
    assert np.array_equal(tracer[ecs].states3d[:, 4, 5], 20 + np.arange(15))
    assert (tracer[ecs].states3d[:, 3, 5] < 10).all()
    node.concentration = 50
    assert node.value == 50
    said = message_of(ValueError, lambda: setattr(node, "value", float("inf")))
    assert "node.value must be finite, got inf" in said
    for i in range(15):
        for j, m in ((5, 4), (5, 5), (5, 6), (5, 7)):
            tracer[ecs].node_by_ijk(i, j, m).value = 9
    steps(1)
    assert (of_segments(made, "tracero") == 9).any()  # a value that is set reaches the membrane


def lists():
    ecs, far = box(), rxd.Extracellular(300, 0, 0, 303, 4, 5, 1)
    k = rxd.Species([ecs, far], d=(1, 2, 3), name="k", charge=1, initial=uneven)
    nodes = k.nodes
    plain = list(nodes)
    assert len(nodes) == len(plain) == 1980 + 60
    assert plain[1980].region is far
    for axis in ("x3d", "y3d", "z3d", "volume"):
        assert getattr(nodes, axis).tolist() == [getattr(node, axis) for node in plain]
    assert np.array_equal(nodes.value, [uneven(node) for node in plain])
    assert nodes.d.shape == (2040, 3)
    assert nodes.region[1979:1981] == [ecs, far]
    assert nodes.species[7] is k

    random.seed(1)  # a list of nodes and a plain list go through the same
    for chosen in (slice(1970, 1990), slice(None, None, -7), slice(2039, 3, -400), slice(5, 5)):
        some, other = nodes[chosen], plain[chosen]
        assert list(some) == other
        assert np.array_equal(some.value, [uneven(node) for node in other])
        for _ in range(40):
            node, at = random.choice(plain), random.randint(-30, 30)
            some.insert(at, node)
            other.insert(at, node)
            assert some == other and some.index(node) == other.index(node)
            assert some[at % len(other)] in other
            if random.random() < 0.4:
                assert some.pop(at % len(other)) == other.pop(at % len(other))
        some.reverse()
        other.reverse()
        some[3], other[3] = plain[9], plain[9]
        some.sort(key=lambda node: node.y3d)
        other.sort(key=lambda node: node.y3d)
        assert some == other
        assert some + other == other + some == other + other
        assert np.array_equal(some.value, [uneven(node) for node in other])
        some.clear()
        assert len(some) == 0
        assert some.value.size == 0
        assert list(some) == []

    right = nodes[nodes.x3d > 0]
    assert right == nodes(lambda node: node.x3d > 0) == [node for node in plain if node.x3d > 0]
    assert nodes[[3, 1990, -1]] == [plain[3], plain[1990], plain[-1]]
    assert nodes(far) == plain[1980:]
    assert nodes((302.5, 3.5, 4.5)) == [plain[-1]]
    assert plain[-1].satisfies((303, 4, 5))
    assert not plain[-1].satisfies(ecs)


def lists_set_values():
    ecs, far = box(), rxd.Extracellular(300, 0, 0, 303, 4, 5, 1)
    k = rxd.Species([ecs, far], d=2, name="k", charge=1, initial=3)
    nodes = k.nodes
    expected = np.full(2040, 3.0)
    where = np.arange(2040)
    for chosen, value in (
        (slice(None, None, 9), 4),
        (slice(1975, 1985), np.arange(10.0)),
        (slice(None, None, -1), np.linspace(1, 2, 2040)),
        (where % 5 == 2, lambda node: node.x3d + 100),
        (where[[2000, 3, 1979]], [7, 8, 9]),
    ):
        some = nodes[chosen]
        some.value = value
        expected[chosen] = [value(node) for node in some] if callable(value) else value
        assert np.array_equal(nodes.value, expected)
    assert np.array_equal(k[ecs].states3d.reshape(-1), expected[:1980])
    before = nodes.value
    for wrong in ([1, 2], np.full(2040, np.nan), "high", lambda node: float("nan")):
        try:
            nodes.value = wrong
            raise AssertionError(wrong)
        except rxd.RxDException:
            pass
    assert np.array_equal(nodes.value, before)
    nodes.value[:] = 0  # a copy
    assert np.array_equal(nodes.value, before)
    nodes.diff = 5
    assert k[ecs].d == k[far].d == nodes[0].d == 5 and k.d == 2


def lists_of_generators():
    ecs, made = box(), cells(range(1))
    cytosol = rxd.Region(list(made.values()), nrn_region="i")
    ca = rxd.Species(cytosol, name="ca", charge=2, initial=1)
    k = rxd.Species(ecs, d=1, name="k", charge=1, initial=3)
    n.finitialize(-65)
    inside = rxd.nodelist.NodeList(ca.nodes[i] for i in (0, 1))
    outside = rxd.nodelist.NodeList(k[ecs].nodes[i] for i in (0, 1, 7))
    assert len(inside) == 2 and inside[1] is ca.nodes[1] or inside[1].x == ca.nodes[1].x
    assert len(outside) == 3
    assert outside[2] == k[ecs].nodes[7]
    assert len(rxd.nodelist.NodeList()) == 0


if __name__ == "__main__":
    run_case(globals())
