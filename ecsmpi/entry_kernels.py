"""The compiled loops of the exchange: entries (segments, watched voxels) to voxels and back.

Arrays in, arrays out, nothing allocated.
"""

from numba import njit

compiled = dict(cache=True, nogil=True, error_model="numpy")


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
