"""Numbers of eight places side by side in a vector register, which generated rate code computes.

    place      8 b + 0   8 b + 1   ...   8 b + 7
    lane             0         1               7

`Lanes` is a type of numba's that only compiled functions know. Its operators are instructions on
vector registers, whatever a compiler thinks of the loop around them. A lane's bits depend on the
numbers in that lane alone, so a place has the same result in every lane, on every rank and thread.
"""

from __future__ import annotations

import operator
import struct

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.typing.templates import ConcreteTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from ecsmpi.solver import registers
from ecsmpi.solver.registers import REGISTER, TILE

LANES = TILE

WHOLE = ir.VectorType(ir.IntType(64), LANES)
CHOICE = ir.VectorType(ir.IntType(1), LANES)
FRACTION = 52  # bits of a double below its exponent
EXPONENT_OF_ONE = 1023
HALF_ROOT = 0.7071067811865476  # of 2: the root of a half


class _Lanes(types.Type):
    """The numba type of a double in each lane."""

    def __init__(self):
        super().__init__(name="Lanes")


class _Choice(types.Type):
    """The numba type of a truth in each lane."""

    def __init__(self):
        super().__init__(name="ChoiceOfLanes")


lanes = _Lanes()
choice = _Choice()
number = types.float64
array = types.CPointer(number)


@register_model(_Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, REGISTER)


@register_model(_Choice)
class _ChoiceModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, CHOICE)


# operators


def _in_all(builder, value):
    """A register with the same double in each lane."""
    empty = ir.Constant(REGISTER, ir.Undefined)
    one = builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, empty, first)


def _define(function, result, write) -> None:
    """Give an operator its meaning for two operands, one of which may be a plain number.

    write(builder, a, b): writes the code for two registers.
    """
    pairs = [(lanes, lanes), (lanes, number), (number, lanes)]

    class _Operator(ConcreteTemplate):
        cases = [signature(result, *pair) for pair in pairs]

    infer_global(function)(_Operator)
    for pair in pairs:

        def code(context, builder, signature, arguments):
            registers_of = []
            for kind, value in zip(signature.args, arguments):
                registers_of.append(value if kind == lanes else _in_all(builder, value))
            return write(builder, *registers_of)

        lower_builtin(function, *pair)(code)


_define(operator.add, lanes, lambda builder, a, b: builder.fadd(a, b))
_define(operator.sub, lanes, lambda builder, a, b: builder.fsub(a, b))
_define(operator.mul, lanes, lambda builder, a, b: builder.fmul(a, b))
_define(operator.truediv, lanes, lambda builder, a, b: builder.fdiv(a, b))
_define(operator.lt, choice, lambda builder, a, b: builder.fcmp_ordered("<", a, b))
_define(operator.le, choice, lambda builder, a, b: builder.fcmp_ordered("<=", a, b))
_define(operator.gt, choice, lambda builder, a, b: builder.fcmp_ordered(">", a, b))
_define(operator.eq, choice, lambda builder, a, b: builder.fcmp_ordered("==", a, b))
_define(operator.ne, choice, lambda builder, a, b: builder.fcmp_unordered("!=", a, b))


@infer_global(operator.neg)
class _Negative(ConcreteTemplate):
    cases = [signature(lanes, lanes)]


@lower_builtin(operator.neg, lanes)
def _negative(context, builder, signature, arguments):
    return builder.fneg(arguments[0])


def _define_for_choices(function, write) -> None:
    class _Operator(ConcreteTemplate):
        cases = [signature(choice, choice, choice)]

    def code(context, builder, signature, arguments):
        return write(builder, *arguments)

    infer_global(function)(_Operator)
    lower_builtin(function, choice, choice)(code)


_define_for_choices(operator.or_, lambda builder, a, b: builder.or_(a, b))
_define_for_choices(operator.and_, lambda builder, a, b: builder.and_(a, b))


# functions


@intrinsic
def spread(typing_context, value):
    """A plain number in each lane."""

    def code(context, builder, signature, arguments):
        value = context.cast(builder, arguments[0], signature.args[0], number)
        return _in_all(builder, value)

    return lanes(value), code


@intrinsic
def fma(typing_context, a, b, c):
    """a b + c, rounded once; a plain number stands in each lane."""

    def code(context, builder, signature, arguments):
        given = []
        for kind, value in zip(signature.args, arguments):
            given.append(value if kind == lanes else _in_all(builder, value))
        return registers.fma(builder, *given)

    return lanes(a, b, c), code


@intrinsic
def select(typing_context, where, yes, no):
    """In each lane ``yes`` where the choice is true, else ``no``."""

    def code(context, builder, signature, arguments):
        return builder.select(*arguments)

    return lanes(choice, lanes, lanes), code


@intrinsic
def anywhere(typing_context, where):
    """Whether the choice is true in any lane."""

    def code(context, builder, signature, arguments):
        bits = ir.IntType(LANES)
        return builder.icmp_unsigned("!=", builder.bitcast(arguments[0], bits), bits(0))

    return types.boolean(choice), code


def _of_llvm(name: str, count: int = 1):
    """LLVM's own function of lanes."""

    def code(context, builder, signature, arguments):
        kind = ir.FunctionType(REGISTER, [REGISTER] * count)
        function = cgutils.get_or_insert_function(builder.module, kind, f"llvm.{name}.v{LANES}f64")
        return builder.call(function, arguments)

    if count == 1:
        return intrinsic(lambda typing_context, x: (lanes(lanes), code))
    return intrinsic(lambda typing_context, x, y: (lanes(lanes, lanes), code))


sqrt = _of_llvm("sqrt")
fabs = _of_llvm("fabs")
floor = _of_llvm("floor")
ceil = _of_llvm("ceil")
trunc = _of_llvm("trunc")
copysign = _of_llvm("copysign", 2)


@intrinsic(prefer_literal=True)
def whole_power(typing_context, x, exponent):
    """x to a whole power of 1 or more that stands in the code, by multiplications."""

    def code(context, builder, signature, arguments):
        square = arguments[0]
        count = exponent.literal_value
        product = None
        while count:
            if count & 1:
                product = square if product is None else builder.fmul(product, square)
            count >>= 1
            if count:
                square = builder.fmul(square, square)
        return product

    return lanes(lanes, exponent), code


# the bits of a double


@intrinsic
def power_of_two(typing_context, shifted):
    """2**n, where shifted = rate_kernels.ROUNDER + n."""

    def code(context, builder, signature, arguments):
        bits = builder.bitcast(arguments[0], WHOLE)
        exponent = builder.add(bits, _whole(EXPONENT_OF_ONE))
        return builder.bitcast(builder.shl(exponent, _whole(FRACTION)), REGISTER)

    return lanes(lanes), code


@intrinsic
def nearest_power(typing_context, x):
    """The whole n for which x / 2**n is in [HALF_ROOT, 2 HALF_ROOT), of a positive, normal x."""

    def code(context, builder, signature, arguments):
        biased = builder.lshr(_lifted(builder, arguments[0]), _whole(FRACTION))
        biased = builder.or_(biased, _whole(_bits(2.0**FRACTION)))
        offset = ir.Constant(REGISTER, [2.0**FRACTION + EXPONENT_OF_ONE] * LANES)
        return builder.fsub(builder.bitcast(biased, REGISTER), offset)

    return lanes(lanes), code


@intrinsic
def over_nearest_power(typing_context, x):
    """x / 2**n with the n of `nearest_power`."""

    def code(context, builder, signature, arguments):
        fraction = builder.and_(_lifted(builder, arguments[0]), _whole(2**FRACTION - 1))
        return builder.bitcast(builder.add(fraction, _whole(_bits(HALF_ROOT))), REGISTER)

    return lanes(lanes), code


def _lifted(builder, x):
    """The bits of x, to which so much is added that HALF_ROOT becomes 1."""
    return builder.add(builder.bitcast(x, WHOLE), _whole(_bits(1.0) - _bits(HALF_ROOT)))


def _bits(value: float) -> int:
    return struct.unpack("<q", struct.pack("<d", value))[0]


def _whole(value: int):
    return ir.Constant(WHOLE, [value] * LANES)


# memory


def _pointer(builder, arguments):
    at = builder.gep(arguments[0], [arguments[1]])
    return builder.bitcast(at, REGISTER.as_pointer())


@intrinsic
def load(typing_context, memory, place):
    """The lanes at a place of an array and after it."""

    def code(context, builder, signature, arguments):
        return builder.load(_pointer(builder, arguments), align=8)

    return lanes(array, types.int64), code


@intrinsic
def store(typing_context, memory, place, values):
    """Write lanes to a place of an array and after it."""

    def code(context, builder, signature, arguments):
        builder.store(arguments[2], _pointer(builder, arguments), align=8)
        return context.get_dummy_value()

    return types.void(array, types.int64, lanes), code


# single lanes


@intrinsic
def lane(typing_context, x, which):
    """The number in one lane."""

    def code(context, builder, signature, arguments):
        return builder.extract_element(*arguments)

    return number(lanes, types.int64), code


@intrinsic
def with_lane(typing_context, x, which, value):
    """The lanes, with another number in one of them."""

    def code(context, builder, signature, arguments):
        x, which, value = arguments
        return builder.insert_element(x, value, which)

    return lanes(lanes, types.int64, number), code
