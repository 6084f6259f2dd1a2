"""The compiled sweeps through a slab: arrays in, arrays out, nothing allocated.

Concentrations of a slab of ``n`` planes lie in ``u`` of shape (n + 2, ny, nz), z contiguous, with a
ghost plane on either side; the increments ``d`` have no ghosts:

    u plane     0       1   2  ...  n     n+1
              ghost  |    the slab    |  ghost
    d plane             0   1  ... n-1

One step solves (1 - Ax/2)(1 - Ay/2)(1 - Az/2) d = (Ax + Ay + Az) u + s and adds d to u. Along a line

    diagonal[i] x[i] = f[i] + lower[i] x[i-1] + upper[i] x[i+1]

is eliminated upwards, b[i] = (f[i] + lower[i] b[i-1]) pivot[i], and substituted downwards,
x[i] = b[i] + ratio[i] x[i+1]; see tridiagonal.py for these numbers. `eliminate` goes up through
the planes and makes the right-hand side on its way; `substitute` comes down, and solves y and z in each
plane as soon as it is final, while it is in cache. Threads share the rows of a plane on the way up and the
planes of a batch on the way down, so that the result does not depend on how many there are.
"""

import numba
from numba import njit, prange
from numba.extending import intrinsic

from ecsmpi.solver.tiles import TILE, add_solved

compiled = dict(cache=True, nogil=True, error_model="numpy")


@intrinsic
def fma(typing_context, a, b, c):
    """a b + c, rounded once: said outright, since a compiler's choice of where to do so could change bits."""

    def code(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return numba.float64(numba.float64, numba.float64, numba.float64), code


@njit(**compiled)
def _second_differences(rx, ry, rz, centre, west, east, south, north, below, lower, pivot, out):
    """out = ((Ax + Ay + Az) u + lower below) pivot for values in a row of memory.

    centre has one more at either end; rz has one more: r between each value and the one before, 0 where a z-line ends.
    """
    for i in range(out.size):
        k = numba.uint64(i)  # unsigned: no check for negative indices
        here = centre[k + 1]
        along_x, along_y = fma(-2.0, here, west[k] + east[k]), fma(-2.0, here, south[k] + north[k])
        along_z = fma(rz[k], centre[k] - here, rz[k + 1] * (centre[k + 2] - here))
        out[k] = fma(lower, below[k], fma(rx, along_x, fma(ry, along_y, along_z))) * pivot


@njit(**compiled)
def _increment_rows(i, y0, y1, u, r, rz, strip, below, lower, pivot, out):
    """out = ((Ax + Ay + Az) u + lower below) pivot for y-rows [y0, y1) of plane i, ``strip`` rows of memory at a time."""
    ny, nz = out.shape
    values, plane = u.reshape(-1), ny * nz
    y = y0
    while y < y1:
        end = y + 1 if y == 0 or y == ny - 1 else min(y + strip, y1, ny - 1)
        size, at = (end - y) * nz, (i + 1) * plane + y * nz
        south = at - nz if y > 0 else at  # beyond the border, the same again: nothing flows
        north = at + nz if end < ny else at
        _second_differences(
            r[0], r[1], rz[: size + 1], values[at - 1 : at + size + 1], values[at - plane : at - plane + size],
            values[at + plane : at + plane + size], values[south : south + size], values[north : north + size],
            below[y:end].reshape(-1), lower, pivot, out[y:end].reshape(-1),
        )  # fmt: skip
        y = end


@njit(**compiled)
def _add_row_sources(first_row, y0, y1, row_start, source_z, source, scale, out):
    for y in range(y0, y1):
        for e in range(row_start[first_row + y], row_start[first_row + y + 1]):
            out[y, source_z[e]] += scale * source[e]


@njit(**compiled)
def _up_row(f, below, lower, pivot):
    for i in range(f.size):
        k = numba.uint64(i)
        f[k] = fma(lower, below[k], f[k]) * pivot


@njit(**compiled)
def _scale_row(f, factor):
    for k in range(f.size):
        f[k] *= factor


@njit(**compiled)
def _scaled(out, factor, f):
    for k in range(f.size):
        out[k] = factor * f[k]


@njit(**compiled)
def _add_scaled(total, factor, f):
    for i in range(f.size):
        k = numba.uint64(i)
        total[k] = fma(factor, f[k], total[k])


@njit(**compiled)
def _gap_to(value, u, out):
    for k in range(u.size):
        out[k] = value - u[k]


@njit(**compiled)
def _eliminate_rows(
    y0, y1, u, d, first, start, r, rz, strip, lower, pivot, weight, n_weights, row_start, source_z, source, held, wall
):
    n, ny, _ = d.shape
    for b in range(start.size - 1):
        block_first = first[b, y0:y1].reshape(-1)
        for i in range(start[b], start[b + 1]):
            on_wall = (i == 0 and held[0]) or (i == n - 1 and held[1])
            separate = on_wall or i - start[b] < n_weights  # f itself is wanted, before the elimination
            below, a, p = (d[i], 0.0, 1.0) if separate else (d[i - 1], lower[i], pivot[i])
            f = d[i, y0:y1].reshape(-1)
            if on_wall:
                _gap_to(wall, u[i + 1, y0:y1].reshape(-1), f)
            else:
                _increment_rows(i, y0, y1, u, r, rz, strip, below, a, p, d[i])
                _add_row_sources(i * ny, y0, y1, row_start, source_z, source, p, d[i])
            if i == start[b]:
                _scaled(block_first, weight[i], f)
                _scale_row(f, pivot[i])
            elif separate:
                _add_scaled(block_first, weight[i], f)
                _up_row(f, d[i - 1, y0:y1].reshape(-1), lower[i], pivot[i])


@njit(parallel=True, **compiled)
def eliminate(u, d, first, start, r, rz, strip, lower, pivot, weight, n_weights, row_start, source_z, source, held, wall, rows):
    """Right-hand side and elimination along x, planes ascending; ``rows`` y-rows at a time.

    start: (blocks + 1,) planes where the slab's blocks begin, each eliminated by itself. r: (3,) D dt/h2 along x, y, z.
    rz: (strip * nz + 1,) the last of these between each value of ``strip`` y-rows and the one before.
    weight: (n,) first rows of the blocks' inverses, so that ``first`` (blocks, ny, nz) becomes the first planes of
    the blocks' own solutions; only ``n_weights`` of each count.
    source: (voxels with sources,) mM, in rows given by row_start (n*ny + 1,) at source_z.
    held: (2,) whether the slab's first and last planes are walls kept at the concentration ``wall``.
    """
    ny = d.shape[1]
    for block in prange((ny + rows - 1) // rows):
        y0 = block * rows
        _eliminate_rows(
            y0, min(y0 + rows, ny), u, d, first, start, r, rz, strip, lower, pivot, weight, n_weights,
            row_start, source_z, source, held, wall,
        )  # fmt: skip


@njit(**compiled)
def _substitute_rows(y0, y1, bottom, top, d, left, right, start, ratio, reach, n_reach):
    b = start.size - 2
    for i in range(top - 1, bottom - 1, -1):
        while i < start[b]:
            b -= 1
        x = d[i, y0:y1].reshape(-1)
        above = right[b, y0:y1] if i == start[b + 1] - 1 else d[i + 1, y0:y1]
        _add_scaled(x, ratio[i], above.reshape(-1))
        if i - start[b] < n_reach:
            _add_scaled(x, reach[i], left[b, y0:y1].reshape(-1))


@njit(**compiled)
def _up_y(d, lower, pivot):
    """Elimination of all y-lines of a plane, vectorised over contiguous z."""
    _scale_row(d[0], pivot[0])
    for y in range(1, d.shape[0]):
        _up_row(d[y], d[y - 1], lower[y], pivot[y])


@njit(**compiled)
def _down_y(y0, y1, d, ratio):
    """Their substitution from row y1 - 1 down to y0."""
    for y in range(min(y1, d.shape[0] - 1) - 1, y0 - 1, -1):
        _add_scaled(d[y], ratio[y], d[y + 1])


@njit(**compiled)
def _add_solved_rows(d, u, carry, pivot, ratio, scratch):
    """`add_solved` of fewer rows than TILE: the rest of the tile is nothing. scratch: as `add_solved` wants it, and two tiles of rows."""
    rows, nz = d.shape
    own = scratch.size - 2 * TILE * nz
    f, sums = scratch[own : own + TILE * nz], scratch[own + TILE * nz :]
    f[: rows * nz], sums[: rows * nz] = d.reshape(-1), u.reshape(-1)
    f[rows * nz :] = 0.0
    add_solved(f, sums, nz, carry, pivot, ratio, scratch[:own])
    u.reshape(-1)[:] = sums[: rows * nz]


@njit(**compiled)
def _solve_y_of_short_lines(d, lower, pivot, ratio, out):
    """y in a plane, from d into ``out``, both flat in memory: where rows are short, to make an array of each takes too long."""
    ny, n, f = d.shape[0], numba.uint64(d.shape[1]), d.reshape(-1)
    for k in range(n):
        f[k] *= pivot[0]
    for y in range(1, ny):
        a, p, begin = lower[y], pivot[y], n * numba.uint64(y)
        for k in range(begin, begin + n):
            f[k] = fma(a, f[k - n], f[k]) * p
    top = n * numba.uint64(ny - 1)
    for k in range(top, top + n):
        out[k] = f[k]
    for back in range(1, ny):
        y = ny - 1 - back
        q, begin = ratio[y], n * numba.uint64(y)
        for k in range(begin, begin + n):
            out[k] = fma(q, out[k + n], f[k])


@njit(**compiled)
def _add_four_diagonals(w0, w1, w2, w3, f, u):
    """u[k] += w0[k] f[k] + w1[k] f[k+1] + w2[k] f[k+2] + w3[k] f[k+3]."""
    for i in range(u.size):
        k = numba.uint64(i)
        total = fma(w2[k], f[k + 2], w3[k] * f[k + 3])
        u[k] += fma(w0[k], f[k], fma(w1[k], f[k + 1], total))


@njit(**compiled)
def _add_short_lines(f, u, diagonals):
    """u += x for whole z-lines in flat memory, x being the inverse of a line's half step times f.

    diagonals: (4 m, size) of the inverse, repeated for some lines, 0 where they leave a line; the first is that of f[0].
    """
    count, size = diagonals.shape
    for a in range(0, u.size, size):
        here = u[a : min(a + size, u.size)]
        for m in range(0, count, 4):
            w0, w1, w2, w3 = diagonals[m, : here.size], diagonals[m + 1, : here.size], diagonals[m + 2, : here.size], diagonals[m + 3, : here.size]
            _add_four_diagonals(w0, w1, w2, w3, f[a + m : a + m + here.size + 3], here)


@njit(**compiled)
def _finish_plane_of_short_lines(d, u, ly, py, qy, diagonals, scratch, held, wall):
    """As `_finish_plane`. Nothing is around the plane in ``scratch``, so that diagonals may reach out of it."""
    ny, nz = d.shape
    before = diagonals.shape[0] // 2
    plane = scratch[before : before + ny * nz]
    if held:
        _aim_rows_at_wall(d, u, wall)
    _solve_y_of_short_lines(d, ly, py, qy, plane)
    if held:
        _aim_ends_at_wall(plane.reshape(ny, nz), u, wall)
    _add_short_lines(scratch, u.reshape(-1), diagonals)
    if held:
        _keep_wall(u, wall)


@njit(**compiled)
def _aim_rows_at_wall(d, u, wall):
    ny = d.shape[0]
    _gap_to(wall, u[0], d[0])
    _gap_to(wall, u[ny - 1], d[ny - 1])


@njit(**compiled)
def _aim_ends_at_wall(d, u, wall):
    for y in range(d.shape[0]):
        d[y, 0] = wall - u[y, 0]
        d[y, -1] = wall - u[y, -1]


@njit(**compiled)
def _keep_wall(u, wall):
    ny, nz = u.shape
    u[0, :] = wall
    u[ny - 1, :] = wall
    for y in range(ny):
        u[y, 0] = wall
        u[y, nz - 1] = wall


@njit(**compiled)
def _finish_plane(d, u, ly, py, qy, cz, pz, qz, scratch, held, wall):
    """Solve y, then z, in one plane and add the increment to u; ``held``: its four edges are walls.

    z follows y by a tile of rows, while they are in cache. The y-substitution needs the rows above as y left them, so
    z works in scratch and leaves d alone.
    """
    ny, nz = d.shape
    if held:
        _aim_rows_at_wall(d, u, wall)
    if ny > 1:
        _up_y(d, ly, py)
    y1 = ny
    while y1 > 0:
        y0 = max(0, y1 - TILE)
        _down_y(y0, y1, d, qy)
        if held:
            _aim_ends_at_wall(d[y0:y1], u[y0:y1], wall)
        if y1 - y0 == TILE:
            own = scratch.size - 2 * TILE * nz
            add_solved(d[y0:y1].reshape(-1), u[y0:y1].reshape(-1), nz, cz, pz, qz, scratch[:own])
        else:
            _add_solved_rows(d[y0:y1], u[y0:y1], cz, pz, qz, scratch)
        y1 = y0
    if held:
        _keep_wall(u, wall)


@njit(parallel=True, **compiled)
def substitute(
    u, d, left, right, start, ratio, reach, n_reach, ly, py, qy, cz, pz, qz, diagonals, scratch, held, edges_held, wall, rows, batch
):
    """Substitution along x, planes descending, with y, z and the update of u in each batch of planes.

    left, right: (blocks, ny, nz) the solution's planes just outside the blocks (zero at the box's ends).
    reach: (n,) how the left planes come through; only ``n_reach`` of each block count.
    ly, py, qy: lower, pivot and ratio along y. cz, pz, qz: carry, pivot, ratio of tiles.add_solved;
    or diagonals: as in `_add_short_lines`, or nothing. scratch: (batch, ...) for one or the other.
    held: (2,) as in `eliminate`; edges_held: whether the other four faces are walls kept at ``wall``.
    """
    n, ny, _ = d.shape
    top, reached = n, n
    while top > 0:
        bottom = max(0, top - batch)
        ahead = max(0, bottom - 1)  # x is a plane ahead: it needs the plane above as x left it, before y and z
        for block in prange((ny + rows - 1) // rows):
            y0 = block * rows
            _substitute_rows(y0, min(y0 + rows, ny), ahead, reached, d, left, right, start, ratio, reach, n_reach)
        reached = ahead
        for i in prange(bottom, top):
            if (i == 0 and held[0]) or (i == n - 1 and held[1]):
                u[i + 1] = wall
            elif diagonals.size:
                _finish_plane_of_short_lines(d[i], u[i + 1], ly, py, qy, diagonals, scratch[i - bottom], edges_held, wall)
            else:
                _finish_plane(
                    d[i], u[i + 1], ly, py, qy, cz, pz, qz, scratch[i - bottom], edges_held, wall
                )  # fmt: skip
        top = bottom


@njit(**compiled)
def add_sources(u, row_start, source_z, source):
    """u += sources, for a species that does not diffuse; arguments as in `eliminate`."""
    n, ny = u.shape[0] - 2, u.shape[1]
    for row in range(n * ny):
        for e in range(row_start[row], row_start[row + 1]):
            u[1 + row // ny, row % ny, source_z[e]] += source[e]


def set_threads(count: int) -> None:
    """Use ``count`` threads from now on."""
    numba.set_num_threads(count)


def threads() -> int:
    """Threads in use."""
    return numba.get_num_threads()
