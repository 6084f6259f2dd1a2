"""How one pass cuts a slab: whole tiles, as far ahead as round-off asks, within a cache."""

from ecsmpi.solver.panels import LARGEST_WINDOW, Panels, ahead
from ecsmpi.solver.registers import TILE
from ecsmpi.solver.tridiagonal import ROUND_OFF, decay
import numpy as np
import pytest

CUBE = (256, 256, 256)


def panels(shape, r):
    return Panels.of(shape, np.full(3, r))


@pytest.mark.parametrize("r", (1e-4, 1e-3, 0.02, 0.1, 1.0, 30.0))
def test_what_lies_ahead_is_felt_down_to_round_off_and_no_further(r):
    assert decay(r) ** ahead(r) <= ROUND_OFF < decay(r) ** (ahead(r) - 1)


def test_something_is_ahead_even_where_nothing_diffuses():
    assert ahead(0.0) == 1


@pytest.mark.parametrize("shape", (CUBE, (40, 70, 33), (9, 1000, 64), (128, 128, 128)))
@pytest.mark.parametrize("r", (1e-3, 0.01))
def test_panels_are_whole_tiles_but_for_the_last_and_cover_the_rows(shape, r):
    found = panels(shape, r)
    assert found.start[0] == 0 and found.start[-1] == shape[1] and found.count > 1
    assert not (found.start[:-1] % TILE).any() and found.rows_ahead % TILE == 0
    assert np.diff(found.start).min() >= 2 * found.rows_ahead > 0


def test_a_window_fits_in_a_cache_or_two_passes_are_taken():
    chosen = {r: panels(CUBE, r) for r in (1e-3, 2.6e-3, 0.1, 1.0)}
    assert [found is None for found in chosen.values()] == [False, False, True, True]
    for found in chosen.values():
        if found:
            assert found.most_rows * found.window * 8 * CUBE[2] <= LARGEST_WINDOW


def test_thick_slabs_that_threads_would_share_are_not_left_to_one_panel():
    assert panels((10, 20, 64), 0.01).count == 1
    assert panels((1000, 20, 64), 0.01) is None


def test_a_thicker_slab_never_takes_one_pass_where_a_thinner_one_cannot():
    """Ranks decide by the thickest slab of all."""
    for shape in ((20, 64), (64, 64), (100, 300), (31, 40)):
        for r in (1e-3, 0.05, 0.3, 2.0):
            can = [panels((n, *shape), r) is not None for n in (1, 2, 5, 20, 100, 1000)]
            assert can == sorted(can, reverse=True), (shape, r)
