"""The functions of rate laws for eight places at once.

The mathematical library takes one number at a time. exp, expm1, log and tanh, of which laws at
membranes are made, are polynomials here, without branches. tests/reactions/test_lane_functions.py
holds their errors against mpmath, in units in the last place:

    exp 1    log 0.8    expm1 1.9    tanh 2.6

Functions that few laws have go through the lanes one by one.
"""

import math

from numba import njit

from ecsmpi.reactions import lanes, rate_kernels
from ecsmpi.reactions.lanes import LANES, fma, lane, select, spread, with_lane
from ecsmpi.reactions.rate_kernels import ROUNDER
from ecsmpi.solver.row_kernels import inner

LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471804855391  # with 20 bits to spare: its whole multiples have no error
LN2_LOW = 7.440617110012397e-11
LARGEST = 1400.0  # beyond it, either way, exp is infinite or 0 and stays so
SMALLEST_NORMAL = 2.2250738585072014e-308
POWER_TO_NORMAL = 54.0  # of 2, by which subnormal numbers become normal
TO_NORMAL = 2.0**54

# (e**r - 1 - r) / r**2 for |r| < ln(2) / 2, to 1.4e-18; the highest power first
EXP_SERIES = (
    *(2.0914686968086876e-09, 2.5105217004720745e-08, 2.75572736431103e-07),
    *(2.7557255400206422e-06, 2.4801587325547743e-05, 0.00019841269874820627),
    *(0.0013888888888883748, 0.008333333333326136, 0.04166666666666667),
    *(0.1666666666666667, 0.5),
)
# (2 artanh(s) / s - 2) / s**2 as powers of s**2 < 0.0295, to 2.1e-18
LOG_SERIES = (
    *(0.13086767009948175, 0.13268759668560612, 0.15386240205813478, 0.18181795630884753),
    *(0.2222222239180047, 0.2857142857080323, 0.4000000000000088, 0.6666666666666666),
)

fabs = lanes.fabs
sqrt = lanes.sqrt
floor = lanes.floor
ceil = lanes.ceil
trunc = lanes.trunc
copysign = lanes.copysign


@njit(**inner)
def finite_or_zero(x):
    """x, or 0 where x is infinite or NaN."""
    return select(x - x == 0.0, x, spread(0.0))


@njit(**inner)
def degrees(x):
    """Radians in degrees."""
    return x * (180.0 / math.pi)


@njit(**inner)
def radians(x):
    """Degrees in radians."""
    return x * (math.pi / 180.0)


@njit(**inner)
def _series(coefficients, x):
    total = spread(coefficients[0])
    for coefficient in coefficients[1:]:
        total = fma(total, x, coefficient)
    return total


@njit(**inner)
def _limited(x, least, most):
    """x, or the limit that it is beyond; NaN stays NaN."""
    x = select(x < least, spread(least), x)
    return select(x > most, spread(most), x)


@njit(**inner)
def _reduced(x):
    """(n, r) with x = n ln(2) + r and |r| <= ln(2) / 2."""
    n = fma(x, LOG2_E, ROUNDER) - ROUNDER
    return n, fma(n, -LN2_LOW, fma(n, -LN2_HIGH, x))


@njit(**inner)
def exp(x):
    """e**x.

    2**n comes in two factors, as one may overflow, or a result may be subnormal.
    """
    n, r = _reduced(_limited(x, -LARGEST, LARGEST))
    grown = fma(r * r, _series(EXP_SERIES, r), r) + 1.0
    half = fma(n, 0.5, ROUNDER)
    rest = (n - (half - ROUNDER)) + ROUNDER
    return grown * lanes.power_of_two(half) * lanes.power_of_two(rest)


@njit(**inner)
def expm1(x):
    """e**x - 1, exact to the last places where x is small.

    With 2**n in two factors a and b it is (p a + (a - 1 / b)) b, where p = e**r - 1.
    """
    n, r = _reduced(_limited(x, -50.0, 800.0))
    p = fma(r * r, _series(EXP_SERIES, r), r)
    half = fma(n, 0.5, ROUNDER)
    rest = n - (half - ROUNDER)
    a = lanes.power_of_two(half)
    b = lanes.power_of_two(rest + ROUNDER)
    return fma(p, a, a - lanes.power_of_two(ROUNDER - rest)) * b


@njit(**inner)
def log(x):
    """The natural logarithm: -infinity of 0, NaN of what is negative.

    x = 2**k m with m next to 1, and ln(m) = f - f**2 / 2 + s (f**2 / 2 + s**2 (...)), where
    f = m - 1 has no error and s = f / (2 + f).
    """
    is_small = x < SMALLEST_NORMAL
    scaled = select(is_small, x * TO_NORMAL, x)
    k = lanes.nearest_power(scaled) - select(is_small, spread(POWER_TO_NORMAL), spread(0.0))
    f = lanes.over_nearest_power(scaled) - 1.0
    s = f / (f + 2.0)
    z = s * s
    half_square = 0.5 * f * f
    rest = fma(s, fma(z, _series(LOG_SERIES, z), half_square), k * LN2_LOW)
    found = fma(k, LN2_HIGH, f - (half_square - rest))
    odd = select(x == 0.0, spread(-math.inf), select(x > 0.0, x, spread(math.nan)))
    return select((x > 0.0) & (x < math.inf), found, odd)


@njit(**inner)
def tanh(x):
    """The hyperbolic tangent, by e**(2 |x|) - 1."""
    size = fabs(x)
    grown = expm1(2.0 * select(size > 22.0, spread(22.0), size))
    return copysign(grown / (grown + 2.0), x)


@njit(**inner)
def vtrap(x, y):
    """x / (e**(x/y) - 1), and its limit where x/y is small, as in NEURON."""
    z = x / y
    return select(fabs(z) < 1e-6, y * fma(z, -0.5, 1.0), x / expm1(z))


@njit(**inner)
def vtrap_slope(z):
    """d vtrap / dx, a function of z = x/y: (e**z - 1 - z e**z) / (e**z - 1)**2."""
    square = z * z
    near = fma(square, spread(1.0 / 5040.0), -1.0 / 180.0)
    near = fma(z, fma(square, near, 1.0 / 6.0), -0.5)
    within = _limited(z, -300.0, 300.0)
    grown = expm1(within)
    far = (grown - within * (grown + 1.0)) / (grown * grown)
    far = select(z > 300.0, spread(0.0), select(z < -300.0, spread(-1.0), far))
    return select(fabs(z) < 1e-2, near, far)


def _in_turn(function):
    """A function of one number, for the lanes one by one."""

    def of_lanes(x):
        found = x
        for i in range(LANES):
            found = with_lane(found, i, function(lane(x, i)))
        return found

    return _named_after(function, of_lanes)


def _pairs_in_turn(function):
    """A function of two numbers, for the lanes one by one."""

    def of_lanes(x, y):
        found = x
        for i in range(LANES):
            found = with_lane(found, i, function(lane(x, i), lane(y, i)))
        return found

    return _named_after(function, of_lanes)


def _named_after(function, of_lanes):
    """numba's function, whose symbol tells it from those of other functions.

    numba tells functions of one name apart by a number that it counts in each process. Code of two
    processes, which its cache folder brings together, may have the same number.
    """
    of_lanes.__qualname__ = f"{function.__name__}_of_lanes"
    return njit(**inner)(of_lanes)


acos = _in_turn(math.acos)
acosh = _in_turn(math.acosh)
asin = _in_turn(math.asin)
asinh = _in_turn(math.asinh)
atan = _in_turn(math.atan)
cos = _in_turn(math.cos)
cosh = _in_turn(math.cosh)
erf = _in_turn(math.erf)
erfc = _in_turn(math.erfc)
gamma = _in_turn(math.gamma)
lgamma = _in_turn(math.lgamma)
log10 = _in_turn(math.log10)
log1p = _in_turn(math.log1p)
sin = _in_turn(math.sin)
sinh = _in_turn(math.sinh)
tan = _in_turn(math.tan)
digamma = _in_turn(rate_kernels.digamma)
factorial = _in_turn(rate_kernels.factorial)
atan2 = _pairs_in_turn(math.atan2)
hypot = _pairs_in_turn(math.hypot)
pow = _pairs_in_turn(math.pow)
fmod = _pairs_in_turn(rate_kernels.fmod)
ldexp = _pairs_in_turn(rate_kernels.ldexp)
