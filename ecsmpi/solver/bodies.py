"""Bodies of loops that threads share, called by their address, and the records that they read.

    Loop(record, arrays) --pack--> arguments, on the stack of the thread that calls
        --run(body, count, arguments)--> body(begin, end, thread, arguments)
                                         for some pieces of the work, on some thread

numba compiles a function that another one calls by its name again with the caller, and again with
each parallel loop around it. The bodies of the sweeps are long. So numba compiles each of them
once, alone, as a C function, and `run`, the only loop over pieces, once for all bodies.

What a loop needs and what stays from step to step lies in a record: a tuple of named tuples as
compiled code has it in memory, written once when it is planned. A loop takes the record's address,
which costs less at each call than to take the arrays one by one.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from llvmlite import ir
from numba import cfunc, get_thread_id, prange, types
from numba.core import cgutils, errors
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from ecsmpi.kernels.records import FLAG, INTEGER, NUMBER, Array, Fields, Kind
from ecsmpi.solver.row_kernels import bare
from ecsmpi.solver.shared_loops import Shared, at_a_time, calls_shared, shared
from ecsmpi.subnormals import flush_subnormals, restore_mode

# the first piece, the piece after the last, number of the thread, address of the arguments
BODY = types.void(*[types.int64] * 4)
_WORD = ir.IntType(64)


class Body:
    """A C function body(begin, end, thread, arguments), compiled when its address is first used."""

    def __init__(self, function):
        self.py_func = function

    @cached_property
    def compiled(self) -> Any:
        """numba's C function."""
        return cfunc(BODY, **bare)(self.py_func)

    @property
    def address(self) -> int:
        """Where the compiled function is."""
        return int(self.compiled.address)


class Loop:
    """A compiled function that runs these bodies, whose addresses are its first arguments."""

    def __init__(self, function: Shared, *bodies: Body):
        self._function = function
        self.bodies = bodies

    def __call__(self, *arguments):
        return self.in_use(*self._addresses, *arguments)

    @property
    def in_use(self):
        """numba's function that a call runs now, with the addresses of the bodies first."""
        return self._function.in_use

    @cached_property
    def _addresses(self) -> tuple:
        return tuple(body.address for body in self.bodies)


def loop_over(*bodies: Body):
    """A decorator: a function of the bodies' addresses and of arguments becomes a `Loop`."""
    return lambda function: Loop(calls_shared(function), *bodies)


@intrinsic
def _call(typing_context, body, begin, end, thread, arguments):
    """Call the body at an address."""
    signature = types.void(*[types.int64] * 5)

    def code(context, builder, signature, given):
        kind = ir.FunctionType(ir.VoidType(), [_WORD] * 4)
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])
        return context.get_dummy_value()

    return signature, code


@shared
def run(body, count, arguments):
    """Let the body at an address do the pieces 0 to count - 1, which threads share.

    arguments: their address.
    """
    each = at_a_time(count)
    for part in prange((count + each - 1) // each):
        mode = flush_subnormals()
        _call(body, part * each, min((part + 1) * each, count), get_thread_id(), arguments)
        restore_mode(mode)


def numbas(kind: Kind) -> types.Type:
    """numba's type of the values of a kind."""
    if isinstance(kind, Fields):
        of_fields = tuple(map(numbas, kind.kinds))
        if kind.cls is tuple:
            return types.Tuple(of_fields)
        return types.BaseTuple.from_types(of_fields, kind.cls)
    if isinstance(kind, Array):
        layout: Any = kind.layout
        dtype: Any = from_dtype(np.dtype(kind.dtype))
        return types.Array(dtype, kind.ndim, layout, readonly=not kind.writable)
    return {INTEGER: types.int64, NUMBER: types.float64, FLAG: types.boolean}[kind]


def reading(kind: Kind):
    """A function for compiled code: read(address) is the tuple of that kind in a `Record`."""
    return _reading(numbas(kind))


def _reading(kind):
    @intrinsic
    def read(typing_context, address):
        def code(context, builder, signature, given):
            place = builder.inttoptr(given[0], context.get_value_type(kind).as_pointer())
            return builder.load(place)

        return kind(types.int64), code

    return read


def passing(*kinds):
    """Two functions for compiled code, by which a loop passes arguments of these kinds to its body.

    pack(values) is the address of a tuple of the values, good until the loop returns.
    unpack(address) is that tuple in the body. Arrays stay the caller's: they are passed without a
    reference to be counted.
    """
    kind = types.Tuple(tuple(map(numbas, kinds)))

    @intrinsic
    def pack(typing_context, values):
        if values != kind:
            raise errors.TypingError(f"the body of a loop takes {kind}, got {values}")

        def code(context, builder, signature, given):
            fields = cgutils.unpack_tuple(builder, given[0])
            lent = [_lent(context, builder, *each) for each in zip(kind, fields)]
            place = cgutils.alloca_once_value(builder, context.make_tuple(builder, kind, lent))
            return builder.ptrtoint(place, _WORD)

        return types.int64(kind), code

    return pack, _reading(kind)


def _lent(context, builder, kind, value):
    """A value without the reference to the memory of an array, so that nobody counts it."""
    if not isinstance(kind, types.Array):
        return value
    array = context.make_array(kind)(context, builder, value)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    return array._getvalue()
