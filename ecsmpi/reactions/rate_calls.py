"""Calls of the compiled code of reactions, by its address.

    pieces of places --advance--> step(start, stop, ...)    of each piece, on some thread
                    --evaluate-> values(start, stop, ...)

rate_loops.py has the loops.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.kernels.calls import kernels_of
from ecsmpi.reactions.compiled_rates import CompiledRates

loops = kernels_of("ecsmpi.reactions.rate_loops")
advance = loops.advance
evaluate = loops.evaluate

NO_PLACES = np.zeros(0, dtype=np.int64)
NO_FAILURES = np.zeros(0, dtype=bool)


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
    """Compile or load the step of some laws, and the loop over pieces. Local.

    The loop is that for the number of threads now in use.
    """
    scratch = np.zeros((0, 1, 2))
    advance(code.step, NO_PLACES, NO_PLACES, 1.0, scratch, NO_FAILURES, NO_PLACES)


def compile_values(code: CompiledRates) -> None:
    """Compile or load the rates of some laws, and the loop over pieces. Local."""
    evaluate(code.values, NO_PLACES, NO_PLACES, NO_PLACES, NO_PLACES)
