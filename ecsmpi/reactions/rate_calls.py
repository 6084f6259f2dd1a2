"""Calls of the compiled code of reactions, by its address.

    pieces of places --advance--> step(start, stop, ...)    of each piece, on some thread
                    --evaluate-> values(start, stop, ...)

rate_loops.py has the loops.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecsmpi.kernels.calls import kernels_of
from ecsmpi.reactions.compiled_rates import CompiledRates
from ecsmpi.solver import threads
from ecsmpi.solver.sizes import TILE

loops = kernels_of("ecsmpi.reactions.rate_loops")
advance = loops.advance
evaluate = loops.evaluate

NO_FAILURES = np.zeros(0, dtype=bool)


class Pieces(NamedTuple):
    """Runs of places, each with the compiled code that a call runs there.

    Attributes
    ----------
    code : (pieces,) int64
        Address of the compiled step or rates (`CompiledRates.step`, `CompiledRates.values`).
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


def scratch_for(rows: int) -> np.ndarray:
    """(threads, rows * TILE) zeros, memory that the compiled code of reactions may use.

    rows: the largest `CompiledRates.rows`. Rows begin where lines of a cache do.
    """
    size = threads.most() * rows * TILE
    memory = np.zeros(size + TILE)
    skipped = -memory.ctypes.data % (8 * TILE) // 8
    return memory[skipped : skipped + size].reshape(-1, rows * TILE)


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


def compile_step(code: CompiledRates) -> None:
    """Compile or load the step of some laws, and the loop over pieces. Local."""
    assert code.step
    advance(NO_PIECES, 1.0, scratch_for(1), NO_FAILURES)


def compile_values(code: CompiledRates) -> None:
    """Compile or load the rates of some laws, and the loop over pieces. Local."""
    assert code.values
    evaluate(NO_PIECES, scratch_for(1))
