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

from functools import cache, cached_property
from typing import Any, cast

import numpy as np
from llvmlite import ir
from numba import cfunc, get_thread_id, prange, typeof, types
from numba.core import cgutils, errors
from numba.extending import intrinsic
from numba.np.numpy_support import as_dtype

from ecsmpi.solver.threads import Shared, at_a_time, calls_shared, shared
from ecsmpi.subnormals import flush_subnormals, restore_mode

# kinds of arguments: numbers, arrays of one axis, of two and of three
INTEGER, NUMBER = types.int64, types.float64
NUMBERS, INTEGERS = types.float64[::1], types.int64[::1]
PLACES, FLAGS = types.uint32[::1], types.boolean[::1]
TABLE, PLANES = types.float64[:, ::1], types.float64[:, :, ::1]
SHAPE = types.UniTuple(types.int64, 3)

# the first piece, the piece after the last, number of the thread, address of the arguments
BODY = types.void(*[types.int64] * 4)
_WORD = ir.IntType(64)


class Body:
    """A C function body(begin, end, thread, arguments), compiled when its address is first used."""

    def __init__(self, function):
        self.py_func = function

    @cached_property
    def address(self) -> int:
        """Where the compiled function is."""
        compiled = cfunc(BODY, cache=True, error_model="numpy")(self.py_func)
        return int(compiled.address)  # type: ignore[arg-type]  # None only before it is compiled


class Loop:
    """A compiled function that runs these bodies, whose addresses are its first arguments."""

    def __init__(self, function: Shared, *bodies: Body):
        self._function = function
        self._bodies = bodies

    def __call__(self, *arguments):
        return self._function.in_use(*self._addresses, *arguments)

    @cached_property
    def _addresses(self) -> tuple:
        return tuple(body.address for body in self._bodies)


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


def triple(kind):
    """The kind of three values of that kind."""
    return types.UniTuple(kind, 3)


def named(cls, *kinds):
    """The kind of a named tuple whose fields are of these kinds."""
    return types.BaseTuple.from_types(kinds, cls)


class Record:
    """Values of a kind, laid out as compiled code has them. ``address``: where they are.

    A kind is a tuple of arrays, numbers and further tuples, each as many words of 8 bytes. The
    record keeps the arrays alive, and compiled code reads them while the record lives.

    Raises
    ------
    TypeError
        Where the values are of another kind.
    """

    def __init__(self, kind, values: tuple):
        self.values = values
        try:
            words = _words_of(values, kind)
        except TypeError as error:
            raise TypeError(f"compiled loops take a record of {kind}: {error}") from None
        self._words = np.array(words, dtype=np.int64)
        self.address = self._words.ctypes.data


def _words_of(value, kind) -> list[int]:
    """A value of a kind as numba keeps it, word by word; TypeError where it is of another kind.

    An array is its owner and its parent, which are nobody here, its size, its itemsize, the address
    of its data, its shape and its strides. Each leaf is compared with its kind, which takes a
    thirtieth of the time of numba's `typeof`: a model may have thousands of species.
    """
    if isinstance(kind, types.BaseTuple):
        cls = getattr(kind, "instance_class", tuple)
        if not isinstance(value, cls) or len(value) != len(kind):
            raise TypeError(f"not a {kind}, but {value!r}")
        words: list[int] = []
        for field, field_kind in zip(value, cast(Any, kind)):
            words += _words_of(field, field_kind)
        return words
    if isinstance(kind, types.Array) and _is_array_of(value, kind):
        return [0, 0, value.size, value.itemsize, value.ctypes.data, *value.shape, *value.strides]
    if kind == NUMBER and isinstance(value, float):
        return [int(np.float64(value).view(np.int64))]
    if kind == INTEGER and isinstance(value, (int, np.integer)):
        return [int(value)]
    raise TypeError(f"not a {kind}, but {typeof(value)}")


def _is_array_of(value, kind) -> bool:
    """Whether a value is a C-contiguous array of an array's kind."""
    return (
        isinstance(value, np.ndarray)
        and value.ndim == kind.ndim
        and value.dtype == _dtype(kind.dtype)
        and value.flags.c_contiguous
        and value.flags.aligned
        and (value.flags.writeable or not kind.mutable)
    )


_dtype = cache(as_dtype)


def reading(kind):
    """A function for compiled code: read(address) is the tuple of that kind in a `Record`."""

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
    kind = types.Tuple(kinds)

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

    return pack, reading(kind)


def _lent(context, builder, kind, value):
    """A value without the reference to the memory of an array, so that nobody counts it."""
    if not isinstance(kind, types.Array):
        return value
    array = context.make_array(kind)(context, builder, value)
    array.meminfo = cgutils.get_null_value(array.meminfo.type)
    return array._getvalue()
