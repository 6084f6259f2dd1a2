"""A step is that of dense algebra, modes decay as they must, mass is kept, the error is O(h^2)."""

from ecsmpi.description.model import Tissue
import numpy as np
import pytest

from support.exact import cosine_factor, cosine_mode, spread_block
from support.long_form import long
from support.programs import PROGRAMS
from support.steps import advanced, case

RANKS = (1, 3, *(long(ranks) for ranks in (2, 4, 8)))
OVER_TWO_RANKS = (3, *(long(ranks) for ranks in (4, 8)))
SHAPES = [
    (23, 17, 39),
    (64, 9, 16),
    (4, 5, 33),
    (5, 8, 8),
    (1, 5, 7),
    (2, 5, 7),
    (7, 1, 9),
    (7, 2, 1),
    (1, 1, 1),
]
FREE, WALLED, STILL = range(3)
SPECIES = dict(d=((1.0, 0.7, 1.3), (0.8, 1.6, 0.5), (0.0, 0.0, 0.0)), walls=(None, 3.5, None))

DENSE = (
    [
        case(
            f"{shape} {dt} ms", shape, [dt] * 4, entries=60, spacing=(1.0, 1.25, 0.8), **SPECIES
        )
        for shape in SHAPES
        for dt in (0.001, 0.2, 25.0)
    ]
    + [
        case(
            f"z-lines of {nz}", (3, ny, nz), [0.7] * 3, entries=30, **SPECIES
        )  # which are solved in registers that they do not fill
        for ny, nz in (
            (40, 1),
            (17, 2),
            (33, 3),
            (21, 6),
            (8, 7),
            (24, 8),
            (18, 11),
            (9, 15),
            (15, 16),
            (10, 31),
            (11, 32),
        )
    ]
    + [
        case(
            "wide planes", (7, 40, 300), [0.3] * 3, entries=200, **SPECIES
        ),  # more than a cache holds at once
        case("many planes", (90, 40, 20), [0.3] * 3, entries=200, **SPECIES),
        case("panels of one pass", (40, 75, 50), [0.01] * 3, entries=3000, **SPECIES),
        case("whole panels", (22, 64, 32), [0.015] * 3, entries=50, **SPECIES),
        case("from one pass to two", (30, 40, 33), [0.01, 20.0, 0.01], entries=99, **SPECIES),
        case(
            "dt changes",
            (17, 6, 9),
            (0.1, 0.1, 20.0, 0.001, 0.1),
            entries=40,
            tissue=Tissue(0.2, 1.6**-2),
            **SPECIES,
        ),
        case(
            "an axis rests",
            (11, 6, 9),
            [0.7] * 4,
            d=((2.0, 0.0, 1.0), (0.0, 2.0, 0.0)),
            walls=(None, 1.0),
        ),
    ]
)

# shape, half waves along each axis, dt such that much of the mode is left after 200 steps
WAVES = [
    ((24, 10, 15), (3, 2, 4), 0.02),
    ((31, 8, 3), (1, 0, 0), 4.0),
    ((16, 5, 9), (15, 0, 1), 0.01),
    ((13, 17, 6), (0, 5, 3), 0.01),
    ((40, 3, 2), (1, 0, 1), 0.01),
    ((9, 8, 7), (8, 7, 6), 0.004),
]
MODES = [
    case(
        f"{shape} {waves}",
        shape,
        [dt] * 200,
        d=((0.5, 0.8, 0.6),),
        initial=[cosine_mode(shape, waves)],
    )
    for shape, waves, dt in WAVES
]

EVEN = [
    case(
        f"even {dt}",
        (9, 8, 11),
        [dt] * 50,
        d=((1.0, 2.0, 0.5),) * 2,
        walls=(None, 3.7),
        initial=np.full((2, 9, 8, 11), 3.7),
    )
    for dt in (0.025, 10.0)
]

CASES = DENSE + MODES + EVEN
RESULTS = {}


@pytest.fixture
def solved(on_ranks, tmp_path):
    """`solved(ranks)`: all cases on so many ranks, run once for all tests."""

    def run(ranks):
        if ranks not in RESULTS:
            RESULTS[ranks] = advanced(on_ranks, ranks, CASES, tmp_path)
        return RESULTS[ranks]

    return run


def assert_close(found, expected, relative, case):
    """Every ion apart: its largest difference beside its largest value."""
    for ion, (u, exact) in enumerate(zip(found, expected)):
        difference = np.abs(u - exact) / np.abs(exact).max()
        where = np.unravel_index(difference.argmax(), u.shape)
        assert difference[where] <= relative, (
            f"{case}, ion {ion}, {where}: {u[where]}, not {exact[where]}"
        )


@pytest.mark.parametrize("ranks", RANKS)
def test_steps_solve_the_factored_system(solved, ranks):
    """With sources, walls, axes of one and two voxels and r from 0.001 to 50."""
    for each in DENSE:
        assert_close(solved(ranks)[each.name], each.dense, 1e-14, each.name)


@pytest.mark.parametrize("ranks", RANKS[1:])
def test_any_number_of_ranks_gives_the_answer_of_one(solved, ranks):
    for each in CASES:
        assert_close(solved(ranks)[each.name], solved(1)[each.name], 1e-13, each.name)


@pytest.mark.parametrize("ranks", RANKS)
def test_entries_get_their_voxels_concentration_after_the_step(solved, ranks):
    for each in DENSE:
        whole, at_entries = solved(ranks)[each.name], solved(ranks)[each.name + " entries"]
        expected = whole.reshape(len(whole), -1)[:, each.voxels]
        np.testing.assert_array_equal(at_entries, expected, err_msg=each.name)


@pytest.mark.parametrize("ranks", RANKS)
def test_cosine_modes_decay_by_their_exact_factor(solved, ranks):
    """To round-off of what is left after 200 steps, so not only to the order of the grid."""
    for each, (shape, waves, _) in zip(MODES, WAVES):
        left = cosine_factor(shape, waves, each.r(0, each.dts[0])) ** len(each.dts)
        assert 1e-3 < left < 0.99
        assert_close(solved(ranks)[each.name], left * each.initial, 1e-11, each.name)


@pytest.mark.parametrize("ranks", RANKS)
def test_even_concentration_stays_bit_for_bit(solved, ranks):
    for each in EVEN:
        np.testing.assert_array_equal(solved(ranks)[each.name], each.initial, err_msg=each.name)


@pytest.mark.parametrize("ranks", RANKS)
def test_species_that_does_not_diffuse_only_gathers_its_sources(solved, ranks):
    for each in DENSE[:-1]:
        expected, found = (
            each.initial[STILL].reshape(-1),
            solved(ranks)[each.name][STILL].reshape(-1),
        )
        given = (
            sum(each.dts)
            / each.tissue.volume_fraction
            * np.bincount(each.voxels, each.amounts[STILL], found.size)
        )
        np.testing.assert_allclose(
            found, expected + given, rtol=1e-14, atol=1e-14, err_msg=each.name
        )
        np.testing.assert_array_equal(
            found[given == 0], expected[given == 0], err_msg=each.name
        )


@pytest.mark.parametrize("ranks", RANKS)
def test_walls_keep_their_concentration_whatever_flows_into_them(solved, ranks):
    for each in DENSE[:-1]:
        u = solved(ranks)[each.name][WALLED]
        for axis in range(3):
            assert (u.take((0, -1), axis) == each.walls[WALLED]).all(), each.name


def test_two_slabs_settle_their_interface_between_them(solved):
    joined = [line for each in DENSE for line in solved(2)[each.name + " joined"]]
    assert joined
    assert all("neighbour pairs" in line for line in joined)


@pytest.mark.parametrize("ranks", OVER_TWO_RANKS)
def test_both_ways_of_joining_slabs_were_judged(solved, ranks):
    joined = " ".join(line for each in DENSE for line in solved(ranks)[each.name + " joined"])
    assert "neighbour pairs" in joined
    assert "reduced system" in joined


@pytest.mark.parametrize("ranks", (3, long(4)))
def test_both_numbers_of_passes_were_judged(solved, ranks):
    """Slabs meet after one pass by a round of messages, where r is small."""
    for name, expected in (("panels of one pass", "one pass"), ("many planes", "two passes")):
        joined = solved(ranks)[f"{name} joined"]
        assert len(joined) == 2 and all(expected in line for line in joined), name


def test_refining_the_grid_by_two_makes_the_error_four_times_smaller(on_ranks, tmp_path):
    """A block of ions spreads in a closed box.

    The solution is averaged over voxels, as the scheme's is.
    """
    lengths, block, d, t = (
        (12.0, 8.0, 10.0),
        ((3.0, 7.0), (0.0, 4.0), (4.0, 8.0)),
        (1.0, 0.8, 1.2),
        2.0,
    )

    def spread(shape, at):
        lines = [spread_block(*axis, at) for axis in zip(shape, lengths, block, d)]
        return np.einsum("i,j,k->ijk", *lines)

    grids = []
    for h in (1.0, 0.5, 0.25):
        shape = tuple(round(length / h) for length in lengths)
        start = np.round(spread(shape, 1e-12))  # its edges are faces of all three grids
        grids.append(
            case(f"{h} um", shape, [0.02] * 100, d=(d,), spacing=(h,) * 3, initial=[start])
        )
    found = advanced(on_ranks, 2, grids, tmp_path)
    errors = np.array(
        [np.abs(found[grid.name][0] - spread(grid.shape, t)).max() for grid in grids]
    )
    orders = np.log2(errors[:-1] / errors[1:])
    assert (np.abs(orders - 2) < 0.1).all(), f"orders {orders}, errors {errors}"


@pytest.mark.parametrize("ranks, grain", [(1, 0), (1, 2), (2, 0), (3, 1)])
def test_species_of_nan_leaves_others_alone(on_ranks, ranks, grain):
    """They go through the same increments and scratch memory one after the other."""
    for name, (k, na) in on_ranks(ranks, PROGRAMS / "solver" / "one_nan.py", grain).items():
        assert np.isnan(k).sum() > 100, name
        np.testing.assert_allclose(na, 3.0, rtol=0, atol=1e-14, err_msg=name)
