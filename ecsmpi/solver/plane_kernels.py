"""The compiled loops that finish a plane whose x is solved: y, then z, and the increment is added to u.

y is vectorised over contiguous z. z-lines are solved side by side, a tile of rows at a time while it is in cache (tiles.py);
short ones, which would leave tiles empty, by the inverse of a line, of which all are the same.
"""

import numba
from numba import njit

from ecsmpi.solver.row_kernels import add_scaled, compiled, copy, fill, fma, gap_to, scale_row, up_row
from ecsmpi.solver.tiles import TILE, add_solved


@njit(**compiled)
def _up_y(d, lower, pivot):
    """Elimination of all y-lines of a plane, vectorised over contiguous z."""
    scale_row(d[0], pivot[0])
    for y in range(1, d.shape[0]):
        up_row(d[y], d[y - 1], lower[y], pivot[y])


@njit(**compiled)
def _down_y(y0, y1, d, ratio):
    """Their substitution from row y1 - 1 down to y0."""
    for y in range(min(y1, d.shape[0] - 1) - 1, y0 - 1, -1):
        add_scaled(d[y], ratio[y], d[y + 1])


@njit(**compiled)
def _add_solved_rows(d, u, carry, pivot, ratio, scratch):
    """`add_solved` of TILE rows, or of fewer: the rest of the tile is nothing. scratch: as `add_solved` wants it, and two tiles of rows."""
    rows, nz = d.shape
    f, total, own = d.reshape(-1), u.reshape(-1), scratch.size - 2 * TILE * nz
    if rows < TILE:
        f, total = scratch[own : own + TILE * nz], scratch[own + TILE * nz :]
        copy(d.reshape(-1), f)
        copy(u.reshape(-1), total)
        fill(f[rows * nz :], 0.0)
    add_solved(f, total, nz, carry, pivot, ratio, scratch[:own])
    if rows < TILE:
        copy(total[: rows * nz], u.reshape(-1))


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
def _aim_rows_at_wall(d, u, wall):
    ny = d.shape[0]
    gap_to(wall, u[0], d[0])
    gap_to(wall, u[ny - 1], d[ny - 1])


@njit(**compiled)
def _aim_ends_at_wall(d, u, wall):
    for y in range(d.shape[0]):
        d[y, 0] = wall - u[y, 0]
        d[y, -1] = wall - u[y, -1]


@njit(**compiled)
def _keep_wall(u, wall):
    ny, nz = u.shape
    fill(u[0], wall)
    fill(u[ny - 1], wall)
    for y in range(ny):
        u[y, 0] = wall
        u[y, nz - 1] = wall


@njit(**compiled)
def finish_plane_of_short_lines(d, u, ly, py, qy, diagonals, scratch, held, wall):
    """As `finish_plane`. Nothing is around the plane in ``scratch``, so that diagonals may reach out of it."""
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
def finish_plane(d, u, ly, py, qy, cz, pz, qz, scratch, held, wall):
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
        _add_solved_rows(d[y0:y1], u[y0:y1], cz, pz, qz, scratch)
        y1 = y0
    if held:
        _keep_wall(u, wall)
