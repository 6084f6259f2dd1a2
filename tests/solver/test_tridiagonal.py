"""A line that is cut into slabs is solved as if it were whole; dense and banded solves are the
judges.
"""

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver import interface_kernels
from ecsmpi.solver.tridiagonal import Block, Chain, TridiagonalRows, decay, eliminated
from hypothesis import given, settings
from hypothesis import strategies as st
import numpy as np
import pytest
from scipy.linalg import solve_banded

# what a dense solve leaves where there should be nothing: its condition, up to 1 + 2r = 101, in
# round-off
DENSE = 3e-14

unhurried = settings(deadline=None)  # the cores may be shared
rs = st.one_of(st.just(0.0), st.floats(-3, np.log10(50)).map(lambda exponent: 10**exponent))
lines = st.tuples(st.integers(1, 60), rs, st.booleans())


def dense(rows):
    """The rows' matrix without what lies outside of them."""
    return np.diag(rows.diagonal) - np.diag(rows.lower[1:], -1) - np.diag(rows.upper[:-1], 1)


def whole(rows, f):
    banded = np.zeros((3, rows.diagonal.size))
    banded[0, 1:], banded[1], banded[2, :-1] = -rows.upper[:-1], rows.diagonal, -rows.lower[1:]
    return solve_banded((1, 1), banded, f)


def cut(data, n):
    lo = data.draw(st.integers(0, n - 1))
    return lo, data.draw(st.integers(lo + 1, n))


def end_values(rows, f, left, right):
    """First and last of the solution with given planes outside, solved densely."""
    outside = np.zeros_like(f)
    outside[0] += rows.lower[0] * left
    outside[-1] += rows.upper[-1] * right
    return np.linalg.solve(dense(rows), f + outside)[[0, -1]]


@unhurried
@given(st.integers(2, 60), st.floats(0.001, 50))
def test_half_step_without_flux_keeps_the_sum(n, r):
    columns = dense(TridiagonalRows.of_line(n, r, False)).sum(axis=0)
    np.testing.assert_allclose(columns, 1.0, rtol=0, atol=1e-14 * (1 + r))


@unhurried
@given(lines, st.data())
def test_interface_numbers_are_the_ends_for_unit_planes_outside(line, data):
    rows = TridiagonalRows.of_line(*line).planes(*cut(data, line[0]))
    slab, still = Block.of(rows), np.zeros(rows.diagonal.size)
    np.testing.assert_allclose(
        [slab.A, slab.C], end_values(rows, still, 1.0, 0.0), rtol=1e-12, atol=DENSE
    )
    np.testing.assert_allclose(
        [slab.B, slab.D], end_values(rows, still, 0.0, 1.0), rtol=1e-12, atol=DENSE
    )


@unhurried
@given(lines, st.data())
def test_weights_are_the_first_row_of_the_slabs_inverse(line, data):
    rows = TridiagonalRows.of_line(*line).planes(*cut(data, line[0]))
    np.testing.assert_allclose(
        Block.of(rows).weight, np.linalg.inv(dense(rows))[0], rtol=1e-12, atol=DENSE
    )


@unhurried
@given(lines, st.data())
def test_sweeps_up_and_down_solve_the_slab_between_its_neighbours(line, data):
    rows = TridiagonalRows.of_line(*line).planes(*cut(data, line[0]))
    slab, n = Block.of(rows), rows.diagonal.size
    f = np.random.default_rng(n).uniform(-1, 1, n)
    left, right = 0.7, -1.3
    x = f * slab.pivot
    for i in range(1, n):
        x[i] += slab.lower[i] * slab.pivot[i] * x[i - 1]
    for i in range(n - 1, -1, -1):
        x[i] += slab.ratio[i] * (right if i == n - 1 else x[i + 1])
        x[i] += slab.reach[i] * left if i < slab.n_reach else 0.0
    f[0] += rows.lower[0] * left
    f[-1] += rows.upper[-1] * right
    np.testing.assert_allclose(x, np.linalg.solve(dense(rows), f), rtol=0, atol=1e-13)


@unhurried
@given(st.integers(1, 400), rs, st.booleans(), st.data())
def test_planes_left_out_weigh_less_than_round_off(n, r, held, data):
    slab = Block.of(TridiagonalRows.of_line(n, r, held).planes(*cut(data, n)))
    assert np.abs(slab.weight[slab.n_weights :]).sum() <= 1e-16 * slab.weight[0]
    assert np.abs(slab.reach[slab.n_reach :]).sum() <= 1e-16


def cut_line(n, r, held, slabs):
    """A line's chain, its solution, and the slabs' own solutions' ends, all for three right-hand
    sides.
    """
    rows, partition = TridiagonalRows.of_line(n, r, held), Slabs(n, slabs)
    f = np.random.default_rng(n).uniform(-1, 1, (n, 3))
    bounds = [partition.planes(p) for p in range(partition.owners)]
    own = [whole(rows.planes(lo, hi), f[lo:hi])[[0, -1]] for lo, hi in bounds]
    first, last = np.moveaxis(np.array(own), 1, 0).copy()
    return Chain.of(n, r, held, partition), whole(rows, f), first, last, bounds


@settings(unhurried, max_examples=200)
@given(st.integers(1, 40), st.integers(0, 200), rs, st.booleans())
def test_joined_slabs_find_the_planes_of_the_whole_line(slabs, extra, r, held):
    chain, x, first, last, bounds = cut_line(slabs + extra, r, held, slabs)
    left, right = np.full_like(first, np.nan), np.full_like(first, np.nan)
    interface_kernels.join_blocks(first, last, left, right, **eliminated(chain.ends()))
    for p, (lo, hi) in enumerate(bounds):
        np.testing.assert_allclose(left[p], x[lo - 1] if lo else 0.0, rtol=0, atol=2e-14)
        np.testing.assert_allclose(right[p], x[hi] if hi < len(x) else 0.0, rtol=0, atol=2e-14)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize(
    "r, thickness", [(0.001, 7), (0.1, 14), (1.0, 32), (10.0, 90), (50.0, 200)]
)
@pytest.mark.parametrize("slabs", [2, 3, 7])
def test_two_neighbours_settle_their_interface_when_slabs_are_thick(slabs, r, thickness, held):
    chain, x, first, last, bounds = cut_line(slabs * thickness + 1, r, held, slabs)
    assert chain.neighbours_suffice
    for p, (_, hi) in enumerate(bounds[:-1]):
        mine, theirs, above, below = (
            np.array([chain.blocks[p].D]),
            np.array([chain.blocks[p + 1].A]),
            *np.empty((2, 3)),
        )
        factor = 1 / (1 - mine * theirs)
        interface_kernels.join_pair(first[p + 1], last[p], theirs, factor, above)
        interface_kernels.join_pair(last[p], first[p + 1], mine, factor, below)
        np.testing.assert_allclose(above, x[hi], rtol=0, atol=2e-15)
        np.testing.assert_allclose(below, x[hi - 1], rtol=0, atol=2e-15)


@unhurried
@given(st.integers(1, 80), st.floats(0.001, 50))
def test_slabs_lose_touch_as_the_decay_to_the_power_of_their_thickness(n, r):
    """In closed form for constant coefficients: inner slabs, and slabs at an end without flux."""
    a, rows = decay(r), TridiagonalRows.of_line(3 * n, r, False)
    lowest, inner, upmost = (Block.of(rows.planes(p * n, (p + 1) * n)) for p in range(3))
    between = a**n * (1 - a**2) / (1 - a ** (2 * n + 2))
    at_end = a**n * (1 + a) / (1 + a ** (2 * n + 1))
    np.testing.assert_allclose([inner.B, inner.C], between, rtol=1e-11)
    np.testing.assert_allclose([lowest.B, upmost.C], at_end, rtol=1e-11)
    assert lowest.A == lowest.C == upmost.B == upmost.D == 0.0


@unhurried
@given(st.integers(1, 40), st.integers(1, 200), rs, st.booleans())
def test_coupling_is_below_its_bound(slabs, thickness, r, held):
    chain = Chain.of(slabs * thickness, r, held, Slabs(slabs * thickness, slabs))
    bound = (1 + decay(r)) * decay(r) ** thickness
    assert chain.coupling <= bound * (1 + 1e-11)
    assert chain.neighbours_suffice or bound > 1e-17


@pytest.mark.parametrize("held", [False, True])
def test_one_slab_has_nobody_to_couple_to(held):
    chain = Chain.of(5, 50.0, held, Slabs(5, 1))
    assert chain.coupling == 0.0 and chain.neighbours_suffice
