"""Compiled code of rate laws, called by itself with plain arrays."""

import ctypes

from ecsmpi.reactions import lanes, rate_calls
import numba
import numpy as np

UNARY = numba.types.void(numba.types.int64, lanes.array, lanes.array)
BINARY = numba.types.void(numba.types.int64, lanes.array, lanes.array, lanes.array)


def over_arrays(function, arguments=1):
    """A function of arrays that applies a function of lanes to their numbers."""
    if arguments == 1:

        @numba.cfunc(UNARY)
        def loop(count, x, out):
            for i in range(0, count, lanes.LANES):
                lanes.store(out, i, function(lanes.load(x, i)))
    else:

        @numba.cfunc(BINARY)
        def loop(count, x, y, out):
            for i in range(0, count, lanes.LANES):
                lanes.store(out, i, function(lanes.load(x, i), lanes.load(y, i)))

    pointers = [ctypes.c_void_p] * (arguments + 1)
    call = ctypes.CFUNCTYPE(None, ctypes.c_int64, *pointers)(loop.address)

    def applied(*given):
        arrays = [np.atleast_1d(np.asarray(each, dtype=float)) for each in given]
        size = arrays[0].size
        padded = [np.resize(each, -(-size // lanes.LANES) * lanes.LANES) for each in arrays]
        out = np.empty(padded[0].size)
        call(out.size, *(each.ctypes.data for each in (*padded, out)))
        return out[:size]

    applied.kept = loop
    return applied


def step(code, arrays, dt):
    """Take the step of compiled laws at all places of its fields' arrays; whether it failed."""
    failed = np.zeros(1, dtype=bool)
    pieces, _kept = _one_piece(code.step, arrays, [])
    rate_calls.advance(pieces, dt, rate_calls.scratch_for(code.rows), failed)
    return failed[0]


def rates(code, arrays, count):
    """(count, places) the rates of compiled laws at all places."""
    outs = list(np.zeros((count, arrays[0].size)))
    pieces, _kept = _one_piece(code.values, arrays, outs)
    rate_calls.evaluate(pieces, rate_calls.scratch_for(code.rows))
    return np.array(outs)


def _one_piece(code, arrays, outs):
    """(pieces, what they point to) of one piece of all places."""
    kept = rate_calls.addresses(arrays), rate_calls.addresses(outs)
    numbers = code, 0, arrays[0].size, *(each.ctypes.data for each in kept)
    return rate_calls.Pieces(*(np.array([number], dtype=np.int64) for number in numbers)), kept
