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

from ecsmpi.solver.plane_kernels import finish_plane, finish_plane_of_short_lines
from ecsmpi.solver.row_kernels import add_scaled, compiled, fill, gap_to, scale_row, scaled, second_differences, up_row


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
        second_differences(
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
                gap_to(wall, u[i + 1, y0:y1].reshape(-1), f)
            else:
                _increment_rows(i, y0, y1, u, r, rz, strip, below, a, p, d[i])
                _add_row_sources(i * ny, y0, y1, row_start, source_z, source, p, d[i])
            if i == start[b]:
                scaled(block_first, weight[i], f)
                scale_row(f, pivot[i])
            elif separate:
                add_scaled(block_first, weight[i], f)
                up_row(f, d[i - 1, y0:y1].reshape(-1), lower[i], pivot[i])


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
        add_scaled(x, ratio[i], above.reshape(-1))
        if i - start[b] < n_reach:
            add_scaled(x, reach[i], left[b, y0:y1].reshape(-1))


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
                fill(u[i + 1].reshape(-1), wall)
            elif diagonals.size:
                finish_plane_of_short_lines(d[i], u[i + 1], ly, py, qy, diagonals, scratch[i - bottom], edges_held, wall)
            else:
                finish_plane(
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
