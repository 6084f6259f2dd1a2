"""Doubles in vector registers, for loops that a compiler does not vectorise by itself.

These are the building blocks of numba's intrinsics: Python that writes LLVM code.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils

from ecsmpi.solver.sizes import TILE

REGISTER = ir.VectorType(ir.DoubleType(), TILE)
_LANES = ir.VectorType(ir.IntType(32), TILE)
_WIDE_LANES = ir.VectorType(ir.IntType(64), TILE)


def _swap(builder, rows, distance):
    """Exchange the off-diagonal squares of ``distance`` elements, a round of a transposition."""
    low = [lane if not lane & distance else lane - distance + TILE for lane in range(TILE)]
    high = [lane + distance if not lane & distance else lane + TILE for lane in range(TILE)]
    swapped = list(rows)
    for j in (j for j in range(TILE) if not j & distance):
        pair = rows[j], rows[j + distance]
        swapped[j] = builder.shuffle_vector(*pair, ir.Constant(_LANES, low))
        swapped[j + distance] = builder.shuffle_vector(*pair, ir.Constant(_LANES, high))
    return swapped


def turned(builder, rows):
    """TILE registers as rows of a square, transposed."""
    for distance in (1, 2, 4):
        rows = _swap(builder, rows, distance)
    return rows


def fma(builder, a, b, c):
    """a b + c, rounded once."""
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(REGISTER, [REGISTER] * 3), "llvm.fma.v8f64"
    )
    return builder.call(function, [a, b, c])


def sum_of_lanes(builder, register):
    """The sum of a register's numbers, by adding halves."""
    for width in (4, 2, 1):
        upper = ir.Constant(_LANES, [lane ^ width for lane in range(TILE)])
        register = builder.fadd(register, builder.shuffle_vector(register, register, upper))
    return builder.extract_element(register, ir.Constant(ir.IntType(32), 0))


def last_lanes(builder, register, count):
    """The register with all but its last ``count`` numbers set to 0."""
    first = _in_all_lanes(
        builder, _WIDE_LANES, builder.sub(ir.Constant(ir.IntType(64), TILE), count)
    )
    kept = builder.icmp_signed(">=", ir.Constant(_WIDE_LANES, list(range(TILE))), first)
    return builder.select(kept, register, ir.Constant(REGISTER, [0.0] * TILE))


def _in_all_lanes(builder, kind, number):
    """A vector of some kind with the same number in all lanes."""
    empty = ir.Constant(kind, ir.Undefined)
    one = builder.insert_element(empty, number, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(one, empty, ir.Constant(_LANES, [0] * TILE))


class Arguments:
    """The arguments of an intrinsic: 1-D arrays of doubles, and integers, known by their number."""

    def __init__(self, context, builder, signature, arguments):
        self._builder, self._values = builder, arguments
        self._data = {
            number: context.make_array(kind)(context, builder, value).data
            for number, (kind, value) in enumerate(zip(signature.args, arguments))
            if isinstance(kind, types.Array)
        }

    def place(self, start: int, plus: int = 0, times: int | None = None):
        """Argument ``start`` + ``plus``, or + ``plus`` times argument ``times``."""
        step = ir.Constant(self._values[start].type, plus)
        return self._builder.add(
            self._values[start],
            step if times is None else self._builder.mul(self._values[times], step),
        )

    def __getitem__(self, number: int):
        return self._values[number]

    def _register(self, array: int, place):
        return self._builder.bitcast(
            self._builder.gep(self._data[array], [place]), REGISTER.as_pointer()
        )

    def load(self, array: int, place):
        """A register of TILE numbers of an array, from a place on."""
        return self._builder.load(self._register(array, place), align=8)

    def store(self, register, array: int, place) -> None:
        """Write a register to TILE numbers of an array, from a place on."""
        self._builder.store(register, self._register(array, place), align=8)

    def spread(self, array: int, place):
        """A register with the number at a place of an array in all lanes."""
        return _in_all_lanes(
            self._builder,
            REGISTER,
            self._builder.load(self._builder.gep(self._data[array], [place])),
        )
