"""The compiled loops between blocks of lines: arrays in, arrays out, nothing allocated.

Numbers of the equations are (..., 1) where they are the same for all lines, otherwise (..., lines).
"""

from numba import njit

from ecsmpi.solver.row_kernels import compiled, fill


@njit(**compiled)
def join_pair(received, own, ratio, factor, out):
    """out = (received + ratio * own) * factor: one interface, all its lines."""
    each = ratio.size > 1
    for m in range(out.size):
        k = m if each else 0
        out[m] = (received[m] + ratio[k] * own[m]) * factor[k]


@njit(**compiled)
def join_blocks(first, last, left, right, from_left, through, pivot, ratio, carry):
    """Find the solution just outside each block, for some lines.

    first, last: (blocks, lines) each block's own solution at its ends, overwritten. left, right:
    (blocks, lines) out. The other arguments, (blocks, 1) or (blocks, lines), are the numbers of
    tridiagonal.eliminated.
    """
    blocks, lines = first.shape
    each = from_left.shape[1] > 1
    for p in range(1, blocks):
        for m in range(lines):
            k = m if each else 0
            first[p, m] = (first[p, m] + from_left[p, k] * last[p - 1, m]) * pivot[p, k]
            last[p, m] += through[p, k] * (last[p - 1, m] + ratio[p - 1, k] * first[p, m])
    fill(left[0], 0.0)
    fill(right[blocks - 1], 0.0)
    for p in range(blocks - 1, 0, -1):
        for m in range(lines):
            k = m if each else 0
            if p + 1 < blocks:
                first[p, m] += carry[p, k] * first[p + 1, m]
            left[p, m] = last[p - 1, m] + ratio[p - 1, k] * first[p, m]
            right[p - 1, m] = first[p, m]
