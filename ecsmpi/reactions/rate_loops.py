"""The compiled loops that call the code of reactions, by its address.

    pieces of places --advance--> step(start, stop, ...)    of each piece, on some thread
                    --evaluate-> values(start, stop, ...)

numba compiles a function again into every function that calls it by name, and once more into a
parallel loop. The code of reactions is the longest that there is. So it is compiled alone and
called by its address, and the loops over pieces are compiled once for all reactions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic

from ecsmpi.kernels.records import FLAGS, INTEGERS, NUMBER, TABLE
from ecsmpi.solver.bodies import Body, loop_over, passing, run

ARRAY = types.CPointer(types.float64)
ARRAYS = types.CPointer(ARRAY)
# step(start, stop, dt, scratch, fields) -> 1 where it failed, else 0
STEP = types.int64(types.int64, types.int64, types.float64, ARRAY, ARRAYS)
# values(start, stop, scratch, the laws' arrays, fields)
VALUES = types.void(types.int64, types.int64, ARRAY, ARRAYS, ARRAYS)
SIGNATURES = {"step": STEP, "values": VALUES}

LONG, DOUBLE = ir.IntType(64), ir.DoubleType()
TO_NUMBERS = DOUBLE.as_pointer()
TO_ARRAYS = TO_NUMBERS.as_pointer()


@intrinsic
def _step_at(typing_context, address, start, stop, dt, scratch, fields):
    """Call the step at an address; scratch and fields are addresses, too."""
    signature = types.int64(
        types.int64, types.int64, types.int64, types.float64, types.int64, types.int64
    )

    def code(context, builder, signature, arguments):
        function, start, stop, dt, scratch, fields = arguments
        kind = ir.FunctionType(LONG, [LONG, LONG, DOUBLE, TO_NUMBERS, TO_ARRAYS])
        step = builder.inttoptr(function, kind.as_pointer())
        scratch = builder.inttoptr(scratch, TO_NUMBERS)
        fields = builder.inttoptr(fields, TO_ARRAYS)
        return builder.call(step, [start, stop, dt, scratch, fields])

    return signature, code


@intrinsic
def _values_at(typing_context, address, start, stop, scratch, outs, fields):
    """Call the rates at an address; scratch, outs and fields are addresses, too."""
    signature = types.void(*[types.int64] * 6)

    def code(context, builder, signature, arguments):
        function, start, stop, scratch, outs, fields = arguments
        kind = ir.FunctionType(ir.VoidType(), [LONG, LONG, TO_NUMBERS, TO_ARRAYS, TO_ARRAYS])
        values = builder.inttoptr(function, kind.as_pointer())
        scratch = builder.inttoptr(scratch, TO_NUMBERS)
        outs = builder.inttoptr(outs, TO_ARRAYS)
        fields = builder.inttoptr(fields, TO_ARRAYS)
        builder.call(values, [start, stop, scratch, outs, fields])
        return context.get_dummy_value()

    return signature, code


_pack, _unpack = passing(INTEGERS, INTEGERS, INTEGERS, INTEGERS, NUMBER, TABLE, FLAGS)


def _advance_pieces(begin, end, thread, arguments):
    """The body of `advance`."""
    code, start, stop, fields, dt, scratch, failed = _unpack(arguments)
    memory = np.int64(scratch[thread].ctypes.data)
    for p in range(begin, end):
        failed[p] = _step_at(code[p], start[p], stop[p], dt, memory, fields[p]) != 0


@loop_over(Body(_advance_pieces))
def advance(body, pieces, dt, scratch, failed):
    """Take one step of some reactions in pieces of places, in place.

    Parameters
    ----------
    pieces : rate_calls.Pieces
        No two pieces change what the other one reads or changes.
    dt : float
        Time step (ms).
    scratch : (threads, numbers) float
        Memory of each thread (`rate_calls.scratch_for`).
    failed : (pieces,) bool
        Set to whether a piece has a place without a solution.
    """
    given = (pieces.code, pieces.start, pieces.stop, pieces.fields, dt, scratch, failed)
    run(body, failed.size, _pack(given))


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(pieces, scratch):
    """Set arrays to the rates of laws in pieces of places.

    Parameters
    ----------
    pieces : rate_calls.Pieces
        Where, and which arrays.
    scratch : (threads, numbers) float
        As in `advance`; one thread does it all.
    """
    for p in range(pieces.start.size):
        _values_at(
            pieces.code[p],
            pieces.start[p],
            pieces.stop[p],
            np.int64(scratch[0].ctypes.data),
            pieces.outs[p],
            pieces.fields[p],
        )


def compiled(function: Callable, name: str) -> Any:
    """numba's C function of a generated module's ``step`` or ``values``."""
    return cfunc(SIGNATURES[name], cache=True, error_model="numpy")(function)
