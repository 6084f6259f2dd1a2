"""The compiled loops of the exchange, from entries to voxels and back.

An entry is a segment, or a flux's voxel. Arrays in, arrays out, nothing allocated. ``slot``: where
the voxel of each entry is in the arrays of the exchange. ``at``: where the value of each entry is
in memory, which for segments is NEURON's.
"""

import numba
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from ecsmpi.kernels.records import FLAG, FLAGS, NUMBER, NUMBERS, PLACES, Array
from ecsmpi.reactions.rate_kernels import ROUNDER
from ecsmpi.solver.bodies import Body, loop_over, passing
from ecsmpi.solver.bodies import run as run_body
from ecsmpi.solver.cache_lines import ask_for
from ecsmpi.solver.registers import REGISTER, TILE, Arguments, fma, last_lanes, sum_of_lanes
from ecsmpi.solver.row_kernels import compiled, fill, inner
from ecsmpi.solver.sizes import LIMBS

# An exact sum: three limbs, which count units (mM), and how many amounts these could not hold.
#
#     limb      0          1          2          3
#     unit   2**-10     2**-50     2**-90     amounts of 2**29 mM and more, and NaN
UNITS = (2.0**-10, 2.0**-50, 2.0**-90)
LARGEST = 2.0**29  # mM

SUMS = Array("<i8", 2)  # exact ones: a row of limbs each
AT_A_TIME = 4096  # slots that a thread takes
ENTRIES_EARLY = 256  # how many entries before its turn a voxel's sum or value is asked for


@intrinsic
def _sum_of_registers(typing, values, factor, begin, end):
    """The sum of factor[e] * values[e] over [begin, end), which has TILE entries or more.

    It is made of the TILE sums of a register.
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
    """The sum of factor[e] * values[at[e]] over [begin, end), in an order for vector registers."""
    total = 0.0
    for e in range(begin, end):
        total += factor[e] * values[at[e]]
    return total


@njit(**inner)
def _later(slot, e):
    """The slot of an entry that has its turn some time after entry e."""
    return numba.int64(slot[min(e + numba.uint64(ENTRIES_EARLY), numba.uint64(slot.size - 1))])


@njit(**inner)
def _add_block(k, values, at, factor, slot, start, alike, block, edge, dt, from_zero, out):
    if from_zero:
        fill(out[edge[k] : edge[k + 1]], 0.0)
    for run in range(block[k], block[k + 1]):
        begin, end = start[run], start[run + 1]
        if alike[run]:
            out[slot[begin]] += dt * _sum_of_products(values, at, factor, begin, end)
        else:
            for i in range(begin, end):
                e = numba.uint64(i)  # unsigned: no check for negative indices
                ask_for(out, _later(slot, e))
                out[numba.uint64(slot[e])] += dt * (factor[e] * values[numba.uint64(at[e])])


@njit(**compiled)
def add_by_voxel(values, at, factor, slot, start, alike, block, edge, dt, from_zero, out):
    """out[slot[e]] += dt * factor[e] * values[at[e]] for all entries e.

    slot, start, alike, block, edge: see entry_runs.EntryRuns. from_zero: whether to set out to 0
    first. The sum of a run of entries with one slot is added at once: additions in memory, one upon
    the other, would wait for each other.
    """
    for k in range(block.size - 1):
        _add_block(k, values, at, factor, slot, start, alike, block, edge, dt, from_zero, out)


_pack_addition, _unpack_addition = passing(
    NUMBERS, PLACES, NUMBERS, PLACES, PLACES, FLAGS, PLACES, PLACES, NUMBER, FLAG, NUMBERS
)


def _add_blocks(begin, end, thread, arguments):
    """The body of `add_by_voxel_in_blocks`."""
    values, at, factor, slot, start, alike, block, edge, dt, from_zero, out = _unpack_addition(
        arguments
    )
    for k in range(begin, end):
        _add_block(k, values, at, factor, slot, start, alike, block, edge, dt, from_zero, out)


@loop_over(Body(_add_blocks))
def add_by_voxel_in_blocks(
    body, values, at, factor, slot, start, alike, block, edge, dt, from_zero, out
):
    """add_by_voxel by several threads, to the same bits.

    Threads share the blocks, of which no two have a slot in common.
    """
    given = (values, at, factor, slot, start, alike, block, edge, dt, from_zero, out)
    run_body(body, block.size - 1, _pack_addition(given))


@njit(**compiled)
def add_in_turn(values, factor, slot, start, alike, dt, out):
    """add_by_voxel of values[e] in place of values[at[e]], all in one block, on top of out.

    Apart from add_by_voxel, since numba would count references in a loop that decides between them.
    """
    for run in range(alike.size):
        begin, end = start[run], start[run + 1]
        if alike[run]:
            out[slot[begin]] += dt * _sum_of_registers(values, factor, begin, end)
        else:
            for i in range(begin, end):
                e = numba.uint64(i)  # unsigned: no check for negative indices
                ask_for(out, _later(slot, e))
                out[numba.uint64(slot[e])] += dt * (factor[e] * values[e])


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
def pick_served(values, target, out):
    """out[f, e] = values[f, target[e]]."""
    for f in range(values.shape[0]):
        of_field, served = values[f], out[f]
        for e in range(target.size):
            served[e] = of_field[target[e]]


@njit(**inner)
def _scatter_block(values, slot, begin, end, out, at):
    for i in range(begin, end):
        e = numba.uint64(i)
        ask_for(values, _later(slot, e))
        out[numba.uint64(at[e])] = values[numba.uint64(slot[e])]


@njit(**compiled)
def scatter_entries(values, slot, out, at):
    """out[at[e]] = values[slot[e]] for all entries e."""
    _scatter_block(values, slot, 0, slot.size, out, at)


_pack_scatter, _unpack_scatter = passing(NUMBERS, PLACES, PLACES, PLACES, NUMBERS, PLACES)


def _scatter_blocks(begin, end, thread, arguments):
    """The body of `scatter_entries_in_blocks`."""
    values, slot, start, block, out, at = _unpack_scatter(arguments)
    for k in range(begin, end):
        _scatter_block(values, slot, start[block[k]], start[block[k + 1]], out, at)


@loop_over(Body(_scatter_blocks))
def scatter_entries_in_blocks(body, values, slot, start, block, out, at):
    """scatter_entries by several threads; start, block: see entry_runs.EntryRuns."""
    run_body(body, block.size - 1, _pack_scatter((values, slot, start, block, out, at)))


@njit(**compiled)
def scatter_in_turn(values, slot, start, alike, out):
    """out[e] = values[slot[e]] for all entries e; start, alike: see entry_runs.EntryRuns."""
    for run in range(alike.size):
        begin, end = start[run], start[run + 1]
        if alike[run]:
            value = values[slot[begin]]
            for e in range(begin, end):
                out[e] = value
        else:
            for i in range(begin, end):
                e = numba.uint64(i)
                ask_for(values, _later(slot, e))
                out[e] = values[numba.uint64(slot[e])]


@njit(**inner)
def _add_limbs(amount, slot, out):
    """Add an amount to the limbs of a slot, exact but for under half a unit of the last limb."""
    if not abs(amount) < LARGEST:
        out[slot, 3] += 1
        return
    for limb in range(3):
        whole = (amount / UNITS[limb] + ROUNDER) - ROUNDER
        out[slot, limb] += np.int64(whole)
        amount -= whole * UNITS[limb]


@njit(**inner)
def _add_limbs_of_block(begin, end, values, at, factor, slot, dt, out):
    for i in range(begin, end):
        e = numba.uint64(i)  # unsigned: no check for negative indices
        ask_for(out, LIMBS * _later(slot, e))
        _add_limbs(dt * (factor[e] * values[at[e] if at.size else e]), numba.uint64(slot[e]), out)


_pack_limbs, _unpack_limbs = passing(
    NUMBERS, PLACES, NUMBERS, PLACES, PLACES, PLACES, PLACES, NUMBER, FLAG, SUMS
)


def _add_limbs_of_blocks(begin, end, thread, arguments):
    """The body of `add_limbs_by_voxel`."""
    values, at, factor, slot, start, block, edge, dt, from_zero, out = _unpack_limbs(arguments)
    for k in range(begin, end):
        if from_zero:
            fill(out[edge[k] : edge[k + 1]].reshape(-1), 0)
        _add_limbs_of_block(start[block[k]], start[block[k + 1]], values, at, factor, slot, dt, out)


@loop_over(Body(_add_limbs_of_blocks))
def add_limbs_by_voxel(body, values, at, factor, slot, start, block, edge, dt, from_zero, out):
    """add_by_voxel_in_blocks of limbs; of values[e] where ``at`` is empty. out: (slots, LIMBS)."""
    given = (values, at, factor, slot, start, block, edge, dt, from_zero, out)
    run_body(body, block.size - 1, _pack_limbs(given))


_pack_sums, _unpack_sums = passing(SUMS, NUMBERS)


def _take_values(begin, end, thread, arguments):
    """The body of `add_limbs_at`: values of AT_A_TIME sums in each piece."""
    sums, out = _unpack_sums(arguments)
    for v in range(begin * AT_A_TIME, min(end * AT_A_TIME, out.size)):
        high, middle, low, lost = sums[v]
        total = (low * UNITS[2] + middle * UNITS[1]) + high * UNITS[0]
        out[v] = np.nan if lost else total


@loop_over(Body(_take_values))
def add_limbs_at(body, received, target, sums, out):
    """sums[target[e]] += received[e], limb by limb; then out[v] is the value of the sums of slot v.

    received: (received, LIMBS), sums: (slots, LIMBS), of one field.
    """
    for e in range(target.size):
        for limb in range(LIMBS):
            sums[target[e], limb] += received[e, limb]
    run_body(body, (out.size + AT_A_TIME - 1) // AT_A_TIME, _pack_sums((sums, out)))


@njit(**compiled)
def add_over(amounts, at, divisor, out):
    """out[at[e]] += amounts[e] / divisor[at[e]], or / divisor[0] where there is only one."""
    for e in range(at.size):
        out[at[e]] += amounts[e] / (divisor[0] if divisor.size == 1 else divisor[at[e]])


@njit(**compiled)
def move(source, at, target, to):
    """target[to[e]] = source[at[e]]."""
    for e in range(at.size):
        target[to[e]] = source[at[e]]


@njit(**compiled)
def sum_products(rates, rate, factors, sum_of, sums):
    """sums[sum_of[t]] += rates[rate[t]] * factors[t] of each term t in turn, from 0.

    A rate counts where the factor is not 0; elsewhere it may be NaN.

    Parameters
    ----------
    rates : (laws, places)
    rate, sum_of : (terms,) the law and the sum of each term
    factors : (terms, places)
    sums : (sums, places)
    """
    sums[:] = 0.0
    for t in range(rate.size):
        of_law, of_term, total = rates[rate[t]], factors[t], sums[sum_of[t]]
        for e in range(total.size):
            added = of_law[e] * of_term[e] if of_term[e] != 0.0 else 0.0
            total[e] += added


@njit(**compiled)
def add_to_voltage_equations(currents, nodes, right):
    """right[nodes[e]] -= currents[e]: outward currents (mA/cm2) in the voltages' equations.

    right: right-hand side of NEURON's equations. nodes: (entries,) row of each entry in them.
    """
    for e in range(nodes.size):
        right[nodes[e]] -= currents[e]


@njit(**compiled)
def set_sums(column, rows, values, added, at):
    """column[rows[e]] = values[e] + added[at[e]]."""
    for e in range(rows.size):
        column[rows[e]] = values[e] + added[at[e]]
