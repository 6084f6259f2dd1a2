"""The compiled loops of the exchange: entries (segments, watched voxels) to voxels and back.

Arrays in, arrays out, nothing allocated.
"""

import numpy as np
from numba import njit

compiled = dict(cache=True, nogil=True, error_model="numpy")

UNITS = (2.0**-10, 2.0**-50, 2.0**-90)  # mM/ms that one of each limb is worth
LIMBS = 4  # these three, and the number of amounts that they cannot hold
LARGEST = 2.0**29  # mM/ms


@njit(**compiled)
def take_scaled(values, index, factor, out):
    """out[e] = factor[e] * values[index[e]]."""
    for e in range(index.size):
        out[e] = factor[e] * values[index[e]]


@njit(**compiled)
def add_scaled(values, index, factor, weight, out):
    """out[e] += weight * factor[e] * values[index[e]]."""
    for e in range(index.size):
        out[e] += weight * (factor[e] * values[index[e]])


@njit(**compiled)
def put(values, index, out):
    """out[index[e]] = values[e]."""
    for e in range(index.size):
        out[index[e]] = values[e]


@njit(**compiled)
def sum_by_voxel(amounts, order, start, out):
    """out[v, f] = sum of amounts[f, order[e]] over the entries e of voxel v, in their order."""
    fields = amounts.shape[0]
    for v in range(start.size - 1):
        for f in range(fields):
            total = 0.0
            for e in range(start[v], start[v + 1]):
                total += amounts[f, order[e]]
            out[v, f] = total


@njit(**compiled)
def add_at(received, target, scale, out):
    """out[f, target[e]] = scale * sum of received[e, f], in the order received."""
    out[:] = 0.0
    for e in range(target.size):
        for f in range(out.shape[0]):
            out[f, target[e]] += scale * received[e, f]


@njit(**compiled)
def pick(concentrations, voxel, out):
    """out[e] = concentrations[voxel[e]] for flat concentrations."""
    for e in range(voxel.size):
        out[e] = concentrations[voxel[e]]


@njit(**compiled)
def spread(values, target, out):
    """out[e, f] = values[f, target[e]]."""
    for e in range(target.size):
        for f in range(values.shape[0]):
            out[e, f] = values[f, target[e]]


@njit(**compiled)
def gather_entries(values, slot, out):
    """out[f, e] = values[slot[e], f]."""
    for f in range(out.shape[0]):
        for e in range(slot.size):
            out[f, e] = values[slot[e], f]


@njit(**compiled)
def _add_limbs(amount, limbs):
    """Add an amount, exactly but for what is under half a unit of the last limb."""
    if not abs(amount) < LARGEST:
        limbs[3] += 1
        return
    for part in range(3):
        whole = np.rint(amount / UNITS[part])
        limbs[part] += np.int64(whole)
        amount -= whole * UNITS[part]


@njit(**compiled)
def sum_limbs_by_voxel(amounts, order, start, out):
    """As sum_by_voxel, in limbs: out (voxels, fields, LIMBS)."""
    out[:] = 0
    for v in range(start.size - 1):
        for f in range(amounts.shape[0]):
            for e in range(start[v], start[v + 1]):
                _add_limbs(amounts[f, order[e]], out[v, f])


@njit(**compiled)
def add_limbs_at(received, target, scale, limbs, out):
    """As add_at, of limbs (entries, fields, LIMBS), summed in ``limbs`` (fields, voxels, LIMBS)."""
    limbs[:] = 0
    for e in range(target.size):
        for f in range(out.shape[0]):
            for part in range(LIMBS):
                limbs[f, target[e], part] += received[e, f, part]
    for f in range(out.shape[0]):
        for v in range(out.shape[1]):
            high, middle, low, lost = limbs[f, v]
            total = (low * UNITS[2] + middle * UNITS[1]) + high * UNITS[0]
            out[f, v] = np.nan if lost else scale * total
