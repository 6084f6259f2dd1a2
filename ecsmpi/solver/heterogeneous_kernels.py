"""The compiled sweeps through a slab of varying tissue: arrays in, arrays out, nothing allocated.

Voxels are counted flat: along x, y, z the next one is ``ny nz``, ``nz`` and 1 further on. With the
capacity a of a voxel (its volume fraction) and the conductance M of a face, each half step
multiplied by a is symmetric,

    (a + s M_below + s M_above) x[m] - s M_below x[m - 1] - s M_above x[m + 1] = a f[m],      s = D dt / (2 h2)

M has the face below each voxel, and so that above it a stride further on; a closed face conducts
nothing, so that no sweep needs to know where lines end. With p the inverse pivots, lines are
eliminated upwards,

    b[m] = (a f[m] + s M_below b[m - 1]) p[m]

and substituted downwards, x[m] = b[m] + s M_above p[m] x[m + 1]. Concentrations ``u`` have a ghost
plane on either side. Threads share the rows of a plane on the way up and the planes of a batch on
the way down, as in kernels.py.
"""

from numba import njit, types

from ecsmpi.solver.bodies import NUMBERS, PLACES, SHAPE, TABLE, WHOLE, Body, loop_over, passing, run
from ecsmpi.solver.entry_kernels import pick
from ecsmpi.solver.registers import TILE
from ecsmpi.solver.row_kernels import compiled, copy, fill, fma, inner
from ecsmpi.solver.tiles import in_rows, side_by_side


@njit(**compiled)
def pivots(diagonal, face, s, stride, out):
    """out = inverse pivots of lines that begin at the first ``stride`` voxels; a face of zero
    begins another line.

    diagonal: (voxels,) capacity and what else stands there. face: (voxels + stride,).
    """
    for m in range(min(stride, out.size)):
        out[m] = 1.0 / (diagonal[m] + s * (face[m] + face[m + stride]))
    for m in range(stride, out.size):
        below = s * face[m]
        out[m] = 1.0 / (
            diagonal[m] + below + s * face[m + stride] - below * below * out[m - stride]
        )


@njit(**inner)
def _fluxes(centre, west, east, south, north, fw, fe, fs, fn, fz, sx, sy, sz, below, pivot, out):
    """out = (2 s sum of M (u_neighbour - u) + sx M_west below) pivot; centre and fz have one more
    at the far end(s).
    """
    for k in range(out.size):
        here = centre[k + 1]
        x = fma(fw[k], fma(2.0, west[k] - here, below[k]), 2.0 * fe[k] * (east[k] - here))
        y = fma(fs[k], south[k] - here, fn[k] * (north[k] - here))
        z = fma(fz[k], centre[k] - here, fz[k + 1] * (centre[k + 2] - here))
        out[k] = fma(sx, x, 2.0 * fma(sy, y, sz * z)) * pivot[k]


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


@njit(**inner)
def _add_product(a, b, total):
    for k in range(total.size):
        total[k] = fma(a[k], b[k], total[k])


@njit(**inner)
def _add_sources(begin, end, voxel, source, pivot, out):
    for e in range(begin, end):
        m = voxel[e]
        out[m] += source[e] * pivot[m]


@njit(**inner)
def _add_baths(begin, end, voxel, strength, bath, u, plane, pivot, out):
    for e in range(begin, end):
        m = voxel[e]
        out[m] += strength[e] * (bath[e] - u[plane + m]) * pivot[m]


NUMBER = types.float64
_pack_rows_up, _unpack_rows_up = passing(
    SHAPE,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    WHOLE,
    types.UniTuple(NUMBERS, 3),
    types.UniTuple(NUMBER, 3),
    NUMBERS,
    NUMBERS,
    WHOLE,
    WHOLE,
    PLACES,
    NUMBERS,
    WHOLE,
    WHOLE,
    NUMBERS,
    NUMBERS,
    types.int64,
)


def _eliminate_rows(begin, end, thread, arguments):
    """The body of `eliminate`: ``rows`` y-rows of all planes."""
    (
        shape,
        u,
        d,
        first,
        start,
        faces,
        s,
        px,
        weight,
        near,
        source_start,
        source_voxel,
        source,
        bath_start,
        bath_voxel,
        strength,
        bath,
        rows,
    ) = _unpack_rows_up(arguments)
    _, ny, nz = shape
    fx, fy, fz = faces
    sx, sy, sz = s
    plane = ny * nz
    for piece in range(begin, end):
        y0, y1 = piece * rows, min((piece + 1) * rows, ny)
        size = (y1 - y0) * nz
        for b in range(start.size - 1):
            block_first = first[b * plane + y0 * nz : b * plane + y0 * nz + size]
            for i in range(start[b], start[b + 1]):
                m = i * plane + y0 * nz
                c = m + plane  # u has a ghost plane before
                out, pivot = d[m : m + size], px[m : m + size]
                begins = i == start[b]
                below = d[m : m + size] if begins else d[m - plane : m - plane + size]
                if begins:
                    fill(out, 0.0)
                _fluxes(
                    u[c - 1 : c + size + 1],
                    u[m : m + size],
                    u[c + plane : c + plane + size],
                    u[c - nz : c - nz + size],
                    u[c + nz : c + nz + size],
                    fx[m : m + size],
                    fx[m + plane : m + plane + size],
                    fy[m : m + size],
                    fy[m + nz : m + nz + size],
                    fz[m : m + size + 1],
                    sx,
                    sy,
                    sz,
                    below,
                    pivot,
                    out,
                )
                row, last = i * ny + y0, i * ny + y1
                _add_sources(source_start[row], source_start[last], source_voxel, source, px, d)
                _add_baths(
                    bath_start[row], bath_start[last], bath_voxel, strength, bath, u, plane, px, d
                )
                if begins:
                    copy(out, block_first)
                elif i - start[b] < near[b + 1] - near[b]:
                    w = (near[b] + i - start[b]) * plane + y0 * nz
                    _add_product(weight[w : w + size], out, block_first)


@loop_over(Body(_eliminate_rows))
def eliminate(
    body,
    shape,
    u,
    d,
    first,
    start,
    faces,
    s,
    px,
    weight,
    near,
    source_start,
    sources,
    bath_start,
    baths,
    rows,
):
    """Right-hand side and elimination along x, planes ascending; ``rows`` y-rows at a time. All
    arrays are flat.

    shape: (n, ny, nz). faces: M along x, y, z; s: theirs; px: inverse pivots along x. start:
    (blocks + 1,) planes where blocks
    begin. weight: planes near[b] to near[b + 1] say what planes of block b add to its first
    unknown, ``first``.
    sources: (voxels, mM times capacity). baths: (voxels, strength, mM): strength (bath - u) is
    added. Voxels ascend; those of each z-line begin at source_start, bath_start (n*ny + 1,).
    """
    arguments = _pack_rows_up(
        (
            shape,
            u,
            d,
            first,
            start,
            faces,
            s,
            px,
            weight,
            near,
            source_start,
            sources[0],
            sources[1],
            bath_start,
            baths[0],
            baths[1],
            baths[2],
            rows,
        )
    )
    run(body, (shape[1] + rows - 1) // rows, arguments)


_pack_rows_down, _unpack_rows_down = passing(
    SHAPE,
    types.int64,
    types.int64,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    WHOLE,
    NUMBERS,
    NUMBER,
    NUMBERS,
    NUMBERS,
    WHOLE,
    types.int64,
)


def _substitute_rows(begin, end, thread, arguments):
    """A body of `substitute`: x in ``rows`` y-rows of the planes [bottom, top)."""
    shape, bottom, top, d, left, right, start, fx, sx, px, reach, near, rows = _unpack_rows_down(
        arguments
    )
    _, ny, nz = shape
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
            above = (
                right[at : at + size] if i == start[b + 1] - 1 else d[m + plane : m + plane + size]
            )
            _down_rows(x, sx, fx[m + plane : m + plane + size], px[m : m + size], above)
            if i - start[b] < near[b + 1] - near[b]:
                w = (near[b] + i - start[b]) * plane + y0 * nz
                _add_product(reach[w : w + size], left[at : at + size], x)


@njit(**inner)
def _up_tile(tile, face, pivot, s):
    """Elimination of TILE lines side by side: a step along the line is TILE further on, so that a
    vector depends on the last.
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


_pack_planes, _unpack_planes = passing(
    SHAPE,
    types.int64,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBERS,
    NUMBER,
    NUMBER,
    NUMBERS,
    NUMBERS,
    TABLE,
    WHOLE,
    PLACES,
    NUMBERS,
)


def _finish_planes(begin, end, thread, arguments):
    """A body of `substitute`: solve y, then z, in planes from ``bottom`` on, and add the increment
    to u.
    """
    (
        shape,
        bottom,
        u,
        d,
        capacity,
        fy,
        fz_tiled,
        sy,
        sz,
        py,
        pz_tiled,
        tiles_of_threads,
        source_start,
        voxel,
        values,
    ) = _unpack_planes(arguments)
    _, ny, nz = shape
    scratch = tiles_of_threads[thread]
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
            face, pivot = fz_tiled[at : at + nz * TILE], pz_tiled[at : at + nz * TILE]
            side_by_side(rows, stride, tile, nz)
            _up_tile(tile, face, pivot, sz)
            _down_tile(tile, face, pivot, sz)
            in_rows(tile, rows, stride, nz)
            for y in range(y0, y1):
                m, r = plane + (ny + y) * nz, (y - y0) * stride
                _add(rows[r : r + nz], u[m : m + nz])
        pick(source_start[i * ny], source_start[(i + 1) * ny], voxel, u, ny * nz, values)


@loop_over(Body(_substitute_rows), Body(_finish_planes))
def substitute(
    of_rows,
    of_planes,
    shape,
    u,
    d,
    left,
    right,
    start,
    capacity,
    fx,
    fy,
    fz_tiled,
    s,
    px,
    py,
    pz_tiled,
    reach,
    near,
    scratch,
    source_start,
    voxel,
    values,
    rows,
    batch,
):
    """Substitution along x, planes descending, with y, z and the update of u in each batch of
    planes. All arrays are flat.

    left, right: the solution's planes just outside the blocks. capacity: a. fz_tiled, pz_tiled: (n,
    tiles, nz, TILE), M and p
    along z. reach: as ``weight`` of `eliminate`, how left comes through. scratch: (threads, ...)
    for two tiles.
    values: (sources,) what u has become in the voxels of the sources.
    """
    n, ny, nz = shape
    top, reached = n, n
    while top > 0:
        bottom = max(0, top - batch)
        ahead = max(
            0, bottom - 1
        )  # x is a plane ahead: it needs the plane above as x left it, before y and z
        lines = _pack_rows_down(
            (shape, ahead, reached, d, left, right, start, fx, s[0], px, reach, near, rows)
        )
        run(of_rows, (ny + rows - 1) // rows, lines)
        reached = ahead
        planes = _pack_planes(
            (
                shape,
                bottom,
                u,
                d,
                capacity,
                fy,
                fz_tiled,
                s[1],
                s[2],
                py,
                pz_tiled,
                scratch,
                source_start,
                voxel,
                values,
            )
        )
        run(of_planes, top - bottom, planes)
        top = bottom


@njit(**compiled)
def add_sources(u, plane, voxel, source, capacity, values):
    """u += source / capacity, for a species that does not diffuse; plane: voxels of one; the others
    as in `eliminate` and `substitute`.
    """
    for e in range(voxel.size):
        u[plane + voxel[e]] += source[e] / capacity[voxel[e]]
    pick(0, voxel.size, voxel, u, plane, values)
