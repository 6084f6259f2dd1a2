"""The compiled loops over a row of memory, of which the sweeps are made.

Arrays in, arrays out, nothing allocated. The row that a loop writes must not be one of those that
it only reads: the loop would then take one number at a time instead of several.
"""

from typing import Any

import numba
from numba import njit
from numba.extending import intrinsic

# Options of numba for C functions, for functions that Python calls, for those that only compiled
# functions call, and for those that have one caller: numba compiles the last ones once, with the
# caller. Without _nrt=False numba counts the references to each array and view, by a call each
# time, which took a fifth of a step's time. So these functions can allocate no arrays.
bare: dict[str, Any] = dict(cache=True, error_model="numpy", _nrt=False)
compiled: dict[str, Any] = dict(bare, nogil=True, no_cfunc_wrapper=True)
inner: dict[str, Any] = dict(compiled, no_cpython_wrapper=True)
part_of_caller: dict[str, Any] = dict(inner, inline="always")


@intrinsic
def fma(typing_context, a, b, c):
    """a b + c, rounded once. Said outright: a compiler's choice where to fuse could change bits."""

    def code(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return numba.float64(numba.float64, numba.float64, numba.float64), code


@njit(**inner)
def second_differences(rx, ry, rz, centre, west, east, south, north, below, lower, pivot, out):
    """out = ((Ax + Ay + Az) u + lower below) pivot for the voxels in a row of memory.

    centre: u in the row, and one more at either end. west, east, south, north: u of the neighbours
    along x and y. rx, ry: r along x and y. rz: r between each voxel and the one before, 0 where a
    z-line ends, and one more at the end.
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
    """out = value, as a loop: assigning to a slice takes numba a second to compile."""
    for k in range(out.size):
        out[k] = value


@njit(**inner)
def copy(row, out):
    """out[k] = row[k] for each k of row; as a loop, as in `fill`."""
    for k in range(row.size):
        out[k] = row[k]


@njit(**inner)
def move_rows(count, size, source, at, stride, target, to, target_stride):
    """target[to + target_stride j + k] = source[at + stride j + k] for j < count, k < size.

    source, target: flat in memory.
    """
    for j in range(count):
        for k in range(size):
            target[to + target_stride * j + k] = source[at + stride * j + k]
