"""Bodies of loops that threads share, called by their address, and the records that they read.

    Loop(record, arrays) --pack--> arguments, on the stack of the thread that calls
        --run(body, count, arguments)--> body(begin, end, thread, arguments)
                                         for some pieces of the work, on some thread

numba compiles a function that another one calls by its name again with the caller. The bodies of
the sweeps are long. So numba compiles each of them once, alone, as a C function. One form of a loop
is for any number of threads: kernels/workers.py says how many there are.

What a loop needs and what stays from step to step lies in a record: a tuple of named tuples as
compiled code has it in memory, written once when it is planned. A loop takes the record's address,
which costs less at each call than to take the arrays one by one.
"""

from __future__ import annotations

import types as python_types
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.core import cgutils, errors
from numba.extending import intrinsic
from numba.np.numpy_support import from_dtype

from ecsmpi.kernels import workers
from ecsmpi.kernels.records import FLAG, INTEGER, NUMBER, Array, Fields, Kind
from ecsmpi.kernels.workers import SHARE, THREADS
from ecsmpi.solver.lean_numba import put_off_scipy
from ecsmpi.solver.row_kernels import bare, compiled, inner
from ecsmpi.subnormals import flush_subnormals, restore_mode

put_off_scipy()

# the first piece, the piece after the last, number of the thread, address of the arguments
BODY = types.void(*[types.int64] * 4)
_WORD = ir.IntType(64)


class Body:
    """A C function body(begin, end, thread, arguments), compiled when its address is first used.

    Parameters
    ----------
    function
        The Python function.
    signature
        numba's, of a C function of another kind.
    """

    def __init__(self, function, signature=BODY):
        self.py_func = function
        self._signature = signature

    @cached_property
    def compiled(self) -> Any:
        """numba's C function."""
        return cfunc(self._signature, **bare)(self.py_func)

    @property
    def address(self) -> int:
        """Where the compiled function is."""
        return int(self.compiled.address)


class Place(NamedTuple):
    """What a loop gets of a body: the addresses of `workers.memory` and of the C function."""

    workers: int
    code: int


class Loop:
    """A compiled function that runs these bodies, whose places are its first arguments.

    Attributes
    ----------
    compiled
        numba's function.
    bodies
        As given.
    """

    def __init__(self, function, *bodies: Body):
        self.py_func = function
        self.compiled = njit(**compiled)(function)
        self.bodies = bodies

    def __call__(self, *arguments):
        return self.compiled(*self.places, *arguments)

    @cached_property
    def places(self) -> tuple[Place, ...]:
        """Where the bodies are."""
        return tuple(Place(workers.memory, body.address) for body in self.bodies)


def loop_over(*bodies: Body):
    """A decorator: a function of the bodies' places and of arguments becomes a `Loop`."""
    return lambda function: Loop(function, *bodies)


@intrinsic
def call(typing_context, code_address, first, second, third, fourth):
    """Call the C function of four whole numbers at an address."""
    signature = types.void(*[types.int64] * 5)

    def code(context, builder, signature, given):
        kind = ir.FunctionType(ir.VoidType(), [_WORD] * 4)
        builder.call(builder.inttoptr(given[0], kind.as_pointer()), given[1:])
        return context.get_dummy_value()

    return signature, code


@intrinsic
def _word(typing_context, address):
    """The word at an address."""

    def code(context, builder, signature, given):
        return builder.load(builder.inttoptr(given[0], _WORD.as_pointer()))

    return types.int64(types.int64), code


@njit(**inner)
def run(body, count, arguments):
    """Let the body at a `Place` do the pieces 0 to count - 1, which threads share.

    arguments: their address.
    """
    if count > 1 and _word(body.workers + 8 * THREADS) > 1:
        call(_word(body.workers + 8 * SHARE), body.workers, body.code, count, arguments)
    else:
        mode = flush_subnormals()
        call(body.code, 0, count, 0, arguments)
        restore_mode(mode)


def copy_with(function, instead: dict, ending: str):
    """A copy of a function that finds other values under some global names.

    instead: {name: value}. ending: added to the function's own name, since numba's cache goes by
    the name.
    """
    twin = python_types.FunctionType(
        function.__code__,
        {**function.__globals__, **instead},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    twin.__qualname__ = f"{function.__qualname__}{ending}"
    twin.__module__ = function.__module__
    twin.__doc__ = function.__doc__
    return twin


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
