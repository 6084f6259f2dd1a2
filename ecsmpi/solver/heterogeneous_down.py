"""The compiled sweep down through a slab of heterogeneous tissue; heterogeneous_up.py has the rows.

Each plane is substituted along x, then y and z are solved in it while it is in cache, and the
increment is added to u. Along z, TILE lines are solved side by side. Threads share the rows, and
then the planes, of a batch of planes. Nothing is allocated.
"""

from numba import njit

from ecsmpi.kernels.records import INTEGER, NUMBERS
from ecsmpi.solver.bodies import Body, loop_over, passing, reading, run
from ecsmpi.solver.entry_kernels import pick
from ecsmpi.solver.heterogeneous_plans import DOWN_PLAN
from ecsmpi.solver.heterogeneous_up import add_product
from ecsmpi.solver.registers import TILE
from ecsmpi.solver.row_kernels import fma, inner
from ecsmpi.solver.tiles import in_rows, side_by_side


@njit(**inner)
def _up_rows(f, capacity, s, face, below, pivot):
    for k in range(f.size):
        f[k] = fma(capacity[k], f[k], s * face[k] * below[k]) * pivot[k]


@njit(**inner)
def _start_row(f, capacity, pivot):
    for k in range(f.size):
        f[k] *= capacity[k] * pivot[k]


@njit(**inner)
def _down_rows(x, s, face, pivot, above):
    for k in range(x.size):
        x[k] = fma(s * face[k] * pivot[k], above[k], x[k])


@njit(**inner)
def _times(a, b, out):
    for k in range(out.size):
        out[k] = a[k] * b[k]


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


@njit(**inner)
def _up_tile(tile, face, pivot, s):
    """Elimination of TILE lines side by side.

    A step along the line is TILE further on, so that a vector depends on the last.
    """
    for m in range(TILE):
        tile[m] *= pivot[m]
    for m in range(face.size - TILE):
        here = m + TILE
        tile[here] = fma(s * face[here] * pivot[here], tile[m], tile[here] * pivot[here])


@njit(**inner)
def _down_tile(tile, face, pivot, s):
    for back in range(face.size - TILE):
        m = face.size - TILE - 1 - back
        tile[m] = fma(s * face[m + TILE] * pivot[m], tile[m + TILE], tile[m])


_pack_planes, _unpack_planes = passing(INTEGER, INTEGER, NUMBERS, NUMBERS)


def _finish_planes(begin, end, thread, arguments):
    """A body of `substitute`: solve y, then z, in planes from ``bottom`` on, and add d to u."""
    address, bottom, u, values = _unpack_planes(arguments)
    plan = _read_plan(address)
    d, scratch = plan.d, plan.scratch[thread]
    capacity, fy, py, fz, pz = plan.plane
    _, sy, sz = plan.s
    source_start = plan.sources.row_start
    _, ny, nz = plan.shape
    tiles, stride = (ny + TILE - 1) // TILE, scratch.size // (2 * TILE)
    rows, tile = scratch[: TILE * stride], scratch[TILE * stride :]
    for i in range(bottom + begin, bottom + end):
        plane = i * ny * nz
        _start_row(d[plane : plane + nz], capacity[plane : plane + nz], py[plane : plane + nz])
        for y in range(1, ny):
            m = plane + y * nz
            _up_rows(
                d[m : m + nz],
                capacity[m : m + nz],
                sy,
                fy[m : m + nz],
                d[m - nz : m],
                py[m : m + nz],
            )
        for t in range(tiles - 1, -1, -1):
            y0, y1 = t * TILE, min((t + 1) * TILE, ny)
            for y in range(y1 - 1, y0 - 1, -1):
                m = plane + y * nz
                if y < ny - 1:
                    _down_rows(
                        d[m : m + nz],
                        sy,
                        fy[m + nz : m + 2 * nz],
                        py[m : m + nz],
                        d[m + nz : m + 2 * nz],
                    )
                r = (y - y0) * stride
                _times(d[m : m + nz], capacity[m : m + nz], rows[r : r + nz])
            at = (i * tiles + t) * nz * TILE
            face, pivot = fz[at : at + nz * TILE], pz[at : at + nz * TILE]
            side_by_side(rows, stride, tile, nz)
            _up_tile(tile, face, pivot, sz)
            _down_tile(tile, face, pivot, sz)
            in_rows(tile, rows, stride, nz)
            for y in range(y0, y1):
                m, r = plane + (ny + y) * nz, (y - y0) * stride
                _add(rows[r : r + nz], u[m : m + nz])
        first, last = source_start[i * ny], source_start[(i + 1) * ny]
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
