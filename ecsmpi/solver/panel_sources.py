"""Sources of one pass, put into tiles of rows, and what the cache is asked for before.

Panels visit a plane's sources a few rows at a time, so that the processor does not foresee which
comes next. Without being asked for, they would come from memory while the pass waits.
"""

import numba
from numba import njit

from ecsmpi.description.grid import LINE
from ecsmpi.solver.cache_lines import ask_for
from ecsmpi.solver.row_kernels import inner
from ecsmpi.solver.sizes import TILE

AHEAD = 2  # tiles before their turn the beginnings of their rows are asked for


@njit(**inner)
def _put(begin, end, voxel, source, factor, place, out):
    """Put the sources [begin, end) where their voxels are, from a place on."""
    for i in range(begin, end):
        e = numba.uint64(i)  # unsigned: no check for negative indices
        out[numba.uint64(place + voxel[e])] = factor * source[e] if factor != 0.0 else 0.0


@njit(**inner)
def put_sources(row_start, voxel, source, factor, line, rows, nz, width, out):
    """factor times the sources of ``rows`` z-lines from number ``line`` on, into a tile of rows.

    A factor of 0 sets 0, also where a source is NaN. width: voxels of a row of the tile.
    """
    if width == nz:
        _put(row_start[line], row_start[line + rows], voxel, source, factor, -line * nz, out)
        return
    for j in range(rows):
        begin, end = row_start[line + j], row_start[line + j + 1]
        _put(begin, end, voxel, source, factor, j * width - (line + j) * nz, out)


@njit(**inner)
def ask_for_sources(row_start, voxel, source, line, rows):
    """Ask for the sources of ``rows`` z-lines from number ``line`` on, and their voxels."""
    begin, end = row_start[line], row_start[line + rows]
    for e in range(begin, end, LINE // 8):
        ask_for(source, e)
    for e in range(begin, end, LINE // 4):
        ask_for(voxel, e)


@njit(**inner)
def ask_ahead(row_start, voxel, source, plane_line, y, begin, end, ny):
    """While rows [y, y + TILE) of a plane have their turn, ask for what the next ones need.

    plane_line: number of the plane's first z-line. begin, end: rows of the panel, in this plane and
    in the next one, which may lie outside the slab.
    """
    if voxel.size == 0:
        return
    last = row_start.size - 1 - TILE  # where a tile may begin
    for tiles in range(1, AHEAD + 1):
        row = y + tiles * TILE
        line = plane_line + row
        if row >= end:
            line = plane_line + ny + begin + (row - end)
        line = min(line, last)
        if tiles == AHEAD:
            ask_for(row_start, line)
            ask_for(row_start, line + TILE)
        elif line >= 0:
            ask_for_sources(row_start, voxel, source, line, TILE)


@njit(**inner)
def ask_for_values(row_start, voxel, values, line, rows):
    """Ask for where values of voxels go, of ``rows`` z-lines from number ``line`` on."""
    begin, end = row_start[line], row_start[line + rows]
    for e in range(begin, end, LINE // 8):
        ask_for(values, e)
    for e in range(begin, end, LINE // 4):
        ask_for(voxel, e)
