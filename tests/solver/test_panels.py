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
    chosen = {r: panels(CUBE, r, cache) for r in (1e-3, 2.6e-3, 0.1, 30.0)}
    small, smaller, large, largest = chosen.values()
    assert small and smaller and bool(large) == (cache == MOST) and largest is None
    for found in filter(None, chosen.values()):
        assert found.most_rows * found.window * 8 * CUBE[2] <= LARGEST * cache


def test_a_larger_cache_makes_panels_wider_and_batches_longer():
    small, large = panels(CUBE, 1e-3), panels(CUBE, 1e-3, MOST)
    assert large.count < small.count and large.batch > small.batch


def test_thick_slabs_that_threads_would_share_are_not_left_to_one_panel():
    assert panels((10, 20, 64), 0.01).count == 1
    assert panels((1000, 20, 64), 0.01) is None


def test_a_thicker_slab_never_takes_one_pass_where_a_thinner_one_cannot():
    """Ranks decide by the thickest slab of all."""
    for shape in ((20, 64), (64, 64), (100, 300), (31, 40), (300, 256)):
        for r in (1e-3, 0.05, 0.3, 2.0):
            for cache in (LEAST, MOST):
                can = [bool(panels((n, *shape), r, cache)) for n in (1, 2, 5, 20, 100, 1000)]
                assert can == sorted(can, reverse=True), (shape, r, cache)
