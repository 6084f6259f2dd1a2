"""Rates and reactions of a script: what NEURON means by them, changes in mid-run, and what is
refused.
"""

import numpy as np
import pytest

from support.ranks import mpirun
from support.rxd_scripts import holds, script


def test_changes_in_mid_run_hold_from_the_next_step(on_ranks):
    """Rates set anew, parameters' values, reactions made and dropped; linear, so that a step is (1
    - dt J) c' = c.
    """
    body = """
        ecs = box()
        a, b = rxd.Species(ecs, initial=2), rxd.Species(ecs, initial=0)
        p = rxd.Parameter(ecs, value=0.1)
        expected = np.array([2.0, 0.0])
        def take(jacobian):
            global expected
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
    """
    for ranks in (None, 3):
        holds(on_ranks, ranks, body)


def test_bound_and_free_potassium_is_what_there_was_at_any_number_of_ranks(on_ranks, request):
    """The tutorial's buffer in a closed box: sum of k + AK, and A + AK in each voxel; the same on 1
    to 4 ranks.
    """
    body = """
        ecs = box()
        k = rxd.Species(ecs, d=2.62, name="k", charge=1, initial=lambda node: 40 if abs(node.x3d) < 20 else 3.5)
        A = rxd.Species(ecs, name="A", charge=1, initial=10)
        AK = rxd.Species(ecs, name="AK", charge=1, initial=0)
        kb = 0.0008
        buffering = rxd.Reaction(k + A, AK, kb / (1 + rxd.rxdmath.exp(-(k - 15) / 1.15)), kb)
        n.dt = 5
        n.finitialize(-65)
        before = k[ecs].states3d.sum()
        steps(100)
        save(k=k[ecs].states3d, A=A[ecs].states3d, AK=AK[ecs].states3d, before=np.array(before))
    """
    alone = on_ranks(None, script(body), "ecsmpi")
    for ranks in (None, 2, 3, 4) if request.config.getoption("--long") else (None, 3):
        found = on_ranks(ranks, script(body), "ecsmpi") if ranks else alone
        assert abs((found["k"] + found["AK"]).sum() / found["before"] - 1) < 1e-12
        assert np.max(np.abs(found["A"] + found["AK"] - 10)) < 1e-13 and np.ptp(found["AK"]) > 1
        assert np.max(np.abs(found["k"] - alone["k"])) < 1e-13 * alone["k"].max()


def test_neuron_is_wrong_where_the_readme_says_so(on_ranks):
    """A scheme of species in a region reacts once; rows change places with their right-hand sides;
    gamma is gamma.
    """
    body = """
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
    """
    found, neurons = (on_ranks(None, script(body), backend) for backend in ("ecsmpi", "neuron"))
    j = np.array([[0.99, -30.0], [70.0, 0.5]])
    delta = np.linalg.solve(np.eye(2) - j, j @ [1.0, 2.0])
    digamma_5 = 1.506117668431800  # and gamma(5) = 24
    right = {"AK": 0.4 / 1.05, "u": 1 + delta[0], "v": 2 + delta[1], "g": 24 / (1 - 24 * digamma_5)}
    for name, expected in right.items():
        assert np.allclose(found[name], expected, rtol=1e-13, atol=0), name
        assert not np.allclose(neurons[name], expected, rtol=1e-3), (
            f"NEURON is right about {name} by now"
        )


def test_a_rate_acts_where_it_is_told_to(on_ranks):
    """By a mask of a parameter in the rate, as NEURON's scripts do, or by where=: a parameter, an
    array, a function.
    """
    holds(
        on_ranks,
        3,
        """
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
        assert (kinds[2][0][far].states3d == kinds[2][0][far].states3d.max()).mean() < 1  # uneven still
        """,
    )


def test_evaluating_where_sets_no_concentration(on_ranks):
    """Initial concentrations are evaluated once in n.finitialize, unless the script sets others
    meanwhile.
    """
    holds(
        on_ranks,
        2,
        """
        ecs, calls = box(), []
        def counted(node):
            calls.append(node)
            return uneven(node)
        a = rxd.Species(ecs, initial=counted)
        def calls_of_finitialize():
            calls.clear()
            n.finitialize(-65)
            return len(calls)
        lo, hi = a[ecs].planes
        assert calls_of_finitialize() == (hi - lo) * 11 * 12
        some = rxd.Rate(a, -a, where=lambda node: node.x3d > 0)
        assert calls_of_finitialize() == (hi - lo) * 11 * 12
        """,
    )


def test_parameters_and_states_are_species(on_ranks):
    holds(
        on_ranks,
        2,
        """
        ecs = box()
        p = rxd.Parameter(ecs, name="p", charge=1, value=3)
        q = rxd.Parameter(ecs, initial=np.arange(15 * 11 * 12.0))
        s = rxd.State(ecs, initial=1)
        made = cells()
        rate = [rxd.Rate(s, -p * s), rxd.Reaction(s + q > p, 0.01)]  # parameters react and stay
        n.finitialize(-65)
        steps(3)
        assert (p[ecs].states3d == 3).all() and (q[ecs].states3d.reshape(-1) == np.arange(15 * 11 * 12)).all()
        assert s[ecs].states3d.max() < 1 and (of_segments(made, "po") == 3).all()
        p.value = 5
        assert p.value == 5 and rxd.all_species() == [p, q, s]
        n.finitialize(-65)
        assert (p[ecs].states3d == 5).all()
        node = p[ecs].node_by_ijk(1, 2, 3)
        node.value = 0
        steps(1)
        assert node.value == 0
        assert "no flux can go into it" in message_of(rxd.RxDException, lambda: node.include_flux(1))
        assert "must be a number" in message_of(ValueError, lambda: rxd.Parameter(ecs, value="a"))
        assert "not both" in message_of(rxd.RxDException, lambda: rxd.Parameter(ecs, value=1, initial=2))
        for wrong in ({"d": 1}, {"ecs_boundary_conditions": 2}):
            assert "does not change" in message_of(rxd.RxDException, lambda: rxd.Parameter(ecs, value=1, **wrong))
        assert rxd.all_species() == [p, q, s]
        """,
    )


REFUSED = {
    "rxd.Rate(k, w)": "cannot hold Species(",
    "rxd.Rate(both, far_only)": "is not in Extracellular(",
    "rxd.Rate(k, k[ecs] * far_only[far])": "is not in Extracellular(",
    "rxd.Rate(k, 1, regions=far)": "k is not in Extracellular(",
    "rxd.Rate(k, 1, regions=3)": "must be rxd.Extracellular",
    "rxd.Reaction(k, far_only, 1)": "have no region in common",
    "rxd.Reaction(k[ecs] + both, far_only[far], 1)": "have no region in common",
    "rxd.Rate(k, 'k')": "cannot hold 'k'",
    "rxd.Rate(k, k > w)": "arithmetic on a reaction",
    "rxd.Rate(3, k)": "extracellular species",
    "rxd.Rate(k, -0.1 * rxd.v)": "the voltage",
    "rxd.Rate(k, rxd.rxdmath.frexp(k))": "frexp not supported",
    "rxd.Rate(k, 1, membrane_flux=True)": "membrane_flux",
    "k + 1 > k": "not valid in a reaction",
    "2.5 * k > k": "not valid in a reaction",
    "k > 1": "not valid in a reaction",
    "rxd.Reaction(k, 1)": "",
    "rxd.Reaction(k > k2, 1, 2)": "needs one rate",
    "rxd.Reaction(k != k2, 1)": "needs two rates",
    "rxd.Reaction(k, k2, 1, custom_dynamics=True, mass_action=True)": "not both",
    "setattr(rxd.Reaction(k > k2, 1), 'b_rate', 2)": "has no backward reaction",
    "setattr(rxd.Reaction(k > k2, 1), 'f_rate', far_only)": "is not in Extracellular(",
    "rxd.Reaction(k, k2, 1, region=ecs)": "Reaction has no argument region",
    "rxd.Rate(k, float('nan') * k)": "numbers in a rate must be finite, got nan",
    "kept.append(rxd.Rate(k, k / (2 - 2 * k**0))); n.finitialize(-65)": "it divides by 0",
    "np.exp(k)": "",
}


def test_what_cannot_react_is_refused_by_name(on_ranks):
    holds(
        on_ranks,
        None,
        f"""
        ecs, far = box(), box(at=400)
        k, k2 = (rxd.Species(ecs, name=name, charge=1, initial=3) for name in ("k", "k2"))
        far_only, both = rxd.Species(far, name="far_only"), rxd.Species([ecs, far], name="both")
        soma = n.Section(name="soma")
        inside = rxd.Region([soma])
        w = rxd.Species(inside, name="w")
        for statement, message in {REFUSED!r}.items():
            kept.clear()
            said = message_of(Exception, lambda: exec(statement, dict(globals())))
            assert message in said, (statement, said)
        """,
    )


def run_failing(ranks, body, tmp_path):
    path = tmp_path / "failing.py"
    path.write_text(script(body))
    done = mpirun(ranks, ["python", path, "-", "ecsmpi"], cwd=tmp_path)
    assert done.returncode != 0, done.stdout
    return done.stdout + done.stderr


@pytest.mark.parametrize("ranks", [None, 3])
def test_a_rate_that_is_no_number_ends_all_ranks_and_names_the_voxel(ranks, tmp_path):
    said = run_failing(
        ranks,
        """
        ecs = box()
        k = rxd.Species(ecs, name="x", initial=lambda node: -1 if abs(node.x3d - 30.5) < 1 and node.z3d > 59 else 1)
        k[ecs].node_by_location(30, 0, 60)
        rate = rxd.Rate(k, 0.1 * rxd.rxdmath.sqrt(k))
        n.finitialize(-65)
        steps(3)
        """,
        tmp_path,
    )
    assert (
        "Rate(x, " in said
        and "its rate is nan in voxel (11, 0, 11) at (30.5, -36, 63.5) um, where x = -1 mM" in said
    )
    assert "in the step to t = 0.1 ms" in said


def test_ranks_with_different_reactions_are_told_so(tmp_path):
    said = run_failing(
        2,
        """
        ecs = box()
        k = rxd.Species(ecs, initial=1)
        rate = rxd.Rate(k, 0.1 * (1 + rank) * k)
        n.finitialize(-65)
        """,
        tmp_path,
    )
    assert "ranks 0 and 1 describe different extracellular spaces" in said and "c0" in said


@pytest.mark.parametrize("ranks", [None, 3])
def test_boxes_on_one_grid_read_each_other_before_any_diffuses(on_ranks, ranks):
    """As in NEURON, the box whose reaction was made last comes first, and the other sees what it
    has come to.
    """
    holds(
        on_ranks,
        ranks,
        """
        ecs, air = box(), box()
        k, o2 = rxd.Species(ecs, d=1, initial=uneven), rxd.Species(air, d=3, initial=lambda node: uneven(node) ** 2)
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
    """,
    )
