"""The compiled loops that finish a plane whose z-lines are short: y, then z, then u.

A row of memory is a whole z-line here: a few registers, the last of them not full. y is solved TILE
rows at a time, with the row before in a register. z is solved by the inverse of a line, which is
the same for all lines.

    row y      |  register 0   |  register 1   |  register 2   |
               | 0  1  2 ... 7 | 8  9   ... 15 |16 17 18 -- -- |   nz = 19: -- belong to row y + 1
"""

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ecsmpi.solver.plane_kernels import aim_rows_at_wall, keep_wall
from ecsmpi.solver.registers import TILE, Arguments, fma
from ecsmpi.solver.row_kernels import copy, fill, inner, part_of_caller


@intrinsic
def _eliminate_rows(typing, f, at, stride, carry, pivot, y, b, to, width):
    """b[m] = carry[y + m] b[m-1] + pivot[y + m] f[m] for m < TILE.

    f[m] is the register at ``at`` + stride m of f, b[m] that at ``to`` + width m of b.
    """

    def generate(context, builder, signature, arguments):
        given = Arguments(context, builder, signature, arguments)
        row = given.load(6, given.place(7, -1, 8))
        for m in range(TILE):
            here = given.place(5, m)
            scaled = builder.fmul(given.load(0, given.place(1, m, 2)), given.spread(4, here))
            row = fma(builder, given.spread(3, here), row, scaled)
            given.store(row, 6, given.place(7, m, 8))
        return context.get_dummy_value()

    return types.void(
        f, types.intp, types.intp, carry, pivot, types.intp, b, types.intp, types.intp
    ), generate


@intrinsic
def _substitute_rows(typing, ratio, y, b, to, width):
    """x[m] = b[m] + ratio[y + m] x[m+1] for m < TILE, from above, in place of b.

    x[m] is the register at ``to`` + width m of b.
    """

    def generate(context, builder, signature, arguments):
        given = Arguments(context, builder, signature, arguments)
        row = given.load(2, given.place(3, TILE, 4))
        for m in reversed(range(TILE)):
            here = given.place(3, m, 4)
            row = fma(builder, given.spread(0, given.place(1, m)), row, given.load(2, here))
            given.store(row, 2, here)
        return context.get_dummy_value()

    return types.void(ratio, types.intp, b, types.intp, types.intp), generate


def _products(columns):
    """An intrinsic for so many registers of a row side by side."""

    @intrinsic
    def add_products(typing, f, line, width, inverse, column, nz, u, at, stride):
        """u[m] += sum over k < nz of inverse[column + width k] f[line + width m + k], m < TILE.

        u[m] is the register at ``at`` + stride m of u.
        """

        def generate(context, builder, signature, arguments):
            given = Arguments(context, builder, signature, arguments)
            starts = [given.place(7, m, 8) for m in range(TILE)]
            places = [
                builder.add(start, ir.Constant(start.type, TILE * c))
                for start in starts
                for c in range(columns)
            ]
            sums = [cgutils.alloca_once_value(builder, given.load(6, place)) for place in places]
            with cgutils.for_range(builder, given[5]) as loop:
                row = builder.mul(given[2], loop.index)
                weights = [
                    given.load(3, builder.add(given.place(4, TILE * c), row))
                    for c in range(columns)
                ]
                for m in range(TILE):
                    value = given.spread(0, builder.add(given.place(1, m, 2), loop.index))
                    for weight, total in zip(weights, sums[columns * m :]):
                        builder.store(fma(builder, weight, value, builder.load(total)), total)
            for place, total in zip(places, sums):
                given.store(builder.load(total), 6, place)
            return context.get_dummy_value()

        return types.void(
            f, types.intp, types.intp, inverse, types.intp, types.intp, u, types.intp, types.intp
        ), generate

    return add_products


_add_products, _add_pairs = _products(1), _products(2)


@njit(**inner)
def _up(f, at, stride, carry, pivot, y, x, width):
    for column in range(0, width, TILE):
        _eliminate_rows(f, at + column, stride, carry, pivot, y, x, (y + 1) * width + column, width)


@njit(**inner)
def _down(ratio, y, x, width):
    for column in range(0, width, TILE):
        _substitute_rows(ratio, y, x, (y + 1) * width + column, width)


@njit(**inner)
def _add(x, y, width, inverse, nz, u, at, stride):
    column = 0
    while column + TILE < width:
        _add_pairs(x, (y + 1) * width, width, inverse, column, nz, u, at + column, stride)
        column += 2 * TILE
    if column < width:
        _add_products(x, (y + 1) * width, width, inverse, column, nz, u, at + column, stride)


@njit(**inner)
def _aim_ends_at_wall(x, at, width, u, here, nz, count, wall):
    for y in range(count):
        for end in (0, nz - 1):
            x[at + y * width + end] = wall - u[here + y * nz + end]


@njit(**part_of_caller)
def finish_plane_of_short_lines(d, u, lines, walls, scratch):
    """Solve y, then z, in one plane of short z-lines and add the increment to u.

    d, u: (ny, nz). lines, walls: PlaneLines and Walls of sweep_plans.py. scratch: ((rows + 2 +
    TILE) * width,), rows being ny up to a multiple of TILE, and width nz.

    A register at the end of a row reaches into the next rows of the plane. What it writes there is
    what was there, or is written again later. Rows at the plane's end, where a register would reach
    out of the plane, are copied to a tile of their own and back.
    """
    carry, pivot, ratio = lines.y.carry, lines.y.pivot, lines.y.ratio
    held, wall = walls.edges, walls.value
    (ny, nz), width, rows = d.shape, lines.inverse.shape[1], pivot.size
    f, values, columns = d.reshape(-1), u.reshape(-1), lines.inverse.reshape(-1)
    # rows of the tiles that stay in the plane
    inside = max(0, ny - (width - 1) // nz) // TILE * TILE
    x, tile = scratch[: (rows + 2) * width], scratch[(rows + 2) * width :]
    fill(x[:width], 0.0)
    fill(x[(rows + 1) * width :], 0.0)
    if held:
        aim_rows_at_wall(d, u, wall)
    for y in range(0, inside, TILE):
        _up(f, y * nz, nz, carry, pivot, y, x, width)
    for y in range(inside, rows, TILE):
        here = f[y * nz : min(y + TILE, ny) * nz]
        copy(here, tile)
        fill(tile[here.size :], 0.0)  # another species may have left NaN there
        _up(tile, 0, nz, carry, pivot, y, x, width)
    for y in range(rows - TILE, -1, -TILE):
        end = min(y + TILE, ny)
        _down(ratio, y, x, width)
        if held:
            _aim_ends_at_wall(x, (y + 1) * width, width, values, y * nz, nz, end - y, wall)
        if y < inside:
            _add(x, y, width, columns, nz, values, y * nz, nz)
        else:
            copy(values[y * nz : end * nz], tile)
            _add(x, y, width, columns, nz, tile, 0, nz)
            copy(tile[: (end - y) * nz], values[y * nz : end * nz])
    if held:
        keep_wall(u, wall)
