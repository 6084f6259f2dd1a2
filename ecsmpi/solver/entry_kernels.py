"""The compiled loops of the exchange: entries (segments) to voxels and back.

Arrays in, arrays out, nothing allocated.
"""

import numba
import numpy as np
from llvmlite import ir
from numba import njit, prange, types
from numba.core import cgutils
from numba.extending import intrinsic

from ecsmpi.reactions.rate_kernels import ROUNDER
from ecsmpi.solver.registers import REGISTER, TILE, Arguments, fma, last_lanes, sum_of_lanes
from ecsmpi.solver.row_kernels import compiled, fill, inner
from ecsmpi.solver.threads import shared

UNITS = (2.0**-10, 2.0**-50, 2.0**-90)  # mM that one of each limb is worth
LIMBS = 4  # these three, and the number of amounts that they cannot hold
LARGEST = 2.0**29  # mM


@intrinsic
def _sum_of_registers(typing, values, factor, begin, end):
    """The sum of factor[e] * values[e] over [begin, end), of TILE entries or more, in the TILE sums
    of a register.
    """

    def generate(context, builder, signature, arguments):
        given = Arguments(context, builder, signature, arguments)
        size, zeros = ir.Constant(given[2].type, TILE), ir.Constant(REGISTER, [0.0] * TILE)
        count = builder.sub(given[3], given[2])
        sums = cgutils.alloca_once_value(builder, zeros)
        with cgutils.for_range(builder, builder.udiv(count, size)) as loop:
            here = builder.add(given[2], builder.mul(loop.index, size))
            builder.store(
                fma(builder, given.load(0, here), given.load(1, here), builder.load(sums)), sums
            )
        here = given.place(3, -TILE)
        rest = last_lanes(
            builder,
            builder.fmul(given.load(0, here), given.load(1, here)),
            builder.urem(count, size),
        )
        return sum_of_lanes(builder, builder.fadd(builder.load(sums), rest))

    return types.float64(values, factor, types.intp, types.intp), generate


@njit(fastmath={"reassoc"}, **inner)
def _sum_of_products(values, at, factor, begin, end):
    """The sum of factor[e] * values[at[e]] over [begin, end), added in an order that suits vector
    registers.
    """
    total = 0.0
    for e in range(begin, end):
        total += factor[e] * values[at[e]]
    return total


@njit(**inner)
def _add_block(k, values, at, factor, row, start, alike, block, edge, dt, anew, out):
    if anew:
        fill(out[edge[k] : edge[k + 1]], 0.0)
    for run in range(block[k], block[k + 1]):
        begin, end = start[run], start[run + 1]
        if alike[run]:
            out[row[begin]] += dt * _sum_of_products(values, at, factor, begin, end)
        else:
            for e in range(begin, end):
                out[row[e]] += dt * (factor[e] * values[at[e]])


@njit(**compiled)
def add_by_voxel(values, at, factor, row, start, alike, block, edge, dt, anew, out):
    """out[row[e]] += dt * factor[e] * values[at[e]] for all entries e; what was in out is forgotten
    where it is ``anew``.

    row, start, alike, block, edge: as entry_rows.Rows has them. Where a run of entries has one row
    their sum is added at
    once: additions in memory, one upon the other, would wait for each other.
    """
    for k in range(block.size - 1):
        _add_block(k, values, at, factor, row, start, alike, block, edge, dt, anew, out)


@shared
def add_by_voxel_in_blocks(values, at, factor, row, start, alike, block, edge, dt, anew, out):
    """As add_by_voxel, to the same bits: threads share the blocks, of which no two have a row in
    common.
    """
    for k in prange(block.size - 1):
        _add_block(k, values, at, factor, row, start, alike, block, edge, dt, anew, out)


@njit(**compiled)
def add_in_turn(values, factor, row, start, alike, dt, out):
    """As add_by_voxel, of values[e]. Apart, since a loop that asks which it is counts references."""
    for run in range(alike.size):
        begin, end = start[run], start[run + 1]
        if alike[run]:
            out[row[begin]] += dt * _sum_of_registers(values, factor, begin, end)
        else:
            for e in range(begin, end):
                out[row[e]] += dt * (factor[e] * values[e])


@njit(**compiled)
def add_at(received, target, out):
    """out[f, target[e]] += received[f, e], in the order received."""
    for f in range(out.shape[0]):
        sums, more = out[f], received[f]
        for e in range(target.size):
            sums[target[e]] += more[e]


@njit(**compiled)
def pick(begin, end, voxel, concentrations, first, out):
    """out[e] = concentrations[first + voxel[e]] for e in [begin, end), of flat concentrations."""
    for i in range(begin, end):
        e = numba.uint64(i)  # unsigned: no check for negative indices
        out[e] = concentrations[numba.uint64(first + voxel[e])]


@njit(**compiled)
def hand_out(values, target, out):
    """out[f, e] = values[f, target[e]], as `add_at` the other way."""
    for f in range(values.shape[0]):
        row, served = values[f], out[f]
        for e in range(target.size):
            served[e] = row[target[e]]


@njit(**inner)
def _give_block(values, row, begin, end, out, at):
    for e in range(begin, end):
        out[at[e]] = values[row[e]]


@njit(**compiled)
def give_entries(values, row, out, at):
    """out[at[e]] = values[row[e]] for all entries e."""
    _give_block(values, row, 0, row.size, out, at)


@shared
def give_entries_in_blocks(values, row, start, block, out, at):
    """As give_entries, by several threads; start, block: as entry_rows.Rows has them."""
    for k in prange(block.size - 1):
        _give_block(values, row, start[block[k]], start[block[k + 1]], out, at)


@njit(**compiled)
def give_in_turn(values, row, start, alike, out):
    """out[e] = values[row[e]] for all entries e; start, alike as in `add_by_voxel`."""
    for run in range(alike.size):
        begin, end = start[run], start[run + 1]
        if alike[run]:
            value = values[row[begin]]
            for e in range(begin, end):
                out[e] = value
        else:
            for e in range(begin, end):
                out[e] = values[row[e]]


@njit(**inner)
def _add_limbs(amount, row, out):
    """Add an amount to a row of limbs, exactly but for what is under half a unit of the last."""
    if not abs(amount) < LARGEST:
        out[row, 3] += 1
        return
    for part in range(3):
        whole = (amount / UNITS[part] + ROUNDER) - ROUNDER
        out[row, part] += np.int64(whole)
        amount -= whole * UNITS[part]


@njit(**inner)
def _add_limbs_of_block(begin, end, values, at, factor, row, dt, out):
    for i in range(begin, end):
        e = numba.uint64(i)  # unsigned: no check for negative indices
        _add_limbs(dt * (factor[e] * values[at[e] if at.size else e]), numba.uint64(row[e]), out)


@shared
def add_limbs_by_voxel(values, at, factor, row, start, block, edge, dt, anew, out):
    """As add_by_voxel_in_blocks, in limbs: out (rows, LIMBS); values[e] where ``at`` is empty."""
    for k in prange(block.size - 1):
        if anew:
            fill(out[edge[k] : edge[k + 1]].reshape(-1), 0)
        _add_limbs_of_block(start[block[k]], start[block[k + 1]], values, at, factor, row, dt, out)


@shared
def add_limbs_at(received, target, sums, out):
    """As add_at, of limbs (received, LIMBS) and (rows, LIMBS) of one field; then out[v] is what the
    sums of row v are worth.
    """
    for e in range(target.size):
        for part in range(LIMBS):
            sums[target[e], part] += received[e, part]
    for v in prange(out.size):
        high, middle, low, lost = sums[v]
        total = (low * UNITS[2] + middle * UNITS[1]) + high * UNITS[0]
        out[v] = np.nan if lost else total


@njit(**compiled)
def add_over(amounts, at, divisor, out):
    """out[at[e]] += amounts[e] / divisor[at[e]], or over the one divisor."""
    for e in range(at.size):
        out[at[e]] += amounts[e] / (divisor[0] if divisor.size == 1 else divisor[at[e]])


@njit(**compiled)
def move(source, at, target, to):
    """target[to[e]] = source[at[e]]."""
    for e in range(at.size):
        target[to[e]] = source[at[e]]


@njit(**compiled)
def add_products(rates, factors, out):
    """out[e] += rates[e] * factors[e], where the factor is not 0: there a rate may be no number."""
    for e in range(out.size):
        if factors[e] != 0.0:
            out[e] += rates[e] * factors[e]


@njit(**compiled)
def charge(currents, nodes, right):
    """right[nodes[e]] -= currents[e]: an outward current, mA/cm2, on the right-hand side of the
    voltages.
    """
    for e in range(nodes.size):
        right[nodes[e]] -= currents[e]


@njit(**compiled)
def set_sums(column, rows, values, added, at):
    """column[rows[e]] = values[e] + added[at[e]]."""
    for e in range(rows.size):
        column[rows[e]] = values[e] + added[at[e]]
