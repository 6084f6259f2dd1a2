"""Doubles in vector registers, for loops that a compiler does not vectorise by itself.

These are the building blocks of numba's intrinsics: Python that writes LLVM code.
"""

from __future__ import annotations

from collections.abc import Callable

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ecsmpi.solver.cache_lines import ask
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

    def fetch(self, array: int, place) -> None:
        """Ask for the cache line at a place to be read into the second-level cache soon."""
        ask(self._builder, self._builder.gep(self._data[array], [place]))

    def spread(self, array: int, place):
        """A register with the number at a place of an array in all lanes."""
        return _in_all_lanes(
            self._builder,
            REGISTER,
            self._builder.load(self._builder.gep(self._data[array], [place])),
        )

    def gathered(self, array: int, places: list):
        """A register with the numbers at TILE places of an array."""
        register = ir.Constant(REGISTER, ir.Undefined)
        for lane, place in enumerate(places):
            number = self._builder.load(self._builder.gep(self._data[array], [place]))
            at = ir.Constant(ir.IntType(32), lane)
            register = self._builder.insert_element(register, number, at)
        return register


class Code:
    """Writes the code of an intrinsic of `vector_code`, whose arguments it knows by name.

    A place in an array is a sum of terms: a number, the name of an integer, a value of the code, or
    a pair of these, which stands for their product.
    """

    def __init__(self, names: dict[str, int], arguments: Arguments, builder):
        self.builder = builder
        self._numbers = names
        self._arguments = arguments

    def value(self, term):
        """A term of a place as a value of the code."""
        if isinstance(term, int):
            return ir.Constant(ir.IntType(64), term)
        if isinstance(term, tuple):
            return self.builder.mul(self.value(term[0]), self.value(term[1]))
        return self._arguments[self._numbers[term]] if isinstance(term, str) else term

    def place(self, *terms):
        """The sum of some terms."""
        total, *others = (self.value(term) for term in terms)
        for other in others:
            total = self.builder.add(total, other)
        return total

    def load(self, array: str, *terms):
        """The register of TILE numbers of an array from a place on."""
        return self._arguments.load(self._numbers[array], self.place(*terms))

    def store(self, register, array: str, *terms) -> None:
        """Write a register to TILE numbers of an array from a place on."""
        self._arguments.store(register, self._numbers[array], self.place(*terms))

    def spread(self, array: str, *terms):
        """A register with the number at a place of an array in all lanes."""
        return self._arguments.spread(self._numbers[array], self.place(*terms))

    def gathered(self, array: str, places: list[tuple]):
        """A register with the numbers at TILE places of an array, each a tuple of terms."""
        number = self._numbers[array]
        return self._arguments.gathered(number, [self.place(*terms) for terms in places])

    def lanes(self, name: str):
        """A register with a number in all lanes."""
        return _in_all_lanes(self.builder, REGISTER, self.value(name))

    def constant(self, number: float):
        """A register with a number that is known beforehand in all lanes."""
        return ir.Constant(REGISTER, [number] * TILE)

    def fetch(self, array: str, *terms) -> None:
        """Ask for the cache line at a place, which may lie outside the array, to be read soon."""
        self._arguments.fetch(self._numbers[array], self.place(*terms))

    def fma(self, a, b, c):
        """a b + c, rounded once."""
        return fma(self.builder, a, b, c)

    def add(self, a, b):
        """a + b."""
        return self.builder.fadd(a, b)

    def subtract(self, a, b):
        """a - b."""
        return self.builder.fsub(a, b)

    def multiply(self, a, b):
        """a b."""
        return self.builder.fmul(a, b)

    def divide(self, a, b):
        """a / b."""
        return self.builder.fdiv(a, b)

    def minus(self, a):
        """-a."""
        return self.builder.fneg(a)

    def shifted(self, a, b, count: int):
        """A register of the numbers of a and b, one after the other, from number ``count`` on."""
        lanes = ir.Constant(_LANES, list(range(count, count + TILE)))
        return self.builder.shuffle_vector(a, b, lanes)

    def turned(self, rows):
        """TILE registers as rows of a square, transposed."""
        return turned(self.builder, rows)


def vector_code(names: str):
    """A decorator: a function that writes code becomes an intrinsic of arguments of these names.

    The function is given a `Code`. The intrinsic takes 1-D arrays of doubles, numbers and integers,
    in the order of the names, and returns nothing.
    """
    numbers = {name: number for number, name in enumerate(names.split())}

    def decorate(write: Callable[[Code], None]):
        @intrinsic
        def instructions(typing_context, *arguments):
            if len(arguments) == 1 and isinstance(arguments[0], types.BaseTuple):
                arguments = tuple(arguments[0])
            if len(arguments) != len(numbers):
                raise TypeError(f"{write.__name__} takes {names}, got {len(arguments)} arguments")

            def generate(context, builder, signature, given):
                kinds = types.void(*signature.args[0])
                values = cgutils.unpack_tuple(builder, given[0])
                write(Code(numbers, Arguments(context, builder, kinds, values), builder))
                return context.get_dummy_value()

            return types.void(types.StarArgTuple.from_types(arguments)), generate

        return instructions

    return decorate
