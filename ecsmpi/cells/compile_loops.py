"""Compile the loops at segments, or read them from the cache, before a run needs them.

numba compiles a loop for the types of its arguments. So each loop is called once with arrays of one
element, of the types that a run has.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.kernels.calls import kernels_of
from ecsmpi.solver.sizes import LIMBS

entry_kernels = kernels_of("ecsmpi.solver.entry_kernels")
kernels = kernels_of("ecsmpi.cells.nernst")


def compile_exchange(exact: bool, blocked: bool) -> None:
    """Compile the loops of an `exchange.Exchange`.

    Parameters
    ----------
    exact : the loops of `ExactExchange`
    blocked : the loops for more entries than a core's cache holds
    """
    rows = np.zeros(1, dtype=np.uint32)
    none = np.zeros(0, dtype=np.uint32)
    bounds = np.array([0, 1], dtype=np.uint32)
    alike = np.zeros(1, dtype=bool)
    values, factor, out = np.zeros((3, 1))
    received, sums = np.zeros((2, 1, 1))
    kernels.nernst(*np.ones((3, 1)), 1.0)
    entry_kernels.pick_served(sums, rows, received)
    entry_kernels.scatter_in_turn(values, rows, bounds, alike, out)
    entry_kernels.scatter_entries(values, rows, out, rows)
    if blocked:
        entry_kernels.scatter_entries_in_blocks(values, rows, bounds, bounds, out, rows)
    if exact:
        limbs = np.zeros((1, LIMBS), dtype=np.int64)
        entry_kernels.add_limbs_by_voxel(
            values, none, factor, rows, bounds, bounds, bounds, 1.0, True, limbs
        )
        entry_kernels.add_limbs_at(limbs, rows, limbs.copy(), out)
        return
    if blocked:
        entry_kernels.add_by_voxel_in_blocks(
            values, rows, factor, rows, bounds, alike, bounds, bounds, 1.0, True, out
        )
    entry_kernels.add_at(received, rows, sums)
    entry_kernels.add_in_turn(values, factor, rows, bounds, alike, 1.0, out)
    entry_kernels.add_by_voxel(
        values, rows, factor, rows, bounds, alike, bounds, bounds, 1.0, True, out
    )


def compile_membrane_reactions() -> None:
    """Compile the loops of `MembraneReactionPlan` and of `voxel_copies.VoxelCopies`."""
    at = np.zeros(1, dtype=np.int64)
    rows = np.zeros(1, dtype=np.uint32)
    one, two, out = np.ones((3, 1))
    entry_kernels.move(one, at, out, at)
    table = np.ones((1, 1))
    entry_kernels.sum_products(table, at, table, at, np.ones((1, 1)))
    entry_kernels.add_to_voltage_equations(one, at, out)
    entry_kernels.set_sums(out, at, one, two, at)
    entry_kernels.add_over(one, rows, two, out)
