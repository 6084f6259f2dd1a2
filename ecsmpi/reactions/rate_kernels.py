"""Compiled functions that generated rate code calls.

Python's math lacks them, or has them too slow for loops over voxels.
"""

import math

import numpy as np
from numba import njit

compiled = njit(cache=True, nogil=True, error_model="numpy")

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # ln 2 = high + low; high is short
# 1.5 * 2**52: a number added to it is rounded to a whole number, which stands in the lowest bits
ROUNDER = 6755399441055744.0
EXPONENT_OF_ONE = 1023
LARGEST = 1400.0  # beyond it, either way, exp is infinite or 0 and stays so

# Coefficients of the digamma function's asymptotic series, -B(2n) / (2n)
DIGAMMA = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760, -1 / 12)


@compiled
def _power_of_two(shifted):
    """2**n, where shifted = ROUNDER + n."""
    return np.int64((np.float64(shifted).view(np.int64) + EXPONENT_OF_ONE) << 52).view(np.float64)


@compiled
def exp(x):
    """e**x to 1 unit in the last place.

    It has neither branches nor calls, so that loops over it become vectors. With x = n ln 2 + r,
    e**r is the Taylor polynomial of degree 13. 2**n comes in two factors, as one may overflow.
    """
    x = -LARGEST if x < -LARGEST else x
    x = LARGEST if x > LARGEST else x
    n = (x * LOG2_E + ROUNDER) - ROUNDER
    r = (x - n * LN2_HIGH) - n * LN2_LOW
    half = n * 0.5 + ROUNDER
    rest = n - (half - ROUNDER) + ROUNDER
    p = 1 / 479001600 + r * (1 / 6227020800)
    p = 1 / 39916800 + r * p
    p = 1 / 3628800 + r * p
    p = 1 / 362880 + r * p
    p = 1 / 40320 + r * p
    p = 1 / 5040 + r * p
    p = 1 / 720 + r * p
    p = 1 / 120 + r * p
    p = 1 / 24 + r * p
    p = 1 / 6 + r * p
    p = 0.5 + r * p
    return (1.0 + (r + r * r * p)) * _power_of_two(half) * _power_of_two(rest)


@compiled
def floor(x):
    """The largest whole number <= x."""
    return np.floor(x)


@compiled
def ceil(x):
    """The smallest whole number >= x."""
    return np.ceil(x)


@compiled
def trunc(x):
    """x without its fraction."""
    return np.trunc(x)


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


@compiled
def vtrap(x, y):
    """x / (e**(x/y) - 1), and its limit where x/y is small, as in NEURON."""
    z = x / y
    return y * (1.0 - 0.5 * z) if abs(z) < 1e-6 else x / math.expm1(z)


@compiled
def vtrap_slope(z):
    """d vtrap / dx, a function of z = x/y: (e**z - 1 - z e**z) / (e**z - 1)**2."""
    if abs(z) < 1e-2:
        return -0.5 + z / 6.0 - z**3 / 180.0 + z**5 / 5040.0
    if abs(z) > 300.0:
        return -1.0 if z < 0.0 else 0.0
    grown = math.expm1(z)
    return (grown - z * (grown + 1.0)) / (grown * grown)


@compiled
def finite_or_zero(x):
    """x, or 0 where x is infinite or NaN."""
    return x if x - x == 0.0 else 0.0


@compiled
def solve(a):
    """Solve a linear system in place, by Gaussian elimination with partial pivoting.

    a: (n, n + 1), the matrix and, in the last column, the right-hand side, which becomes the
    solution. Rows change places together with their right-hand sides.
    """
    count = a.shape[0]
    for j in range(count):
        best = j
        for i in range(j + 1, count):
            if abs(a[i, j]) > abs(a[best, j]):
                best = i
        if best != j:
            for c in range(j, count + 1):
                a[j, c], a[best, c] = a[best, c], a[j, c]
        inverse = 1.0 / a[j, j]
        for i in range(j + 1, count):
            factor = a[i, j] * inverse
            for c in range(j + 1, count + 1):
                a[i, c] -= factor * a[j, c]
    for j in range(count - 1, -1, -1):
        for c in range(j + 1, count):
            a[j, count] -= a[j, c] * a[c, count]
        a[j, count] /= a[j, j]
