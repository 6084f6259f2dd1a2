"""Bodies of loops that threads share, called by their address.

    a Loop --pack--> its arguments, on the stack of the thread that calls
           --run(body, count, arguments)--> body(begin, end, thread, arguments)   of some pieces, on some thread

numba compiles a function that another one calls by its name again with the caller, and again with
each parallel loop around it. The bodies of the sweeps are long. So numba compiles each of them
once, alone, as a C function, and `run`, the only loop over pieces, once for all bodies.
"""

from __future__ import annotations

from functools import cached_property

from llvmlite import ir
from numba import cfunc, get_thread_id, prange, types
from numba.core import cgutils, errors
from numba.extending import intrinsic

from ecsmpi.solver.threads import Shared, at_a_time, calls_shared, shared
from ecsmpi.subnormals import flush_subnormals, restore_mode

NUMBERS, WHOLE = types.float64[::1], types.int64[::1]  # kinds of arguments: arrays of one axis
PLACES, FLAGS = types.uint32[::1], types.boolean[::1]
TABLE, PLANES = types.float64[:, ::1], types.float64[:, :, ::1]  # of two and three axes
SHAPE = types.UniTuple(types.int64, 3)
BODY = types.void(
    *[types.int64] * 4
)  # the first piece and that after the last, number of the thread, address of the arguments
INTEGER = ir.IntType(64)


class Body:
    """A C function body(begin, end, thread, arguments), compiled when its address is first asked
    for.
    """

    def __init__(self, function):
        self.py_func = function

    @cached_property
    def address(self) -> int:
        """Where the compiled function is."""
        return cfunc(BODY, cache=True, error_model="numpy")(self.py_func).address


class Loop:
    """A compiled function that runs bodies, which are its first arguments, with these bodies."""

    def __init__(self, function: Shared, *bodies: Body):
        self._function = function
        self._bodies = bodies

    def __call__(self, *arguments):
        return self._function.in_use(*self._addresses, *arguments)

    @cached_property
    def _addresses(self) -> tuple:
        return tuple(body.address for body in self._bodies)


def loop_over(*bodies: Body):
    """A decorator: the function, of their addresses and arguments, becomes a loop of the arguments
    alone.
    """
    return lambda function: Loop(calls_shared(function), *bodies)


@intrinsic
def _call(typing_context, body, begin, end, thread, arguments):
    """Call the body at an address."""
    signature = types.void(*[types.int64] * 5)

    def code(context, builder, signature, given):
        kind = ir.FunctionType(ir.VoidType(), [INTEGER] * 4)
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])
        return context.get_dummy_value()

    return signature, code


@shared
def run(body, count, arguments):
    """The body at an address does the pieces 0 to count - 1, which threads share. arguments: their
    address.
    """
    each = at_a_time(count)
    for part in prange((count + each - 1) // each):
        mode = flush_subnormals()
        _call(body, part * each, min((part + 1) * each, count), get_thread_id(), arguments)
        restore_mode(mode)


def passing(*kinds):
    """Two functions for compiled code, by which a loop passes arguments of these kinds to its body.

    pack(values) is the address of a tuple of the values, good until the loop returns.
    unpack(address) is that tuple in the body. Arrays stay the caller's: they are passed without a
    reference to be counted.
    """
    kind = types.Tuple(kinds)

    @intrinsic
    def pack(typing_context, values):
        if values != kind:
            different = [(given, wanted) for given, wanted in zip(values, kind) if given != wanted]
            raise errors.TypingError(
                f"the body of a loop takes other arguments: (given, wanted) are {different or (values, kind)}"
            )

        def code(context, builder, signature, given):
            parts = cgutils.unpack_tuple(builder, given[0])
            lent = [_lent(context, builder, each, part) for each, part in zip(kind, parts)]
            place = cgutils.alloca_once_value(builder, context.make_tuple(builder, kind, lent))
            return builder.ptrtoint(place, INTEGER)

        return types.int64(kind), code

    @intrinsic
    def unpack(typing_context, address):
        def code(context, builder, signature, given):
            return builder.load(
                builder.inttoptr(given[0], context.get_value_type(kind).as_pointer())
            )

        return kind(types.int64), code

    return pack, unpack


def _lent(context, builder, kind, value):
    """A value without the reference to the memory of an array, so that nobody counts it."""
    if isinstance(kind, types.UniTuple):
        parts = [
            _lent(context, builder, kind.dtype, part)
            for part in cgutils.unpack_tuple(builder, value)
        ]
        return context.make_tuple(builder, kind, parts)
    if not isinstance(kind, types.Array):
        return value
    array = context.make_array(kind)(context, builder, value)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    return array._getvalue()
