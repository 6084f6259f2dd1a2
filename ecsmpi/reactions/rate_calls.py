"""Calls of the compiled code of reactions, by its address.

    pieces of places --advance--> step(start, stop, ...)    of each piece, on some thread
                    --evaluate-> values(start, stop, ...)

numba compiles a function again into every function that calls it by name, and once more into a
parallel loop. The code of reactions is the longest that there is. So it is compiled alone and
called by its address, and the loops over pieces are compiled once for all reactions.
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
# step(start, stop, dt, scratch, fields) -> 1 where it failed, else 0
STEP = types.int64(types.int64, types.int64, types.float64, ARRAY, ARRAYS)
# values(start, stop, the laws' arrays, fields)
VALUES = types.void(types.int64, types.int64, ARRAYS, ARRAYS)

NO_PLACES = np.zeros(0, dtype=np.int64)
NO_FAILURES = np.zeros(0, dtype=bool)
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
        scratch = builder.inttoptr(scratch, TO_NUMBERS)
        fields = builder.inttoptr(fields, TO_ARRAYS)
        return builder.call(step, [start, stop, dt, scratch, fields])

    return signature, code


@intrinsic
def _values_at(typing_context, address, start, stop, outs, fields):
    """Call the rates at an address; outs and fields are addresses, too."""
    signature = types.void(types.int64, types.int64, types.int64, types.int64, types.int64)

    def code(context, builder, signature, arguments):
        function, start, stop, outs, fields = arguments
        kind = ir.FunctionType(ir.VoidType(), [INTEGER, INTEGER, TO_ARRAYS, TO_ARRAYS])
        values = builder.inttoptr(function, kind.as_pointer())
        outs = builder.inttoptr(outs, TO_ARRAYS)
        fields = builder.inttoptr(fields, TO_ARRAYS)
        builder.call(values, [start, stop, outs, fields])
        return context.get_dummy_value()

    return signature, code


@shared
def advance(step, starts, stops, dt, scratch, failed, fields):
    """Take one step of some reactions in pieces of places, in place.

    Parameters
    ----------
    step : int
        Address of the compiled step (`step_of`).
    starts, stops : (pieces,) int
        The places [start, stop) of each piece.
    dt : float
        Time step (ms).
    scratch : (pieces, unknowns, unknowns + 1) float
        Memory for the linear systems.
    failed : (pieces,) bool
        Set to whether a piece has a place without a solution.
    fields : (fields,) int
        Addresses of the arrays of concentrations (`addresses`).
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


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(values, starts, stops, outs, fields):
    """Set arrays to the rates of laws in pieces of places.

    Parameters
    ----------
    values : int
        Address of the compiled rates (`values_of`).
    starts, stops : (pieces,) int
        The places [start, stop) of each piece.
    outs : (laws,) int
        Addresses of the arrays that get the rates (`addresses`).
    fields : (fields,) int
        Addresses of the arrays of concentrations (`addresses`).
    """
    for p in range(starts.size):
        _values_at(
            values, starts[p], stops[p], np.int64(outs.ctypes.data), np.int64(fields.ctypes.data)
        )


def addresses(arrays: list[np.ndarray]) -> np.ndarray:
    """(arrays,) where the numbers of each array begin in memory.

    The caller must keep the arrays alive and in place.

    Raises
    ------
    ValueError
        For an array that is not contiguous float64.
    """
    found = np.empty(len(arrays), dtype=np.int64)
    for i, array in enumerate(arrays):
        if array.dtype != np.float64 or not array.flags.c_contiguous:
            raise ValueError(
                f"reactions need contiguous arrays of float64, got {array.dtype} with strides "
                f"{array.strides}"
            )
        found[i] = array.ctypes.data
    return found


def compile_step(module: ModuleType) -> None:
    """Compile or load the step of a generated module, and the loop over pieces. Local.

    The loop is that for the number of threads now in use.
    """
    advance(step_of(module), NO_PLACES, NO_PLACES, 1.0, np.zeros((0, 1, 2)), NO_FAILURES, NO_PLACES)


def compile_values(module: ModuleType) -> None:
    """Compile or load the rates of a generated module, and the loop over pieces. Local."""
    evaluate(values_of(module), NO_PLACES, NO_PLACES, NO_PLACES, NO_PLACES)


def step_of(module: ModuleType) -> int:
    """The address of a generated module's step, compiled at the first call. Local."""
    return _compiled(module, "step", STEP)


def values_of(module: ModuleType) -> int:
    """The address of a generated module's rates, compiled at the first call. Local."""
    return _compiled(module, "values", VALUES)


def _compiled(module: ModuleType, name: str, signature) -> int:
    made = vars(module).setdefault("made", {})
    if name not in made:
        made[name] = cfunc(signature, cache=True, error_model="numpy")(getattr(module, name))
    return made[name].address
