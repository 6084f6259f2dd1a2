"""Tiles of TILE lines side by side, transposed in registers.

Lines that are contiguous along themselves are solved side by side, one in each element of a vector register, and so
have to be turned about. A compiler does that element by element; here it is three rounds of shuffles for 8 x 8 doubles.
"""

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
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


def _turned(builder, rows):
    for distance in (1, 2, 4):
        rows = _swap(builder, rows, distance)
    return rows


def _fma(builder, a, b, c):
    function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(_REGISTER, [_REGISTER] * 3), "llvm.fma.v8f64")
    return builder.call(function, [a, b, c])


class _Arguments:
    """The arguments of an intrinsic: 1-D arrays of doubles, and whole numbers."""

    def __init__(self, context, builder, signature, arguments):
        self._builder, self._values = builder, arguments
        self._data = {
            number: context.make_array(kind)(context, builder, value).data
            for number, (kind, value) in enumerate(zip(signature.args, arguments)) if isinstance(kind, types.Array)
        }  # fmt: skip

    def place(self, start: int, plus: int = 0, times: int | None = None):
        """Argument ``start`` plus a number, times argument ``times`` if given."""
        step = ir.Constant(self._values[start].type, plus)
        return self._builder.add(self._values[start], step if times is None else self._builder.mul(self._values[times], step))

    def _register(self, array: int, place):
        return self._builder.bitcast(self._builder.gep(self._data[array], [place]), _REGISTER.as_pointer())

    def load(self, array: int, place):
        """TILE numbers of an array, from a place on."""
        return self._builder.load(self._register(array, place), align=8)

    def store(self, register, array: int, place) -> None:
        """Likewise."""
        self._builder.store(register, self._register(array, place), align=8)

    def spread(self, array: int, place):
        """TILE times the same number."""
        empty, number = ir.Constant(_REGISTER, ir.Undefined), self._builder.load(self._builder.gep(self._data[array], [place]))
        one = self._builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
        return self._builder.shuffle_vector(one, empty, ir.Constant(_LANES, [0] * TILE))


@intrinsic
def _transpose_square(typing, source, at, stride, target, to, target_stride):
    """target[to + target_stride k + j] = source[at + stride j + k] for j, k < TILE; 1-D arrays of doubles."""

    def generate(context, builder, signature, arguments):
        given = _Arguments(context, builder, signature, arguments)
        rows = _turned(builder, [given.load(0, given.place(1, j, 2)) for j in range(TILE)])
        for k in range(TILE):
            given.store(rows[k], 3, given.place(4, k, 5))
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


@intrinsic
def _eliminate_square(typing, f, at, stride, tile, to, carry, pivot, k):
    """b[m] = carry[k + m] b[m-1] + pivot[k + m] f[at + stride j + m] for m < TILE in line j < TILE; tile[to + TILE m + j] = b[m]."""

    def generate(context, builder, signature, arguments):
        given = _Arguments(context, builder, signature, arguments)
        values = _turned(builder, [given.load(0, given.place(1, j, 2)) for j in range(TILE)])
        b = given.load(3, given.place(4, -TILE))
        for m in range(TILE):
            here = given.place(7, m)
            b = _fma(builder, given.spread(5, here), b, builder.fmul(values[m], given.spread(6, here)))
            given.store(b, 3, given.place(4, m * TILE))
        return context.get_dummy_value()

    return types.void(f, types.intp, types.intp, tile, types.intp, carry, pivot, types.intp), generate


@intrinsic
def _substitute_square(typing, tile, to, ratio, k, u, at, stride):
    """x[m] = b[m] + ratio[k + m] x[m+1] for m < TILE; u[at + stride j + m] += x[m] of line j. x[TILE] is in the tile; x[0] comes there."""

    def generate(context, builder, signature, arguments):
        given = _Arguments(context, builder, signature, arguments)
        x, values = given.load(0, given.place(1, TILE * TILE)), [None] * TILE
        for m in reversed(range(TILE)):
            x = values[m] = _fma(builder, given.spread(2, given.place(3, m)), x, given.load(0, given.place(1, m * TILE)))
        given.store(x, 0, given.place(1))
        for j, line in enumerate(_turned(builder, values)):
            here = given.place(5, j, 6)
            given.store(builder.fadd(given.load(4, here), line), 4, here)
        return context.get_dummy_value()

    return types.void(tile, types.intp, ratio, types.intp, u, types.intp, types.intp), generate


@njit(**compiled)
def _copy_square(source, at, stride, columns, target, to, target_stride):
    for j in range(TILE):
        for k in range(columns):
            target[to + target_stride * j + k] = source[at + stride * j + k]


@njit(**compiled)
def add_solved(f, u, n, carry, pivot, ratio, scratch):
    """u += x for TILE lines of n, one after the other in f and u, with b[k] = carry[k] b[k-1] + pivot[k] f[k], x[k] = b[k] + ratio[k] x[k+1].

    carry, pivot, ratio go on with zeros to a multiple of TILE, N; scratch: ((N + 2) * TILE + TILE * TILE,).
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
            _copy_square(f, k, n, n - whole, square, 0, TILE)
            source, at, stride = square, 0, TILE
        _eliminate_square(source, at, stride, tile, (k + 1) * TILE, carry, pivot, k)
    for k in range(end - TILE, -1, -TILE):
        target, at, stride = u, k, n
        if k == whole:
            _copy_square(u, k, n, n - whole, square, 0, TILE)
            target, at, stride = square, 0, TILE
        _substitute_square(tile, (k + 1) * TILE, ratio, k, target, at, stride)
        if k == whole:
            _copy_square(square, 0, TILE, n - whole, u, k, n)
