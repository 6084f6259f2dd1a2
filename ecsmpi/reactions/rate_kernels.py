"""Compiled functions of one number that rate laws call and Python's math lacks."""

import math

import numpy as np
from numba import njit

compiled = njit(cache=True, nogil=True, error_model="numpy")

# 1.5 * 2**52: a number added to it is rounded to a whole number, which stands in the lowest bits
ROUNDER = 6755399441055744.0

# Coefficients of the digamma function's asymptotic series, -B(2n) / (2n)
DIGAMMA = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760, -1 / 12)


@compiled
def fmod(x, y):
    """The remainder of x / y, with the sign of x."""
    return np.fmod(x, y)


@compiled
def factorial(x):
    """gamma(x + 1), for any x."""
    return math.gamma(x + 1.0)


@compiled
def digamma(x):
    """The derivative of lgamma.

    Reflection brings x above 0, recurrence to x >= 10, where the asymptotic series holds.
    """
    if x <= 0.0:
        return digamma(1.0 - x) - math.pi / math.tan(math.pi * x) if x != np.floor(x) else np.nan
    shift = 0.0
    while x < 10.0:
        shift += 1.0 / x
        x += 1.0
    square, power, series = 1.0 / (x * x), 1.0, 0.0
    for coefficient in DIGAMMA:
        power *= square
        series += coefficient * power
    return math.log(x) - 0.5 / x + series - shift


@compiled
def ldexp(x, exponent):
    """x * 2**n, where n is the exponent without its fraction."""
    return x * 2.0 ** np.trunc(exponent)
