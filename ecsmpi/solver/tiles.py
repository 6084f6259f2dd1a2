"""Tiles of TILE lines side by side, transposed in registers.

    rows of memory             tile
    a0 a1 a2 ... (line a)      a0 b0 c0 ...  <- one register: voxel 0 of TILE lines
    b0 b1 b2 ... (line b)      a1 b1 c1 ...
    c0 c1 c2 ... (line c)      a2 b2 c2 ...

Lines that are contiguous along themselves are solved side by side, one in each lane of a vector
register, so they have to be transposed. A compiler does that element by element; here it takes
three rounds of shuffles for 8 x 8 doubles.
"""

from numba import njit, types
from numba.extending import intrinsic

from ecsmpi.solver.registers import TILE, Arguments, fma, turned
from ecsmpi.solver.row_kernels import inner, move_rows


@intrinsic
def _eliminate_square(typing, f, at, stride, tile, to, carry, pivot, k):
    """b[m] = carry[k + m] b[m-1] + pivot[k + m] f[at + stride j + m] in line j; m, j < TILE.

    tile[to + TILE m + j] = b[m].
    """

    def generate(context, builder, signature, arguments):
        given = Arguments(context, builder, signature, arguments)
        values = turned(builder, [given.load(0, given.place(1, j, 2)) for j in range(TILE)])
        b = given.load(3, given.place(4, -TILE))
        for m in range(TILE):
            here = given.place(7, m)
            b = fma(
                builder, given.spread(5, here), b, builder.fmul(values[m], given.spread(6, here))
            )
            given.store(b, 3, given.place(4, m * TILE))
        return context.get_dummy_value()

    return types.void(
        f, types.intp, types.intp, tile, types.intp, carry, pivot, types.intp
    ), generate


@intrinsic
def _substitute_square(typing, tile, to, ratio, k, u, at, stride):
    """x[m] = b[m] + ratio[k + m] x[m+1], and u[at + stride j + m] += x[m] of line j; m, j < TILE.

    x[TILE] is in the tile, and x[0] is put there.
    """

    def generate(context, builder, signature, arguments):
        given = Arguments(context, builder, signature, arguments)
        x, values = given.load(0, given.place(1, TILE * TILE)), [None] * TILE
        for m in reversed(range(TILE)):
            x = values[m] = fma(
                builder,
                given.spread(2, given.place(3, m)),
                x,
                given.load(0, given.place(1, m * TILE)),
            )
        given.store(x, 0, given.place(1))
        for j, line in enumerate(turned(builder, values)):
            here = given.place(5, j, 6)
            given.store(builder.fadd(given.load(4, here), line), 4, here)
        return context.get_dummy_value()

    return types.void(tile, types.intp, ratio, types.intp, u, types.intp, types.intp), generate


@njit(**inner)
def add_solved(f, u, n, carry, pivot, ratio, scratch):
    """u += x for TILE lines of n voxels, one after the other in f and u.

    b[k] = carry[k] b[k-1] + pivot[k] f[k], x[k] = b[k] + ratio[k] x[k+1]. Zeros follow in carry,
    pivot and ratio up to a multiple of TILE, N. scratch: ((N + 2) * TILE + TILE * TILE,).
    """
    tile, square = scratch[: scratch.size - TILE * TILE], scratch[scratch.size - TILE * TILE :]
    whole, end = n // TILE * TILE, carry.size
    for j in range(TILE):
        tile[j] = tile[(end + 1) * TILE + j] = 0.0
    for k in range(0, end, TILE):
        source, at, stride = f, k, n
        if k == whole:  # columns that do not fill a square
            for j in range(square.size):
                square[j] = 0.0
            move_rows(TILE, n - whole, f, k, n, square, 0, TILE)
            source, at, stride = square, 0, TILE
        _eliminate_square(source, at, stride, tile, (k + 1) * TILE, carry, pivot, k)
    for k in range(end - TILE, -1, -TILE):
        target, at, stride = u, k, n
        if k == whole:
            move_rows(TILE, n - whole, u, k, n, square, 0, TILE)
            target, at, stride = square, 0, TILE
        _substitute_square(tile, (k + 1) * TILE, ratio, k, target, at, stride)
        if k == whole:
            move_rows(TILE, n - whole, square, 0, TILE, u, k, n)
