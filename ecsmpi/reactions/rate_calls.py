"""How the code of reactions is called: by its address.

    pieces of places --advance--> step(start, stop, ..)   of each piece, on some thread
                    --evaluate-> values(start, stop, ..)

A compiled function that another one calls by its name is compiled again with it, and once more with
a parallel loop around it. The code of reactions is the longest there is, so it is compiled alone,
and the loops over pieces are compiled once for all reactions.
"""

from __future__ import annotations

from types import ModuleType

import numpy as np
from llvmlite import ir
from numba import cfunc, njit, prange, types
from numba.extending import intrinsic

from ecsmpi.solver.threads import shared
from ecsmpi.subnormals import flush_subnormals, restore_mode

ARRAY = types.CPointer(types.float64)
ARRAYS = types.CPointer(ARRAY)
STEP = types.int64(
    types.int64, types.int64, types.float64, ARRAY, ARRAYS
)  # start, stop, dt, scratch, fields; 1 where it failed
VALUES = types.void(
    types.int64, types.int64, ARRAYS, ARRAYS
)  # start, stop, the laws' arrays, fields

compiled = dict(cache=True, nogil=True, error_model="numpy")
NOWHERE, NOTHING = np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
INTEGER, NUMBER = ir.IntType(64), ir.DoubleType()
TO_NUMBERS = NUMBER.as_pointer()
TO_ARRAYS = TO_NUMBERS.as_pointer()


@intrinsic
def _step_at(typing_context, address, start, stop, dt, scratch, fields):
    """Call the step at an address; scratch and fields are addresses, too."""
    signature = types.int64(
        types.int64, types.int64, types.int64, types.float64, types.int64, types.int64
    )

    def code(context, builder, signature, arguments):
        function, start, stop, dt, scratch, fields = arguments
        kind = ir.FunctionType(INTEGER, [INTEGER, INTEGER, NUMBER, TO_NUMBERS, TO_ARRAYS])
        step = builder.inttoptr(function, kind.as_pointer())
        given = [
            start,
            stop,
            dt,
            builder.inttoptr(scratch, TO_NUMBERS),
            builder.inttoptr(fields, TO_ARRAYS),
        ]
        return builder.call(step, given)

    return signature, code


@intrinsic
def _values_at(typing_context, address, start, stop, outs, fields):
    """Call the rates at an address; outs and fields are addresses, too."""
    signature = types.void(types.int64, types.int64, types.int64, types.int64, types.int64)

    def code(context, builder, signature, arguments):
        function, start, stop, outs, fields = arguments
        kind = ir.FunctionType(ir.VoidType(), [INTEGER, INTEGER, TO_ARRAYS, TO_ARRAYS])
        values = builder.inttoptr(function, kind.as_pointer())
        builder.call(
            values,
            [start, stop, builder.inttoptr(outs, TO_ARRAYS), builder.inttoptr(fields, TO_ARRAYS)],
        )
        return context.get_dummy_value()

    return signature, code


@shared
def advance(step, starts, stops, dt, scratch, failed, fields):
    """One step of dt (ms) in pieces of places: step is its address, fields are those of the arrays
    that it changes in place.

    scratch: (pieces, unknowns, unknowns + 1); failed: (pieces,) whether a piece has a place without
    a solution.
    """
    for p in prange(starts.size):
        mode = flush_subnormals()
        failed[p] = (
            _step_at(
                step,
                starts[p],
                stops[p],
                dt,
                np.int64(scratch[p].ctypes.data),
                np.int64(fields.ctypes.data),
            )
            != 0
        )
        restore_mode(mode)


@njit(**compiled)
def evaluate(values, starts, stops, outs, fields):
    """Set the arrays at outs to the rates of laws in pieces of places; values is the address of the
    laws.
    """
    for p in range(starts.size):
        _values_at(
            values, starts[p], stops[p], np.int64(outs.ctypes.data), np.int64(fields.ctypes.data)
        )


def addresses(arrays: list[np.ndarray]) -> np.ndarray:
    """(arrays,) where the numbers of some arrays lie, which must stay there. ValueError for what is
    not contiguous float64.
    """
    for array in arrays:
        if array.dtype != np.float64 or not array.flags.c_contiguous:
            raise ValueError(
                f"reactions need contiguous arrays of float64, got {array.dtype} with strides {array.strides}"
            )
    return np.array([array.ctypes.data for array in arrays], dtype=np.int64)


def compile_step(module: ModuleType) -> None:
    """Compile the step of a module of reactions, or load it, and the loop over pieces for the
    threads of now. Local.
    """
    advance(step_of(module), NOWHERE, NOWHERE, 1.0, np.zeros((0, 1, 2)), NOTHING, NOWHERE)


def compile_values(module: ModuleType) -> None:
    """The same of the rates. Local."""
    evaluate(values_of(module), NOWHERE, NOWHERE, NOWHERE, NOWHERE)


def step_of(module: ModuleType) -> int:
    """The address of the step of a module of reactions, compiled at the first call. Local."""
    return _compiled(module, "step", STEP)


def values_of(module: ModuleType) -> int:
    """The address of the rates of a module of reactions, compiled at the first call. Local."""
    return _compiled(module, "values", VALUES)


def _compiled(module: ModuleType, name: str, signature) -> int:
    made = vars(module).setdefault("made", {})
    if name not in made:
        made[name] = cfunc(signature, cache=True, error_model="numpy")(getattr(module, name))
    return made[name].address
