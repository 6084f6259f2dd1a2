"""Sources of one pass lie where their voxels are in a tile of rows, and nowhere else."""

from ecsmpi.solver import panel_sources
from ecsmpi.solver.sizes import TILE, whole_tiles
from ecsmpi.solver.sweep_plans import Sources
from numba import njit
import numpy as np
import pytest

N, NY = 3, 19


@njit
def put_sources(*arguments):
    panel_sources.put_sources(*arguments)


@njit
def ask_ahead(*arguments):
    panel_sources.ask_ahead(*arguments)


@njit
def ask_for_values(*arguments):
    panel_sources.ask_for_values(*arguments)


def sources(nz):
    """Sources in some voxels of a slab, in none of some rows."""
    random = np.random.default_rng(nz)
    voxel = np.flatnonzero(random.random(N * NY * nz) < 0.07).astype(np.uint32)
    return Sources.of(voxel, (N, NY, nz)), random.uniform(1, 2, voxel.size)


@pytest.mark.parametrize("nz", [40, 35])
@pytest.mark.parametrize("rows", [TILE, 3])
def test_sources_lie_in_the_rows_of_their_tile(nz, rows):
    where, source = sources(nz)
    whole = np.zeros((N * NY, nz))
    whole.reshape(-1)[where.voxel] = 5.0 * source
    width = whole_tiles(nz)
    for line in (0, NY + 8, N * NY - rows):
        tile = np.zeros(TILE * width)
        arguments = (line, rows, nz, width, tile)
        put_sources(where.row_start, where.voxel, source, 5.0, *arguments)
        found = tile.reshape(TILE, width)
        assert np.array_equal(found[:rows, :nz], whole[line : line + rows])
        assert not found[rows:].any() and not found[:, nz:].any()
        source_of_nan = np.full_like(source, np.nan)
        put_sources(where.row_start, where.voxel, source_of_nan, 0.0, *arguments)
        assert not tile.any()


def test_what_is_asked_for_may_lie_outside_and_changes_nothing():
    where, source = sources(40)
    before = source.copy()
    for plane in range(N):
        for y in range(0, NY, TILE):
            ask_ahead(where.row_start, where.voxel, source, plane * NY, y, 0, NY, NY)
            rows = min(TILE, NY - y)
            ask_for_values(where.row_start, where.voxel, source, plane * NY + y, rows)
    few, none = Sources.of(where.voxel[:0], (1, 1, 40)), source[:0]
    ask_ahead(few.row_start, few.voxel, none, 0, 0, 0, 1, 1)
    one = Sources.of(np.array([7], dtype=np.uint32), (1, 1, 40))
    ask_ahead(one.row_start, one.voxel, source[:1], 0, 0, 0, 1, 1)
    assert np.array_equal(source, before)
