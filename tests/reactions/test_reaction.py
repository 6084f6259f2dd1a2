"""One step of reactions in each voxel: against scipy, numpy and what must be conserved."""

import os
import re
import subprocess
import sys

from ecsmpi.description.grid import Box
from ecsmpi.reactions import rate_code
from ecsmpi.reactions.compiled_rates import CompiledRates
from ecsmpi.reactions.rate_law import Law, LawGroup, independent_groups
from ecsmpi.reactions.reaction import PIECE, RateNotFinite, Reactions, in_slab
from mpi4py import MPI
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from support.compiled_laws import step
from support.long_form import long
from support.programs import PROGRAMS
from support.ranks import ROOT
from support.rate_trees import Concentration, call

C = [Concentration(number) for number in range(6)]
K, A, AK = C[:3]


def reversible(forward, backward, sides):
    """(rate, changes) of mass action; sides: {number: how many, negative on the left}."""
    rate, back = forward, backward
    for number, count in sides.items():
        for _ in range(abs(count)):
            rate, back = (rate * C[number], back) if count < 0 else (rate, back * C[number])
    return rate - back, sides


BUFFER = reversible(0.0008 / (1 + call("exp", -(K - 15) / 1.15)), 0.0008, {0: -1, 1: -1, 2: 1})
# Calcium in nM, a fast and a slow buffer, a saturable pump and a leak, per mM and ms
CALCIUM = [
    reversible(500, 0.1, {0: -1, 1: -1, 2: 1}),
    reversible(6, 0.002, {0: -1, 3: -1, 4: 1}),
    (2e-4 * C[0] / (2e-4 + C[0]), {0: -1}),
    (2e-5 + 0 * C[0], {0: 1}),
]
CALCIUM_START = [2e-3, 0.1, 0.0, 0.05, 0.0]
# Robertson 1966, the standard stiff problem
ROBERTSON = [
    (0.04 * C[0], {0: -1, 1: 1}),
    (3e7 * C[1] ** 2, {1: -1, 2: 1}),
    (1e4 * C[1] * C[2], {1: -1, 0: 1}),
]


def laws_of(described):
    return [Law(rate, changes, f"law {i}") for i, (rate, changes) in enumerate(described)]


def slab(laws, fields):
    """Reactions of one rank; fields: (n, ny, nz) each."""
    shape = fields[0].shape
    box = Box((-10.0, 0.0, 5.0), (2.0, 3.0, 4.0), shape)
    return Reactions(MPI.COMM_SELF, laws, fields, list("kabcde"), in_slab(box, (0, shape[0])))


def advanced(laws, start, dt, count):
    """One voxel's concentrations after so many steps."""
    fields = [np.full((1, 1, 1), float(value)) for value in start]
    reactions = slab(laws, fields)
    for _ in range(count):
        reactions.advance(dt)
    return np.array([field[0, 0, 0] for field in fields])


def exact(described, start, t):
    """The same by scipy's Radau, of the right-hand side in plain Python."""
    arguments = ", ".join(f"c{i}" for i in range(6))
    functions = {"exp": np.exp, "pow": pow}
    rates = [
        (eval(f"lambda {arguments}: {rate}", functions), changes) for rate, changes in described
    ]

    def slope(_t, c):
        f = np.zeros(len(start))
        for rate, changes in rates:
            for number, count in changes.items():
                f[number] += count * rate(*c, *[0] * (6 - len(start)))
        return f

    return solve_ivp(slope, (0, t), start, "Radau", rtol=1e-11, atol=1e-16).y[:, -1]


@pytest.mark.parametrize(
    "described, start, t, steps",
    [
        ([BUFFER], [40, 10, 0.5], 50, 200),
        (CALCIUM, CALCIUM_START, 5, 20000),
        (ROBERTSON, [1, 0, 0], 40, 4000),
    ],
    ids=["buffer", "nM calcium", "Robertson"],
)
def test_steps_converge_to_radaus_solution_at_first_order(described, start, t, steps):
    expected = exact(described, start, t)
    coarse, fine = (
        advanced(laws_of(described), start, t / count, count) for count in (steps, 2 * steps)
    )
    scale = np.maximum(np.abs(expected), 1e-9)
    errors = [np.max(np.abs(found - expected) / scale) for found in (coarse, fine)]
    assert 1.8 < errors[0] / errors[1] < 2.2 and errors[1] < 1e-2
    # Richardson: the next order is small.
    assert np.max(np.abs(2 * fine - coarse - expected) / scale) < errors[1] / 8


@pytest.mark.parametrize("dt", [0.025, 1.0, 1e6])
def test_what_the_stoichiometry_conserves_is_conserved_to_round_off(dt):
    """Potassium with its bound part, however long the step; and two coupled reactions of five
    species.
    """
    rng = np.random.default_rng(1)
    fields = [rng.uniform(0.1, 40, (5, 7, 11)) for _ in range(5)]
    coupled = [BUFFER, reversible(1e3, 1e2, {0: -2, 3: -1, 4: 1})]
    kinds = [({0: 1, 2: 1, 4: 2}, "k"), ({1: 1, 2: 1}, "A"), ({3: 1, 4: 1}, "b")]
    before = [sum(count * fields[number] for number, count in of.items()) for of, _ in kinds]
    reactions = slab(laws_of(coupled), fields)
    for _ in range(10):
        reactions.advance(dt)
    for (of, name), total in zip(kinds, before):
        after = sum(count * fields[number] for number, count in of.items())
        assert np.max(np.abs(after - total) / total) < 2e-14, name
    assert max(np.abs(field).max() for field in fields) < 1e3


def step_of(laws, start, dt, by_rates):
    """The module's own step, the system being that of the rates or that of the species."""
    arrays = [np.array([value]) for value in start]
    code = CompiledRates(rate_code.source(LawGroup(tuple(laws)), by_rates))
    assert not step(code, arrays, dt)
    return np.concatenate(arrays)


def test_system_of_rates_is_that_of_species():
    start, dt = [4.0, 3.0, 2.0, 1.0, 0.5], 0.3
    laws = laws_of(
        [
            BUFFER,
            reversible(0.2, 0.1, {0: -2, 3: -1, 4: 1}),
            (0.3 * C[0] / (1 + C[3]), {0: -1, 1: 2}),
        ]
    )
    by_rates, by_species = (step_of(laws, start, dt, which) for which in (True, False))
    assert np.max(np.abs(by_rates - by_species)) < 1e-14 * max(start)


@pytest.mark.parametrize("count", [2, 3, long(5), 7])
def test_rows_change_places_with_their_right_hand_sides(count):
    """A system whose largest entries are off the diagonal, (I - dt J) delta = dt f by numpy; both
    ways of solving it.
    """
    rng = np.random.default_rng(count)
    j = rng.uniform(-50, 50, (count, count))
    np.fill_diagonal(j, 1 + rng.uniform(-0.02, 0.02, count))
    start, dt = rng.uniform(1, 3, count), 1.0
    rates = [sum(float(j[r, s]) * Concentration(s) for s in range(count)) for r in range(count)]
    expected = start + np.linalg.solve(np.eye(count) - dt * j, dt * j @ start)
    laws = laws_of([(rate, {r: 1}) for r, rate in enumerate(rates)])
    for by_rates in (True, False):
        assert np.max(np.abs(step_of(laws, start, dt, by_rates) - expected)) < 1e-12
    assert np.max(np.abs(advanced(laws, start, dt, 1) - expected)) < 1e-12


def test_one_step_is_linearised_backward_euler():
    start, dt = np.array([0.8, 0.3]), 0.7
    laws = laws_of([(C[0] ** 2 * C[1], {0: -2, 1: 1}), (0.4 * C[1], {1: -1})])
    c0, c1 = start
    s, r = np.array([[-2, 0], [1, -1]]), np.array([[2 * c0 * c1, c0**2], [0, 0.4]])
    v = np.array([c0**2 * c1, 0.4 * c1])
    expected = start + np.linalg.solve(np.eye(2) - dt * s @ r, dt * s @ v)
    assert np.max(np.abs(advanced(laws, start, dt, 1) - expected)) < 1e-15


def test_a_law_may_read_what_nothing_changes():
    fields = [np.array([[[1.0, 2.0, 3.0]]]), np.array([[[0.0, 1.0, 5.0]]])]
    slab([Law(-C[1] * C[0], {0: 1}, "decay")], fields).advance(0.5)
    assert np.allclose(fields[0], [1, 2 / 1.5, 3 / 3.5], rtol=1e-15)
    assert (fields[1] == [0, 1, 5]).all()


def test_laws_that_share_no_changing_species_are_solved_apart():
    laws = laws_of(
        [
            (C[0] * C[5], {0: -1, 1: 1}),
            (C[2] * C[5], {2: -1}),
            (C[3] * C[1], {3: 1}),
            (C[4] + C[2], {4: 1}),
        ]
    )
    found = [list(group.laws) for group in independent_groups(laws)]
    assert found == [[laws[0], laws[2]], [laws[1], laws[3]]]
    joining = Law(C[0] * C[2], {4: 1}, "joins")
    assert independent_groups([*laws, joining]) == [LawGroup((*laws, joining))]


def test_a_catalyst_does_not_change():
    fields = [np.full((1, 1, 2), 2.0) for _ in range(3)]
    slab([Law(0.1 * C[0] * C[1], {0: -1, 1: 0, 2: 1}, "catalysed")], fields).advance(1.0)
    assert (fields[1] == 2).all()
    assert np.allclose(fields[0], 2 - 0.4 / 1.2)
    assert np.allclose(fields[0] + fields[2], 4)


@pytest.mark.parametrize("shape", [(1, 1, 5), (5, 7, 11), (9, 16, 2 * PIECE // 32 + 3)])
def test_where_laws_act_in_parts_of_the_box_it_is_as_if_their_rates_were_0_elsewhere(shape):
    rng = np.random.default_rng(sum(shape))
    masks = [rng.random(shape) < 0.4, rng.random(shape) < 0.7]
    described = [BUFFER, reversible(0.2, 0.1, {0: -2, 3: 1}), (0.02 + 0 * C[0], {3: 1})]
    start = [rng.uniform(1, 20, shape) for _ in range(6)]
    fields, masked = [[array.copy() for array in start] for _ in range(2)]
    masked[4][:], masked[5][:] = masks
    where = [masks[0], masks[1], None]
    parts = slab([Law(*law, "law", mask) for law, mask in zip(described, where)], fields)
    whole = slab(
        laws_of(
            [
                (C[4] * BUFFER[0], BUFFER[1]),
                (C[5] * described[1][0], described[1][1]),
                described[2],
            ]
        ),
        masked,
    )
    for _ in range(3):
        parts.advance(0.5)
        whole.advance(0.5)
    for found, expected in zip(fields[:4], masked[:4]):
        assert np.max(np.abs(found - expected)) < 1e-13
    assert (fields[1][~masks[0]] == start[1][~masks[0]]).all()


def test_a_derivative_that_is_infinite_makes_the_step_explicit():
    """sqrt(k a) at k = a = 0: a rate of 0, whose derivative is not a number."""
    found = advanced(laws_of([(0.3 + call("sqrt", C[0] * C[1]), {0: 1})]), [0.0, 0.0], 0.5, 1)
    assert found.tolist() == [0.15, 0.0]


def test_a_rate_of_nan_names_voxel_species_and_reaction():
    fields = [np.full((3, 4, 5), 2.0) for _ in range(2)]
    fields[0][1, 2, 3] = -1.0
    laws = [
        Law(0.1 * call("log", C[0]) * C[1], {0: 1}, "Rate(k, 0.1 * log(k) * a)"),
        Law(0.1 * C[1], {1: -1}, "decay"),
    ]
    reactions = slab(laws, fields)
    with pytest.raises(RateNotFinite) as raised:
        reactions.advance(0.1)
    assert str(raised.value) == (
        "Rate(k, 0.1 * log(k) * a): its rate is nan in voxel (1, 2, 3) at (-7, 7.5, 19) um, "
        "where k = -1 mM, a = 2 mM"
    )
    assert fields[0][1, 2, 3] == -1  # the voxel stands as it was before the step


def test_a_step_without_solution_is_named():
    with pytest.raises(
        RateNotFinite,
        match=r"growth: the step of dt = 0.5 ms has no solution in voxel \(0, 0, 0\)",
    ):
        slab([Law(2 * C[0], {0: 1}, "growth")], [np.ones((1, 1, 1))]).advance(0.5)


def test_ranks_and_threads_do_not_change_bits(on_ranks):
    """The same fields on 1, 2, 3 and 4 ranks, the last two with more ranks than planes; and by two
    threads.
    """
    program = PROGRAMS / "reactions" / "on_ranks.py"
    found = [
        on_ranks(1, program, env={"NUMBA_NUM_THREADS": 2}),
        *(on_ranks(ranks, program) for ranks in (None, 2, 4)),
    ]
    for one in found[1:]:
        assert all(np.array_equal(one[name], found[0][name]) for name in found[0])
    assert len(found[0]) == 4 and np.ptp(found[0]["arr_3"]) > 1


# ---------------------------------------------------------------- generated modules

CACHED_CODE = PROGRAMS / "reactions" / "cached_code.py"


def loaded(**environment):
    """(path of the module, whether its code came from the cache), in a process of its own."""
    env = (
        os.environ
        | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
        | {name: str(value) for name, value in environment.items()}
    )
    done = subprocess.run(
        [sys.executable, CACHED_CODE], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    path, hits = done.stdout.split()
    return path, hits == "1"


def test_a_later_process_loads_what_an_earlier_one_compiled(tmp_path):
    numbas, users = tmp_path / "numba", tmp_path / "users"
    first, hit = loaded(NUMBA_CACHE_DIR=numbas)
    assert first.startswith(str(numbas)) and not hit
    assert loaded(NUMBA_CACHE_DIR=numbas) == (first, True)
    with open(first, "w") as file:
        file.write("advance = None")  # what is not what it should be is written again
    assert loaded(NUMBA_CACHE_DIR=numbas)[0] == first
    blocked = tmp_path / "file"
    blocked.write_text("")
    env = {"XDG_CACHE_HOME": users, "NUMBA_CACHE_DIR": ""}
    second, hit = loaded(**env)
    assert second.startswith(str(users / "ecsmpi"))
    assert not hit
    assert loaded(**env) == (second, True)
    # Nowhere to keep it: compiled for this process alone.
    third, hit = loaded(XDG_CACHE_HOME=blocked, NUMBA_CACHE_DIR="")
    assert re.match(r".*/ecsmpi-\w+/ecsmpi_reactions_\w+.py$", third)
    assert not hit
