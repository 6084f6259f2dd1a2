"""Tiles of TILE lines side by side, transposed in registers.

Lines that are contiguous along themselves are solved side by side, one in each element of a vector register, and so
have to be turned about. A compiler does that element by element; here it is three rounds of shuffles for 8 x 8 doubles.
"""

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

TILE = 8  # lines of a tile: the doubles of a vector register of 512 bits

compiled = dict(cache=True, nogil=True, error_model="numpy")
_REGISTER = ir.VectorType(ir.DoubleType(), TILE)
_LANES = ir.VectorType(ir.IntType(32), TILE)


def _swap(builder, rows, distance):
    """Exchange the off-diagonal squares of ``distance`` elements: one round of a transposition."""
    low = [lane if not lane & distance else lane - distance + TILE for lane in range(TILE)]
    high = [lane + distance if not lane & distance else lane + TILE for lane in range(TILE)]
    swapped = list(rows)
    for j in (j for j in range(TILE) if not j & distance):
        pair = rows[j], rows[j + distance]
        swapped[j] = builder.shuffle_vector(*pair, ir.Constant(_LANES, low))
        swapped[j + distance] = builder.shuffle_vector(*pair, ir.Constant(_LANES, high))
    return swapped


@intrinsic
def _transpose_square(typing, source, at, stride, target, to, target_stride):
    """target[to + target_stride k + j] = source[at + stride j + k] for j, k < TILE; 1-D arrays of doubles."""

    def generate(context, builder, signature, arguments):
        def row(array, start, step, j):
            data = context.make_array(signature.args[array])(context, builder, arguments[array]).data
            offset = builder.add(arguments[start], builder.mul(arguments[step], ir.Constant(arguments[step].type, j)))
            return builder.bitcast(builder.gep(data, [offset]), _REGISTER.as_pointer())

        rows = [builder.load(row(0, 1, 2, j), align=8) for j in range(TILE)]
        for distance in (1, 2, 4):
            rows = _swap(builder, rows, distance)
        for k in range(TILE):
            builder.store(rows[k], row(3, 4, 5, k), align=8)
        return context.get_dummy_value()

    return types.void(source, types.intp, types.intp, target, types.intp, types.intp), generate


@njit(**compiled)
def side_by_side(rows, stride, tile, n):
    """tile[k, j] = rows[j, k] for TILE rows ``stride`` apart; n is rounded up to a multiple of TILE."""
    for k in range(0, n, TILE):
        _transpose_square(rows, k, stride, tile, k * TILE, TILE)


@njit(**compiled)
def in_rows(tile, rows, stride, n):
    """rows[j, k] = tile[k, j], likewise."""
    for k in range(0, n, TILE):
        _transpose_square(tile, k * TILE, TILE, rows, k, stride)
