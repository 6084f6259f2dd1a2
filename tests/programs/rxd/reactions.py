"""Rates and reactions of a script: what NEURON means by them, and changes in mid-run."""

from functools import partial

import numpy as np

from support.model import (
    box,
    cells,
    message_of,
    n,
    of_segments,
    run_case,
    rxd,
    save,
    steps,
    uneven,
)


def masked_rates():
    ecs, far = box(), box(at=400)

    def inside(node):
        return node.x3d**2 + node.y3d**2 < 30**2

    mask = rxd.Parameter([ecs, far], value=inside)
    array = mask[ecs].states3d.copy()
    assert 0 < array.mean() < 1

    def decay(**named):
        a = rxd.Species([ecs, far], initial=uneven)
        return a, rxd.Rate(a, -0.1 * a * (1 if named else mask), **named)

    kinds = [decay(), decay(where=mask), decay(where=array, regions=ecs), decay(where=inside)]
    n.finitialize(-65)
    before = kinds[0][0][ecs].states3d.copy()
    steps(10)
    expected = np.where(array != 0, before / 1.01**10, before)
    for a, _ in kinds:
        assert np.max(np.abs(a[ecs].states3d - expected)) < 1e-13
    assert (
        kinds[2][0][far].states3d == kinds[2][0][far].states3d.max()
    ).mean() < 1  # uneven still


def evaluated_where():
    touched, calls = [], []
    rxd.session.simulation.reading.touch = lambda: touched.append(True)

    def right_half(node):
        calls.append(node)
        return node.x3d > 0

    ecs = box()
    a = rxd.Species(ecs, initial=uneven)
    some = rxd.Rate(a, -a, where=right_half)
    n.finitialize(-65)
    steps(1)
    others = rxd.Rate(a, -a, where=right_half)
    steps(1)
    lo, hi = a[ecs].planes
    assert len(calls) >= 3 * (hi - lo) * 11 * 12
    assert not touched
    a[ecs].concentration = 3
    assert touched


def parameters_and_states():
    ecs = box()
    p = rxd.Parameter(ecs, name="p", charge=1, value=3)
    q = rxd.Parameter(ecs, initial=np.arange(15 * 11 * 12.0))
    s = rxd.State(ecs, initial=1)
    made = cells()
    rate = [rxd.Rate(s, -p * s), rxd.Reaction(s + q > p, 0.01)]  # parameters react and stay
    n.finitialize(-65)
    steps(3)
    assert (p[ecs].states3d == 3).all()
    assert (q[ecs].states3d.reshape(-1) == np.arange(15 * 11 * 12)).all()
    assert s[ecs].states3d.max() < 1
    assert (of_segments(made, "po") == 3).all()
    p.value = 5
    assert p.value == 5 and rxd.all_species() == [p, q, s]
    n.finitialize(-65)
    assert (p[ecs].states3d == 5).all()
    node = p[ecs].node_by_ijk(1, 2, 3)
    node.value = 0
    steps(1)
    assert node.value == 0
    assert "no flux can go into it" in message_of(
        rxd.RxDException, lambda: node.include_flux(1)
    )
    assert "must be a number" in message_of(ValueError, lambda: rxd.Parameter(ecs, value="a"))
    assert "not both" in message_of(
        rxd.RxDException, lambda: rxd.Parameter(ecs, value=1, initial=2)
    )
    for wrong in ({"d": 1}, {"ecs_boundary_conditions": 2}):
        assert "does not change" in message_of(
            rxd.RxDException, partial(rxd.Parameter, ecs, value=1, **wrong)
        )
    assert rxd.all_species() == [p, q, s]


def boxes_on_one_grid():
    ecs, air = box(), box()
    k, o2 = (
        rxd.Species(ecs, d=1, initial=uneven),
        rxd.Species(air, d=3, initial=lambda node: uneven(node) ** 2),
    )
    first = rxd.Rate(k[ecs], -0.7 * k[ecs] * o2[air])
    last = rxd.Rate(o2[air], -0.3 * o2[air] * k[ecs])
    none = [rxd.Rate(one, 0) for one in (k, o2)]
    n.finitialize(-65)
    k.d, o2.d = 0, 0
    before = np.array(k[ecs].states3d), np.array(o2[air].states3d)
    steps(1)
    oxygen = before[1] / (1 + n.dt * 0.3 * before[0])
    assert np.abs(o2[air].states3d - oxygen).max() < 1e-14
    assert np.abs(k[ecs].states3d - before[0] / (1 + n.dt * 0.7 * oxygen)).max() < 1e-14
    far = rxd.Species(box(400), initial=1)
    said = message_of(rxd.RxDException, lambda: rxd.Rate(k[ecs], far[far.regions[0]]))
    assert "same box and dx" in said, said


def changes_in_mid_run():
    ecs = box()
    a, b = rxd.Species(ecs, initial=2), rxd.Species(ecs, initial=0)
    p = rxd.Parameter(ecs, value=0.1)
    expected = np.array([2.0, 0.0])

    def take(jacobian):
        nonlocal expected
        steps(5)
        for _ in range(5):
            expected = np.linalg.solve(np.eye(2) - n.dt * np.array(jacobian), expected)
        for species, value in zip((a, b), expected):
            assert np.max(np.abs(species[ecs].states3d - value)) < 1e-14, (jacobian, value)

    first = rxd.Reaction(a, b, p, 0.05)
    n.finitialize(-65)
    take([[-0.1, 0.05], [0.1, -0.05]])
    first.f_rate = 0.3 * p
    assert first.f_rate is not p and first.b_rate == 0.05
    take([[-0.03, 0.05], [0.03, -0.05]])
    first.b_rate = 0.02
    take([[-0.03, 0.02], [0.03, -0.02]])
    p[ecs].concentration = 0.2
    take([[-0.06, 0.02], [0.06, -0.02]])
    second = rxd.Rate(b, -0.1 * b)
    take([[-0.06, 0.02], [0.06, -0.12]])
    del first
    take([[0, 0], [0, -0.1]])
    third = rxd.Reaction(2 * a > b, 0.01 * a, custom_dynamics=True)
    take([[-0.02, 0], [0.01, -0.1]])


def bound_and_free_potassium():
    ecs = box()
    k = rxd.Species(
        ecs, d=2.62, name="k", charge=1, initial=lambda node: 40 if abs(node.x3d) < 20 else 3.5
    )
    A = rxd.Species(ecs, name="A", charge=1, initial=10)
    AK = rxd.Species(ecs, name="AK", charge=1, initial=0)
    kb = 0.0008
    buffering = rxd.Reaction(k + A, AK, kb / (1 + rxd.rxdmath.exp(-(k - 15) / 1.15)), kb)
    n.dt = 5
    n.finitialize(-65)
    before = k[ecs].states3d.sum()
    steps(100)
    save(k=k[ecs].states3d, A=A[ecs].states3d, AK=AK[ecs].states3d, before=np.array(before))


def where_neuron_is_wrong():
    ecs = rxd.Extracellular(0, 0, 0, 10, 10, 10, 5)

    def one(initial):
        return rxd.Species(ecs, initial=initial)

    k, A, AK = one(40), one(10), one(0)
    restricted = rxd.Reaction(k[ecs] + A[ecs], AK[ecs], 0.001, 0)
    u, v = one(1.0), one(2.0)
    turning = [rxd.Rate(u, 0.99 * u - 30 * v), rxd.Rate(v, 70 * u + 0.5 * v)]
    g = one(0.0)
    growing = rxd.Rate(g, rxd.rxdmath.gamma(g + 5))
    n.dt = 1
    n.finitialize(-65)
    steps(1)
    save(**{name: one[ecs].states3d.copy() for name, one in dict(AK=AK, u=u, v=v, g=g).items()})


if __name__ == "__main__":
    run_case(globals())
