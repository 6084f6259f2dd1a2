"""How one pass cuts a slab: whole tiles, as far ahead as round-off asks, within a cache."""

from ecsmpi.ranks.caches import LEAST, MOST
from ecsmpi.solver.panels import LARGEST, Panels, ahead
from ecsmpi.solver.registers import TILE
from ecsmpi.solver.tridiagonal import ROUND_OFF, decay
import numpy as np
import pytest

CUBE = (256, 256, 256)


def panels(shape, r, cache=LEAST):
    return Panels.of(shape, np.full(3, r), cache)


@pytest.mark.parametrize("r", (1e-4, 1e-3, 0.02, 0.1, 1.0, 30.0))
def test_what_lies_ahead_is_felt_down_to_round_off_and_no_further(r):
    assert decay(r) ** ahead(r) <= ROUND_OFF < decay(r) ** (ahead(r) - 1)


def test_something_is_ahead_even_where_nothing_diffuses():
    assert ahead(0.0) == 1


@pytest.mark.parametrize("shape", (CUBE, (40, 70, 33), (9, 1000, 64), (128, 128, 128)))
@pytest.mark.parametrize("r", (1e-3, 0.01))
@pytest.mark.parametrize("cache", (LEAST, MOST))
def test_panels_are_whole_tiles_but_for_the_last_and_cover_the_rows(shape, r, cache):
    found = panels(shape, r, cache)
    assert found.start[0] == 0 and found.start[-1] == shape[1] and found.count > 1
    assert not (found.start[:-1] % TILE).any() and found.rows_ahead % TILE == 0
    assert np.diff(found.start).min() >= 2 * found.rows_ahead > 0


@pytest.mark.parametrize("cache", (LEAST, MOST))
def test_a_window_fits_in_a_cache_or_two_passes_are_taken(cache):
    chosen = {r: panels(CUBE, r, cache) for r in (1e-3, 2.6e-3, 0.2, 30.0)}
    small, smaller, large, largest = chosen.values()
    assert small and smaller and bool(large) == (cache == MOST) and largest is None
    for found in filter(None, chosen.values()):
        assert found.most_rows * found.window * 8 * CUBE[2] <= LARGEST * cache


@pytest.mark.parametrize("shape", (CUBE, (20, 512, 40), (128, 128, 128)))
@pytest.mark.parametrize("cache", (LEAST, MOST))
def test_two_passes_are_taken_where_one_would_solve_much_again(shape, cache):
    """Down, planes of a batch are solved from further ahead, rows also in the panel before.

    One pass that solves all 10 times was slower than two passes, and faster at 6 times.
    """
    taken = 0
    for r in (1e-3, 0.02, 0.1, 0.4, 2.0):
        found = panels(shape, r, cache)
        if found:
            assert found.batch <= max(6, shape[0] // 4)  # so that threads find panels
            solved = shape[1] + found.count * found.rows_ahead
            again = 1 + found.planes_ahead / found.batch
            assert again * solved / shape[1] < 7
            taken += 1
    assert 0 < taken < 5


def test_a_larger_cache_makes_panels_wider_or_batches_longer():
    for shape, r in ((CUBE, 1e-3), (CUBE, 0.01), ((128, 128, 128), 0.05)):
        small, large = panels(shape, r), panels(shape, r, MOST)
        assert large.effort < small.effort
        assert large.window * large.most_rows > small.window * small.most_rows


def test_thick_slabs_that_threads_would_share_are_not_left_to_one_panel():
    assert panels((10, 20, 64), 0.01).count == 1
    assert panels((1000, 20, 64), 0.01) is None


def test_a_thinner_slab_is_cut_as_the_thickest_but_for_what_it_has_not():
    """Ranks decide by the thickest slab of all, and all take one pass, or two."""
    thickest = panels(CUBE, 0.1, MOST)
    for n in (1, 5, 100):
        found = thickest.in_thinner(n)
        assert found.batch == min(n, thickest.batch)
        assert found.planes_ahead == min(n, thickest.planes_ahead)
        assert found.rows_ahead == thickest.rows_ahead
        assert (found.start == thickest.start).all()
