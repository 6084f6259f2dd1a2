"""The compiled loops over a row of memory, of which the sweeps are made: arrays in, arrays out,
nothing allocated.

Rows that a loop writes to must not be among those that it only reads, or it takes one number at a
time.
"""

import numba
from numba import njit
from numba.extending import intrinsic

compiled = dict(cache=True, nogil=True, error_model="numpy", no_cfunc_wrapper=True)
inner = dict(compiled, no_cpython_wrapper=True)  # for functions that only compiled ones call
part_of_caller = dict(
    inner, inline="always"
)  # for those that have one caller: numba compiles it once, with the caller


@intrinsic
def fma(typing_context, a, b, c):
    """a b + c, rounded once: said outright, since a compiler's choice of where to do so could
    change bits.
    """

    def code(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return numba.float64(numba.float64, numba.float64, numba.float64), code


@njit(**inner)
def second_differences(rx, ry, rz, centre, west, east, south, north, below, lower, pivot, out):
    """out = ((Ax + Ay + Az) u + lower below) pivot for values in a row of memory.

    centre has one more at either end; rz has one more: r between each value and the one before, 0
    where a z-line ends.
    """
    for i in range(out.size):
        k = numba.uint64(i)  # unsigned: no check for negative indices
        here = centre[k + 1]
        along_x, along_y = fma(-2.0, here, west[k] + east[k]), fma(-2.0, here, south[k] + north[k])
        along_z = fma(rz[k], centre[k] - here, rz[k + 1] * (centre[k + 2] - here))
        out[k] = fma(lower, below[k], fma(rx, along_x, fma(ry, along_y, along_z))) * pivot


@njit(**inner)
def up_row(f, below, lower, pivot):
    for i in range(f.size):
        k = numba.uint64(i)
        f[k] = fma(lower, below[k], f[k]) * pivot


@njit(**inner)
def carry_row(f, below, carry, pivot):
    for i in range(f.size):
        k = numba.uint64(i)
        f[k] = fma(carry, below[k], f[k] * pivot)


@njit(**inner)
def scale_row(f, factor):
    for k in range(f.size):
        f[k] *= factor


@njit(**inner)
def scaled(out, factor, f):
    for k in range(f.size):
        out[k] = factor * f[k]


@njit(**inner)
def add_scaled(total, factor, f):
    for i in range(f.size):
        k = numba.uint64(i)
        total[k] = fma(factor, f[k], total[k])


@njit(**inner)
def gap_to(value, u, out):
    for k in range(u.size):
        out[k] = value - u[k]


@njit(**inner)
def fill(out, value):
    """out = value; as `copy`, for assigning to a slice takes a second to compile."""
    for k in range(out.size):
        out[k] = value


@njit(**inner)
def copy(row, out):
    """The first of ``out`` = row."""
    for k in range(row.size):
        out[k] = row[k]


@njit(**inner)
def move_rows(count, size, source, at, stride, target, to, target_stride):
    """target[to + target_stride j + k] = source[at + stride j + k] for j < count, k < size; flat in
    memory.
    """
    for j in range(count):
        for k in range(size):
            target[to + target_stride * j + k] = source[at + stride * j + k]
