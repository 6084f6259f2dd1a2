"""Nernst's equation for all segments at once, in vector registers.

The C library's logarithm cannot be called there. A double's bits, as a whole number, are nearly a
straight line between powers of 2, so a difference of bits gives the power k of 2 that is next to
outside / inside:

    ln(outside / inside) = k ln 2 + 2 artanh(s)
    s = (a - inside) / (a + inside),  a = outside / 2**k

As a / inside is between 2/3 and 3/2, a - inside has no error, and the power series of artanh is
short.
"""

import math

import numba
import numpy as np

from ecsmpi.solver.row_kernels import compiled, fma, inner

FRACTION = 52  # bits of a double below its exponent
HALF = 1 << (FRACTION - 1)
# of 2 artanh(s) / s in s**2, which is at most 1/25
SERIES = tuple(2.0 / (2 * term + 1) for term in range(12))
LN2 = math.log(2.0)
SMALLEST = np.finfo(float).tiny
LARGEST = np.finfo(float).max


@numba.njit(**inner)
def _ln_ratio(outside, inside):
    """The logarithm, to two units in the last place, of positive numbers that are not subnormal."""
    bits = np.float64(outside).view(np.int64)
    k = (bits - np.float64(inside).view(np.int64) + HALF) >> FRACTION
    a = np.int64(bits - (k << FRACTION)).view(np.float64)
    s = (a - inside) / (a + inside)
    square = s * s
    series = 0.0
    for coefficient in SERIES[::-1]:
        series = fma(series, square, coefficient)
    return fma(k, LN2, s * series)


@numba.njit(**inner)
def _are_normal(inside, outside):
    return (inside >= SMALLEST) & (inside <= LARGEST) & (outside >= SMALLEST) & (outside <= LARGEST)


@numba.njit(**inner)
def _of_most(potential, inside, outside, coefficient):
    """Nernst's equation; returns for how many segments it is wrong.

    It is wrong where a concentration is 0, negative, subnormal, infinite or NaN.
    """
    odd = 0
    for i in range(potential.size):
        odd += not _are_normal(inside[i], outside[i])
        potential[i] = coefficient * _ln_ratio(outside[i], inside[i])
    return odd


@numba.njit(**compiled)
def nernst(potential, inside, outside, coefficient):
    """``potential = coefficient ln(outside / inside)`` of each segment.

    As in NEURON the potential is 1e6 with none inside, and -1e6 with none outside.

    Parameters
    ----------
    potential : (segments,) mV, set
    inside, outside : (segments,) mM
    coefficient : R T / (z F), mV
    """
    if _of_most(potential, inside, outside, coefficient) == 0:
        return
    for i in range(potential.size):
        if inside[i] <= 0.0:
            potential[i] = 1e6
        elif outside[i] <= 0.0:
            potential[i] = -1e6
        elif not _are_normal(inside[i], outside[i]):
            potential[i] = coefficient * math.log(outside[i] / inside[i])
