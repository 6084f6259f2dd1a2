"""The middle of a line, where squares take one number for all: it is whole, and nothing else is."""

from ecsmpi.solver.panel_plans import Axis
from ecsmpi.solver.sizes import TILE
from ecsmpi.solver.sweep_plans import Lines
from ecsmpi.solver.tridiagonal import Block, TridiagonalRows
import numpy as np
import pytest


def axis(n, r, tile, is_held=False):
    lines = Lines.of(Block.of(TridiagonalRows.of_line(n, r, is_held)))
    lines = lines.over(lines.pivot[n // 2])
    if is_held:
        lines = lines.at_rest([0, n - 1])
    return Axis.of(n, r, lines, tile)


@pytest.mark.parametrize("tile", [1, TILE])
@pytest.mark.parametrize("is_held", [False, True])
@pytest.mark.parametrize("r", [1e-4, 0.003, 0.1, 2.0])
@pytest.mark.parametrize("n", [1, 7, 16, 64, 100])
def test_all_numbers_are_those_of_the_middle_and_no_tile_more_is(n, r, is_held, tile):
    found = axis(n, r, tile, is_held)
    numbers = np.array(found[:5])
    is_steady = (numbers == numbers[:, [n // 2]]).all(axis=0) & (found.pivot == 1)
    assert is_steady[found.begin : found.end].all()
    assert found.begin % tile == found.end % tile == 0 and found.end <= n
    if found.end > found.begin:
        for tile_beside in (found.begin - tile, found.end):
            if 0 <= tile_beside < is_steady.size:
                assert not is_steady[tile_beside : tile_beside + tile].all()


def test_most_of_a_long_line_is_its_middle():
    found = axis(256, 0.003, TILE)
    assert (found.begin, found.end) == (TILE, 256 - TILE)


def test_a_line_without_diffusion_is_all_middle():
    found = axis(64, 0.0, TILE)
    assert (found.begin, found.end) == (0, 64)
