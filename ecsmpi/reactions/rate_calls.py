"""Calls of the compiled code of reactions, by its address.

    pieces of places --advance--> step(start, stop, ...)    of each piece, on some thread
                    --evaluate-> values(start, stop, ...)

numba compiles a function again into every function that calls it by name, and once more into a
parallel loop. The code of reactions is the longest that there is. So it is compiled alone and
called by its address, and the loops over pieces are compiled once for all reactions.
"""

from __future__ import annotations

from types import ModuleType
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import cfunc, get_thread_id, njit, prange, types
from numba.extending import intrinsic

from ecsmpi.reactions.lanes import LANES
from ecsmpi.solver import threads
from ecsmpi.solver.threads import shared
from ecsmpi.subnormals import flush_subnormals, restore_mode

ARRAY = types.CPointer(types.float64)
ARRAYS = types.CPointer(ARRAY)
# step(start, stop, dt, scratch, fields) -> 1 where it failed, else 0
STEP = types.int64(types.int64, types.int64, types.float64, ARRAY, ARRAYS)
# values(start, stop, scratch, the laws' arrays, fields)
VALUES = types.void(types.int64, types.int64, ARRAY, ARRAYS, ARRAYS)

NO_FAILURES = np.zeros(0, dtype=bool)
INTEGER, NUMBER = ir.IntType(64), ir.DoubleType()
TO_NUMBERS = NUMBER.as_pointer()
TO_ARRAYS = TO_NUMBERS.as_pointer()


class Pieces(NamedTuple):
    """Runs of places, each with the compiled code that a call runs there.

    Attributes
    ----------
    code : (pieces,) int64
        Address of the compiled step or rates (`step_of`, `values_of`).
    start, stop : (pieces,) int64
        The places [start, stop) of each piece.
    fields : (pieces,) int64
        Address of the addresses of the arrays that the code reads (`addresses`).
    outs : (pieces,) int64
        The same of the arrays that get the rates; 0 for steps.
    """

    code: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    fields: np.ndarray
    outs: np.ndarray


NO_PIECES = Pieces(*np.zeros((5, 0), dtype=np.int64))


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
def _values_at(typing_context, address, start, stop, scratch, outs, fields):
    """Call the rates at an address; scratch, outs and fields are addresses, too."""
    signature = types.void(*[types.int64] * 6)

    def code(context, builder, signature, arguments):
        function, start, stop, scratch, outs, fields = arguments
        kind = ir.FunctionType(ir.VoidType(), [INTEGER, INTEGER, TO_NUMBERS, TO_ARRAYS, TO_ARRAYS])
        values = builder.inttoptr(function, kind.as_pointer())
        scratch = builder.inttoptr(scratch, TO_NUMBERS)
        outs = builder.inttoptr(outs, TO_ARRAYS)
        fields = builder.inttoptr(fields, TO_ARRAYS)
        builder.call(values, [start, stop, scratch, outs, fields])
        return context.get_dummy_value()

    return signature, code


@shared
def advance(pieces, dt, scratch, failed):
    """Take one step of some reactions in pieces of places, in place.

    Parameters
    ----------
    pieces : Pieces
        No two pieces change what the other one reads or changes.
    dt : float
        Time step (ms).
    scratch : (threads, numbers) float
        Memory of each thread (`scratch_for`).
    failed : (pieces,) bool
        Set to whether a piece has a place without a solution.
    """
    for p in prange(failed.size):
        mode = flush_subnormals()
        failed[p] = (
            _step_at(
                pieces.code[p],
                pieces.start[p],
                pieces.stop[p],
                dt,
                np.int64(scratch[get_thread_id()].ctypes.data),
                pieces.fields[p],
            )
            != 0
        )
        restore_mode(mode)


@njit(cache=True, nogil=True, error_model="numpy")
def evaluate(pieces, scratch):
    """Set arrays to the rates of laws in pieces of places.

    Parameters
    ----------
    pieces : Pieces
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


def scratch_for(rows: int) -> np.ndarray:
    """(threads, rows * LANES) zeros, memory that the compiled code of reactions may use.

    rows: the largest ROWS of the modules. Rows begin where lines of a cache do.
    """
    size = threads.most() * rows * LANES
    memory = np.zeros(size + LANES)
    skipped = -memory.ctypes.data % (8 * LANES) // 8
    return memory[skipped : skipped + size].reshape(-1, rows * LANES)


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
    step_of(module)
    advance(NO_PIECES, 1.0, scratch_for(1), NO_FAILURES)


def compile_values(module: ModuleType) -> None:
    """Compile or load the rates of a generated module, and the loop over pieces. Local."""
    values_of(module)
    evaluate(NO_PIECES, scratch_for(1))


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
