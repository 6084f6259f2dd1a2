"""Blocks of eight places in the compiled code of reactions: read, solved and written.

A block's numbers lie in a thread's scratch memory, a row of LANES doubles for each field:

    row 0         field 0 at the places of the block
    row 1         field 1
    ...
    further rows  rates, or the linear systems, by rows of these

The last block of a piece may have fewer places than lanes. Its other lanes then repeat the last
place, and are not written back.
"""

from numba import njit

from ecsmpi.reactions.lanes import LANES, anywhere, fabs, fma, load, select, store
from ecsmpi.solver.row_kernels import inner


@njit(**inner)
def gather(fields, count, start, stop, scratch):
    """Copy the fields at the places from ``start`` on into the first rows of ``scratch``.

    Parameters
    ----------
    fields : pointer to (count,) pointers to doubles
    start, stop : where the block begins and where its piece ends
    scratch : pointer to (rows, LANES) doubles
    """
    if start + LANES <= stop:
        for k in range(count):
            store(scratch, k * LANES, load(fields[k], start))
    else:
        for k in range(count):
            field = fields[k]
            for i in range(LANES):
                scratch[k * LANES + i] = field[min(start + i, stop - 1)]


@njit(**inner)
def scatter(scratch, row, values, start, stop):
    """Copy a row of ``scratch`` to the places of an array from ``start`` on, before ``stop``."""
    if start + LANES <= stop:
        store(values, start, load(scratch, row * LANES))
    else:
        for i in range(stop - start):
            values[start + i] = scratch[row * LANES + i]


@njit(**inner)
def solve(scratch, first, count):
    """Solve a linear system in each lane by Gaussian elimination with partial pivoting, in place.

    Its entries are rows of ``scratch`` from ``first`` on, (count, count + 1) of them: the matrix
    and, in the last column, the right-hand side, which becomes the solution. Equations change
    places by selection, lane by lane, where a lower one has the larger entry.
    """
    width = (count + 1) * LANES
    begin = first * LANES
    for j in range(count):
        pivot_row = begin + j * width
        for i in range(j + 1, count):
            row = begin + i * width
            swaps = fabs(load(scratch, row + j * LANES)) > fabs(
                load(scratch, pivot_row + j * LANES)
            )
            if anywhere(swaps):
                for c in range(j * LANES, width, LANES):
                    upper = load(scratch, pivot_row + c)
                    lower = load(scratch, row + c)
                    store(scratch, pivot_row + c, select(swaps, lower, upper))
                    store(scratch, row + c, select(swaps, upper, lower))
        inverse = 1.0 / load(scratch, pivot_row + j * LANES)
        for i in range(j + 1, count):
            row = begin + i * width
            factor = -load(scratch, row + j * LANES) * inverse
            for c in range((j + 1) * LANES, width, LANES):
                value = fma(factor, load(scratch, pivot_row + c), load(scratch, row + c))
                store(scratch, row + c, value)
    for j in range(count - 1, -1, -1):
        row = begin + j * width
        value = load(scratch, row + count * LANES)
        for c in range(j + 1, count):
            solution = load(scratch, begin + c * width + count * LANES)
            value = fma(-load(scratch, row + c * LANES), solution, value)
        store(scratch, row + count * LANES, value / load(scratch, row + j * LANES))
