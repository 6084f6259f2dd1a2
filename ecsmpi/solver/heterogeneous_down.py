"""The compiled sweep down through a slab of heterogeneous tissue; heterogeneous_up.py has the rows.

Each plane is substituted along x, then y and z are solved in it while it is in cache, and the
increment is added to u; heterogeneous_squares.py has the arithmetic of y and z. Threads share the
rows, and then the planes, of a batch of planes. Nothing is allocated.
"""

from numba import njit

from ecsmpi.kernels.records import INTEGER, NUMBERS
from ecsmpi.solver.bodies import Body, loop_over, passing, reading, run
from ecsmpi.solver.entry_kernels import pick
from ecsmpi.solver.heterogeneous_plans import DOWN_PLAN, GROUP
from ecsmpi.solver.heterogeneous_squares import (
    descend_row,
    prepare_row,
    rise_row,
    square_downwards,
    square_upwards,
)
from ecsmpi.solver.heterogeneous_up import add_product
from ecsmpi.solver.row_kernels import fill, fma, inner, part_of_caller
from ecsmpi.solver.sizes import TILE


@njit(**inner)
def _down_rows(x, s, face, pivot, above):
    for k in range(x.size):
        x[k] = fma(s * face[k] * pivot[k], above[k], x[k])


@njit(**inner)
def _add(f, total):
    for k in range(f.size):
        total[k] += f[k]


_read_plan = reading(DOWN_PLAN)
_pack_rows, _unpack_rows = passing(INTEGER, INTEGER, INTEGER)


def _substitute_rows(begin, end, thread, arguments):
    """A body of `substitute`: x in pieces of ``plan.rows`` y-rows, in the planes [bottom, top)."""
    address, bottom, top = _unpack_rows(arguments)
    plan = _read_plan(address)
    d, left, right, fx, rows = plan.d, plan.left, plan.right, plan.x, plan.rows
    start, px, near, _, reach = plan.lines
    sx = plan.s[0]
    _, ny, nz = plan.shape
    plane = ny * nz
    for piece in range(begin, end):
        y0, y1 = piece * rows, min((piece + 1) * rows, ny)
        size = (y1 - y0) * nz
        b = start.size - 2
        for i in range(top - 1, bottom - 1, -1):
            while i < start[b]:
                b -= 1
            m, at = i * plane + y0 * nz, b * plane + y0 * nz
            x = d[m : m + size]
            above = d[m + plane : m + plane + size]
            if i == start[b + 1] - 1:
                above = right[at : at + size]
            _down_rows(x, sx, fx[m + plane : m + plane + size], px[m : m + size], above)
            if i - start[b] < near[b + 1] - near[b]:
                w = (near[b] + i - start[b]) * plane + y0 * nz
                add_product(reach[w : w + size], left[at : at + size], x)


@njit(**part_of_caller)
def _begin_z(plan, count, thread):
    """Begin `_solve_z` of so many rows: beyond them and their ends, x = 0."""
    scratch, nz = plan.scratch, plan.shape[2]
    f, whole, m = scratch.f[thread], scratch.whole[thread], scratch.m[thread]
    tile, of_tile = scratch.tile[thread], scratch.tile.shape[1] // GROUP
    stride, width = f.size // (GROUP * TILE), (nz + TILE - 1) // TILE * TILE
    tiles = (count + TILE - 1) // TILE
    for row in range(tiles * TILE):
        begin, end = row * stride, row * stride + width
        if row < count:
            begin += nz
        fill(f[begin:end], 0.0)
        fill(whole[begin:end], 1.0)
        fill(m[begin:end], 0.0)
    for begin in range(0, tiles * of_tile, of_tile):
        end = begin + of_tile
        fill(tile[begin : begin + TILE], 0.0)
        fill(tile[end - TILE : end], 0.0)
    fill(scratch.pivot[thread], 0.0)


@njit(**part_of_caller)
def _solve_z(plan, count, thread):
    """z in ``count`` rows of the scratch; x takes the place of f."""
    _begin_z(plan, count, thread)
    scratch, nz = plan.scratch, plan.shape[2]
    f, whole, m = scratch.f[thread], scratch.whole[thread], scratch.m[thread]
    tile, ratio, pivot = scratch.tile[thread], scratch.tile_ratio[thread], scratch.pivot[thread]
    stride, of_tile = f.size // (GROUP * TILE), tile.size // GROUP
    tiles, width = (count + TILE - 1) // TILE, (nz + TILE - 1) // TILE * TILE
    for k in range(0, width, TILE):
        for t in range(tiles):
            begin, end = t * of_tile, (t + 1) * of_tile
            square_upwards(
                f,
                whole,
                m,
                t * TILE * stride,
                stride,
                tile[begin:end],
                ratio[begin:end],
                pivot[t * TILE : (t + 1) * TILE],
                k,
            )
    for k in range(width - TILE, -1, -TILE):
        for t in range(tiles):
            begin, end, at = t * of_tile, (t + 1) * of_tile, t * TILE * stride
            square_downwards(tile[begin:end], ratio[begin:end], k, f, at, stride)


_pack_planes, _unpack_planes = passing(INTEGER, INTEGER, NUMBERS, NUMBERS)


def _finish_planes(begin, end, thread, arguments):
    """A body of `substitute`: solve y, then z, in planes from ``bottom`` on, and add d to u."""
    address, bottom, u, values = _unpack_planes(arguments)
    plan = _read_plan(address)
    scratch, tissue = plan.scratch, plan.plane
    along_y = tissue.capacity, tissue.y_diagonal, tissue.y
    along_z = tissue.z_diagonal, tissue.z
    lines = scratch.b[thread], scratch.ratio[thread]
    x, f = scratch.x[thread], scratch.f[thread]
    of_z = scratch.whole[thread], scratch.m[thread]
    _, sy, sz = plan.s
    _, ny, nz = plan.shape
    stride, group = f.size // (GROUP * TILE), GROUP * TILE
    for i in range(bottom + begin, bottom + end):
        plane, after = i * ny * nz, (i + 1) * ny * nz  # u has a ghost plane before
        for y in range(ny):
            rise_row(plan.d, along_y, plane + y * nz, nz, sy, lines, y * nz, (y + 1) * nz)
        fill(x, 0.0)
        for y0 in range((ny - 1) // group * group, -1, -group):
            y1 = min(y0 + group, ny)
            for y in range(y0, y1):
                m, to = y * nz, (y - y0) * stride
                early = -group * nz
                prepare_row(along_z, plane + m, nz, sz, of_z, to, u, after + m, early)
            for y in range(y1 - 1, y0 - 1, -1):
                m, to = plane + y * nz, (y - y0) * stride
                descend_row(tissue.capacity, m, nz, lines, (y + 1) * nz, x, f, to)
            _solve_z(plan, y1 - y0, thread)
            for y in range(y0, y1):
                m, at = after + y * nz, (y - y0) * stride
                _add(f[at : at + nz], u[m : m + nz])
        first, last = plan.sources.row_start[i * ny], plan.sources.row_start[(i + 1) * ny]
        pick(first, last, plan.sources.voxel, u, ny * nz, values)


@loop_over(Body(_substitute_rows), Body(_finish_planes))
def substitute(of_rows, of_planes, address, u, values):
    """Substitution along x, planes descending, with y, z and the update of u in each batch.

    address: of the record of a HeterogeneousDownPlan. u: mM, flat. values: (sources,) what u has
    become in the voxels of the sources.
    """
    plan = _read_plan(address)
    n, ny, _ = plan.shape
    pieces = (ny + plan.rows - 1) // plan.rows
    top, reached = n, n
    while top > 0:
        bottom = max(0, top - plan.batch)
        # x is a plane ahead: it needs the plane above as x left it, before y and z
        ahead = max(0, bottom - 1)
        run(of_rows, pieces, _pack_rows((address, ahead, reached)))
        reached = ahead
        run(of_planes, top - bottom, _pack_planes((address, bottom, u, values)))
        top = bottom
