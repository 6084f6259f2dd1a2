"""Compiled functions that rate laws may call and Python's math lacks, or that must be fast; and the
voxels' small systems.
"""

import math

import numpy as np
from numba import njit

compiled = dict(cache=True, nogil=True, error_model="numpy")

LOG2_E = 1.4426950408889634
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10  # ln 2 in two parts, the first short
# 1.5 * 2**52: what is added to it is rounded to a whole number, in the lowest bits
ROUNDER = 6755399441055744.0
EXPONENT_OF_ONE = 1023
LARGEST = 1400.0  # beyond it, either way, exp is infinite or 0 and stays so

# Coefficients of the digamma function's asymptotic series, -B(2n) / (2n)
DIGAMMA = (-1 / 12, 1 / 120, -1 / 252, 1 / 240, -1 / 132, 691 / 32760, -1 / 12)


@njit(**compiled)
def _power_of_two(shifted):
    """2**n, where shifted = ROUNDER + n."""
    return np.int64((np.float64(shifted).view(np.int64) + EXPONENT_OF_ONE) << 52).view(np.float64)


@njit(**compiled)
def exp(x):
    """e**x to 1 unit in the last place: without branches or calls, so that loops of it become
    vectors.

    x = n ln 2 + r; e**r is its Taylor polynomial, of degree 13; 2**n comes in two factors, for n
    may overflow.
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


@njit(**compiled)
def floor(x):
    """The largest whole number that is not above x."""
    return np.floor(x)


@njit(**compiled)
def ceil(x):
    """The smallest whole number that is not below x."""
    return np.ceil(x)


@njit(**compiled)
def trunc(x):
    """x without its fraction."""
    return np.trunc(x)


@njit(**compiled)
def fmod(x, y):
    """The remainder of x / y, with the sign of x."""
    return np.fmod(x, y)


@njit(**compiled)
def factorial(x):
    """gamma(x + 1), for whole numbers and others."""
    return math.gamma(x + 1.0)


@njit(**compiled)
def digamma(x):
    """The derivative of lgamma: by reflection, recurrence to x >= 10, and the asymptotic series
    there.
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


@njit(**compiled)
def ldexp(x, exponent):
    """x * 2**exponent, the exponent without its fraction."""
    return x * 2.0 ** np.trunc(exponent)


@njit(**compiled)
def vtrap(x, y):
    """x / (e**(x/y) - 1), and its limit where x/y is small, as NEURON has it."""
    z = x / y
    return y * (1.0 - 0.5 * z) if abs(z) < 1e-6 else x / math.expm1(z)


@njit(**compiled)
def vtrap_slope(z):
    """d vtrap / dx, a function of z = x/y: (e**z - 1 - z e**z) / (e**z - 1)**2."""
    if abs(z) < 1e-2:
        return -0.5 + z / 6.0 - z**3 / 180.0 + z**5 / 5040.0
    if abs(z) > 300.0:
        return -1.0 if z < 0.0 else 0.0
    grown = math.expm1(z)
    return (grown - z * (grown + 1.0)) / (grown * grown)


@njit(**compiled)
def finite_or_zero(x):
    """x, or 0 where it is infinite or not a number."""
    return x if x - x == 0.0 else 0.0


@njit(**compiled)
def solve(a):
    """Solve the system whose matrix is a[:, :-1] and right-hand side a[:, -1], which becomes the
    solution.

    Gaussian elimination with partial pivoting; rows change places with their right-hand sides.
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
