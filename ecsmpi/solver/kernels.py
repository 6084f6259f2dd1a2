"""The compiled sweeps through a slab: arrays in, arrays out, nothing allocated.

Concentrations of a slab of ``n`` planes lie in ``u`` of shape (n + 2, ny, nz), z contiguous, with a
ghost plane on either side; the increments ``d`` have no ghosts:

    u plane     0       1   2  ...  n     n+1
              ghost  |    the slab    |  ghost
    d plane             0   1  ... n-1

One step solves (1 - Ax/2)(1 - Ay/2)(1 - Az/2) d = (Ax + Ay + Az) u + s and adds d to u. Along a
line

    diagonal[i] x[i] = f[i] + lower[i] x[i-1] + upper[i] x[i+1]

is eliminated upwards, b[i] = (f[i] + lower[i] b[i-1]) pivot[i], and substituted downwards, x[i] =
b[i] + ratio[i] x[i+1]; see tridiagonal.py for these numbers. `eliminate` goes up through the planes
and makes the right-hand side on its way; `substitute` comes down, and solves y and z in each plane
as soon as it is final, while it is in cache. Threads share the rows of a plane on the way up and
the planes of a batch on the way down, so that the result does not depend on how many there are.
"""

from numba import njit, types

from ecsmpi.solver import threads as team
from ecsmpi.solver.bodies import (
    FLAGS,
    NUMBERS,
    PLACES,
    PLANES,
    SHAPE,
    TABLE,
    WHOLE,
    Body,
    Loop,
    loop_over,
    passing,
    run,
)
from ecsmpi.solver.entry_kernels import pick
from ecsmpi.solver.plane_kernels import finish_plane
from ecsmpi.solver.row_kernels import (
    add_scaled,
    compiled,
    fill,
    gap_to,
    inner,
    part_of_caller,
    scale_row,
    scaled,
    second_differences,
    up_row,
)
from ecsmpi.solver.short_lines import finish_plane_of_short_lines
from ecsmpi.solver.threads import calls_shared


@njit(**part_of_caller)
def _increment_rows(i, y0, y1, shape, u, r, rz, strip, d, below, lower, pivot):
    """d = ((Ax + Ay + Az) u + lower d[below]) pivot for y-rows [y0, y1) of plane i, ``strip`` rows
    of memory at a time.

    u, d: flat in memory, as to make rows of them takes a while where these are short. below: a
    plane of d.
    """
    _, ny, nz = shape
    plane, y = ny * nz, y0
    while y < y1:
        end = y + 1 if y == 0 or y == ny - 1 else min(y + strip, y1, ny - 1)
        size, at = (end - y) * nz, (i + 1) * plane + y * nz
        south = at - nz if y > 0 else at  # beyond the border, the same again: nothing flows
        north = at + nz if end < ny else at
        here, under = i * plane + y * nz, below * plane + y * nz
        second_differences(
            r[0],
            r[1],
            rz[: size + 1],
            u[at - 1 : at + size + 1],
            u[at - plane : at - plane + size],
            u[at + plane : at + plane + size],
            u[south : south + size],
            u[north : north + size],
            d[under : under + size],
            lower,
            pivot,
            d[here : here + size],
        )
        y = end


@njit(**inner)
def _add_sources(begin, end, voxel, source, scale, out):
    for e in range(begin, end):
        out[voxel[e]] += scale * source[e]


_pack_rows_up, _unpack_rows_up = passing(
    NUMBERS,
    NUMBERS,
    NUMBERS,
    SHAPE,
    WHOLE,
    NUMBERS,
    NUMBERS,
    types.int64,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    types.int64,
    WHOLE,
    PLACES,
    NUMBERS,
    types.float64,
    FLAGS,
    types.float64,
    types.int64,
)


def _eliminate_rows(begin, end, thread, arguments):
    """The body of `eliminate`: ``rows`` y-rows of all planes. u, d, first: flat in memory."""
    (
        u,
        d,
        first,
        shape,
        start,
        r,
        rz,
        strip,
        lower,
        pivot,
        weight,
        n_weights,
        row_start,
        voxel,
        source,
        scale,
        held,
        wall,
        rows,
    ) = _unpack_rows_up(arguments)
    n, ny, nz = shape
    plane = ny * nz
    for piece in range(begin, end):
        y0, y1 = piece * rows, min((piece + 1) * rows, ny)
        lo, hi = y0 * nz, y1 * nz
        for b in range(start.size - 1):
            block_first = first[b * plane + lo : b * plane + hi]
            for i in range(start[b], start[b + 1]):
                on_wall = (i == 0 and held[0]) or (i == n - 1 and held[1])
                separate = (
                    on_wall or i - start[b] < n_weights
                )  # f itself is wanted, before the elimination
                begins = i == start[b]
                below = i if begins else i - 1
                a, p = (0.0, 1.0) if separate else (lower[i], pivot[i])
                f = d[i * plane + lo : i * plane + hi]
                if on_wall:
                    gap_to(wall, u[(i + 1) * plane + lo : (i + 1) * plane + hi], f)
                else:
                    if begins:
                        fill(
                            f, 0.0
                        )  # it is its own `below`, and what another species left there need not be a number
                    _increment_rows(i, y0, y1, shape, u, r, rz, strip, d, below, a, p)
                    _add_sources(
                        row_start[i * ny + y0], row_start[i * ny + y1], voxel, source, p * scale, d
                    )
                if begins:
                    scaled(block_first, weight[i], f)
                    scale_row(f, pivot[i])
                elif separate:
                    add_scaled(block_first, weight[i], f)
                    up_row(f, d[(i - 1) * plane + lo : (i - 1) * plane + hi], lower[i], pivot[i])


@loop_over(Body(_eliminate_rows))
def eliminate(
    body,
    u,
    d,
    first,
    start,
    r,
    rz,
    strip,
    lower,
    pivot,
    weight,
    n_weights,
    row_start,
    voxel,
    source,
    scale,
    held,
    wall,
    rows,
):
    """Right-hand side and elimination along x, planes ascending; ``rows`` y-rows at a time.

    start: (blocks + 1,) planes where the slab's blocks begin, each eliminated by itself. r: (3,) D
    dt/h2 along x, y, z.
    rz: (strip * nz + 1,) the last of these between each value of ``strip`` y-rows and the one
    before.
    weight: (n,) first rows of the blocks' inverses, so that ``first`` (blocks, ny, nz) becomes the
    first planes of the blocks' own solutions; only ``n_weights`` of each count.
    source: (sources,) mM over ``scale``, of voxels (sources,), ascending; row_start: (n*ny + 1,)
    where those of each z-line begin.
    held: (2,) whether the slab's first and last planes are walls kept at the concentration
    ``wall``.
    """
    arguments = _pack_rows_up(
        (
            u.reshape(-1),
            d.reshape(-1),
            first.reshape(-1),
            d.shape,
            start,
            r,
            rz,
            strip,
            lower,
            pivot,
            weight,
            n_weights,
            row_start,
            voxel,
            source,
            scale,
            held,
            wall,
            rows,
        )
    )
    run(body, (d.shape[1] + rows - 1) // rows, arguments)


_pack_rows_down, _unpack_rows_down = passing(
    SHAPE,
    types.int64,
    types.int64,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    WHOLE,
    NUMBERS,
    NUMBERS,
    types.int64,
    types.int64,
)


def _substitute_rows(begin, end, thread, arguments):
    """A body of `substitute`: x in ``rows`` y-rows of the planes [bottom, top), flat in memory."""
    shape, bottom, top, d, left, right, start, ratio, reach, n_reach, rows = _unpack_rows_down(
        arguments
    )
    _, ny, nz = shape
    plane = ny * nz
    for piece in range(begin, end):
        lo, hi = piece * rows * nz, min((piece + 1) * rows, ny) * nz
        b = start.size - 2
        for i in range(top - 1, bottom - 1, -1):
            while i < start[b]:
                b -= 1
            x, beside = d[i * plane + lo : i * plane + hi], slice(b * plane + lo, b * plane + hi)
            if i == start[b + 1] - 1:
                add_scaled(x, ratio[i], right[beside])
            else:
                add_scaled(x, ratio[i], d[(i + 1) * plane + lo : (i + 1) * plane + hi])
            if i - start[b] < n_reach:
                add_scaled(x, reach[i], left[beside])


_pack_planes, _unpack_planes = passing(
    types.int64,
    PLANES,
    PLANES,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    TABLE,
    TABLE,
    FLAGS,
    types.boolean,
    types.float64,
    WHOLE,
    PLACES,
    NUMBERS,
    NUMBERS,
)


def _finish_planes(begin, end, thread, arguments):
    """A body of `substitute`: y and z of planes from ``bottom`` on."""
    (
        bottom,
        u,
        d,
        cy,
        py,
        qy,
        cz,
        pz,
        qz,
        inverse,
        scratch,
        held,
        edges_held,
        wall,
        row_start,
        voxel,
        flat,
        values,
    ) = _unpack_planes(arguments)
    n, ny, nz = d.shape
    for i in range(bottom + begin, bottom + end):
        if (i == 0 and held[0]) or (i == n - 1 and held[1]):
            fill(u[i + 1].reshape(-1), wall)
        else:
            finish_plane(d[i], u[i + 1], cy, py, qy, cz, pz, qz, scratch[thread], edges_held, wall)
        pick(row_start[i * ny], row_start[(i + 1) * ny], voxel, flat, ny * nz, values)


def _finish_planes_of_short_lines(begin, end, thread, arguments):
    """The same where z-lines are short."""
    (
        bottom,
        u,
        d,
        cy,
        py,
        qy,
        cz,
        pz,
        qz,
        inverse,
        scratch,
        held,
        edges_held,
        wall,
        row_start,
        voxel,
        flat,
        values,
    ) = _unpack_planes(arguments)
    n, ny, nz = d.shape
    for i in range(bottom + begin, bottom + end):
        if (i == 0 and held[0]) or (i == n - 1 and held[1]):
            fill(u[i + 1].reshape(-1), wall)
        else:
            finish_plane_of_short_lines(
                d[i], u[i + 1], cy, py, qy, inverse, scratch[thread], edges_held, wall
            )
        pick(row_start[i * ny], row_start[(i + 1) * ny], voxel, flat, ny * nz, values)


@calls_shared
def _substitute(
    of_rows,
    of_planes,
    u,
    d,
    left,
    right,
    start,
    ratio,
    reach,
    n_reach,
    cy,
    py,
    qy,
    cz,
    pz,
    qz,
    inverse,
    scratch,
    held,
    edges_held,
    wall,
    row_start,
    voxel,
    values,
    rows,
    batch,
):
    """Substitution along x, planes descending, with y, z and the update of u in each batch of
    planes.

    left, right: (blocks, ny, nz) the solution's planes just outside the blocks (zero at the box's
    ends).
    reach: (n,) how the left planes come through; only ``n_reach`` of each block count.
    cy, py, qy, cz, pz, qz: carry, pivot, ratio along y, and along z, as of tiles.add_solved.
    inverse: of short z-lines, as in `finish_plane_of_short_lines`. Where z-lines are short, those
    along z have no elements; else the inverse has none.
    scratch: (threads, ...) for the one or the other.
    held: (2,) as in `eliminate`; edges_held: whether the other four faces are walls kept at
    ``wall``.
    values: (sources,) what u has become in the voxels of the sources, which are as in `eliminate`.
    """
    n, ny, nz = d.shape
    concentrations, increments, lefts, rights = (
        u.reshape(-1),
        d.reshape(-1),
        left.reshape(-1),
        right.reshape(-1),
    )
    top, reached = n, n
    while top > 0:
        bottom = max(0, top - batch)
        ahead = max(
            0, bottom - 1
        )  # x is a plane ahead: it needs the plane above as x left it, before y and z
        lines = _pack_rows_down(
            (d.shape, ahead, reached, increments, lefts, rights, start, ratio, reach, n_reach, rows)
        )
        run(of_rows, (ny + rows - 1) // rows, lines)
        reached = ahead
        planes = _pack_planes(
            (
                bottom,
                u,
                d,
                cy,
                py,
                qy,
                cz,
                pz,
                qz,
                inverse,
                scratch,
                held,
                edges_held,
                wall,
                row_start,
                voxel,
                concentrations,
                values,
            )
        )
        run(of_planes, top - bottom, planes)
        top = bottom


ROWS_DOWN = Body(_substitute_rows)
substitute = Loop(_substitute, ROWS_DOWN, Body(_finish_planes))
substitute_short_lines = Loop(_substitute, ROWS_DOWN, Body(_finish_planes_of_short_lines))


@njit(**compiled)
def add_sources(u, voxel, source, scale, values):
    """u += sources, for a species that does not diffuse; arguments as in `eliminate` and
    `substitute`.
    """
    concentrations = u[1:-1].reshape(-1)
    _add_sources(0, voxel.size, voxel, source, scale, concentrations)
    pick(0, voxel.size, voxel, concentrations, 0, values)


def set_threads(count: int) -> None:
    """Use ``count`` threads from now on, however small the box."""
    team.choose(count)


def threads() -> int:
    """Threads in use where the box has work for them."""
    return team.chosen() or team.most()


def most_threads() -> int:
    """Threads that may come into use."""
    return team.most()
