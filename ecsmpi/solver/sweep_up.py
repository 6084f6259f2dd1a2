"""The compiled sweep up through a slab of uniform tissue: right-hand side and elimination along x.

Concentrations of a slab of ``n`` planes lie in ``u`` of shape (n + 2, ny, nz), z contiguous, with a
ghost plane on either side; the increments ``d`` have no ghosts:

    u plane     0       1   2  ...  n     n+1
              ghost  |    the slab    |  ghost
    d plane             0   1  ... n-1

One step solves (1 - Ax/2)(1 - Ay/2)(1 - Az/2) d = (Ax + Ay + Az) u + s and adds d to u. Along a
line

    diagonal[i] x[i] = f[i] + lower[i] x[i-1] + upper[i] x[i+1]

is eliminated upwards, b[i] = (f[i] + lower[i] b[i-1]) pivot[i], and substituted downwards, x[i] =
b[i] + ratio[i] x[i+1]; see tridiagonal.py for these numbers. `eliminate` goes up through the planes
and makes the right-hand side on its way; sweep_down.py comes down. Threads share the rows of a
plane, so that the result does not depend on how many there are. Nothing is allocated.
"""

from numba import njit

from ecsmpi.kernels.records import INTEGER, NUMBERS
from ecsmpi.solver.bodies import Body, loop_over, passing, reading, run
from ecsmpi.solver.entry_kernels import pick
from ecsmpi.solver.row_kernels import (
    add_scaled,
    compiled,
    fill,
    gap_to,
    inner,
    part_of_caller,
    scale_row,
    scaled,
    second_differences,
    up_row,
)
from ecsmpi.solver.sweep_plans import UP_PLAN


@njit(**part_of_caller)
def _increment_rows(i, y0, y1, shape, u, stencil, d, below, lower, pivot):
    """d = ((Ax + Ay + Az) u + lower d[below]) pivot for y-rows [y0, y1) of plane i.

    u, d: flat in memory, as to make rows of them takes a while where these are short. below: a
    plane of d. ``stencil.strip`` rows of memory are made at a time.
    """
    _, ny, nz = shape
    r, rz, strip = stencil.r, stencil.rz, stencil.strip
    plane, y = ny * nz, y0
    while y < y1:
        end = y + 1 if y == 0 or y == ny - 1 else min(y + strip, y1, ny - 1)
        size, at = (end - y) * nz, (i + 1) * plane + y * nz
        south = at - nz if y > 0 else at  # beyond the border, the same again: nothing flows
        north = at + nz if end < ny else at
        here, under = i * plane + y * nz, below * plane + y * nz
        second_differences(
            r[0],
            r[1],
            rz[: size + 1],
            u[at - 1 : at + size + 1],
            u[at - plane : at - plane + size],
            u[at + plane : at + plane + size],
            u[south : south + size],
            u[north : north + size],
            d[under : under + size],
            lower,
            pivot,
            d[here : here + size],
        )
        y = end


@njit(**inner)
def _add_sources(begin, end, voxel, source, scale, out):
    for e in range(begin, end):
        out[voxel[e]] += scale * source[e]


_read_plan = reading(UP_PLAN)
_pack, _unpack = passing(INTEGER, NUMBERS, NUMBERS)


def _eliminate_rows(begin, end, thread, arguments):
    """The body of `eliminate`: pieces of ``plan.rows`` y-rows, in all planes."""
    address, u, source = _unpack(arguments)
    plan = _read_plan(address)
    shape, d, first, rows = plan.shape, plan.d, plan.first, plan.rows
    blocks, stencil, walls = plan.blocks, plan.stencil, plan.walls
    start, lower, pivot, weight = blocks.start, blocks.lower, blocks.pivot, blocks.weight
    voxel, row_start = plan.sources.voxel, plan.sources.row_start
    held, scale = walls.first_last, plan.per_volume_fraction
    n, ny, nz = shape
    plane = ny * nz
    for piece in range(begin, end):
        y0, y1 = piece * rows, min((piece + 1) * rows, ny)
        lo, hi = y0 * nz, y1 * nz
        for b in range(start.size - 1):
            block_first = first[b * plane + lo : b * plane + hi]
            for i in range(start[b], start[b + 1]):
                on_wall = (i == 0 and held[0]) or (i == n - 1 and held[1])
                # whether f itself is needed, before the elimination
                separate = on_wall or i - start[b] < blocks.n_weights
                begins = i == start[b]
                below = i if begins else i - 1
                a, p = (0.0, 1.0) if separate else (lower[i], pivot[i])
                f = d[i * plane + lo : i * plane + hi]
                if on_wall:
                    gap_to(walls.value, u[(i + 1) * plane + lo : (i + 1) * plane + hi], f)
                else:
                    if begins:
                        # f is its own `below`, and another species may have left NaN in it
                        fill(f, 0.0)
                    _increment_rows(i, y0, y1, shape, u, stencil, d, below, a, p)
                    _add_sources(
                        row_start[i * ny + y0], row_start[i * ny + y1], voxel, source, p * scale, d
                    )
                if begins:
                    scaled(block_first, weight[i], f)
                    scale_row(f, pivot[i])
                elif separate:
                    add_scaled(block_first, weight[i], f)
                    up_row(f, d[(i - 1) * plane + lo : (i - 1) * plane + hi], lower[i], pivot[i])


@loop_over(Body(_eliminate_rows))
def eliminate(body, address, u, source):
    """Right-hand side and elimination along x, planes ascending, each block by itself.

    address: of the record of an UpPlan. u: (n + 2, ny, nz) mM, ghost planes filled. source:
    (sources,) mM times the volume fraction.
    """
    plan = _read_plan(address)
    pieces = (plan.shape[1] + plan.rows - 1) // plan.rows
    run(body, pieces, _pack((address, u.reshape(-1), source)))


@njit(**compiled)
def add_sources(u, voxel, source, scale, values):
    """u += scale * source in some voxels, for a species that does not diffuse; values: u there."""
    concentrations = u[1:-1].reshape(-1)
    _add_sources(0, voxel.size, voxel, source, scale, concentrations)
    pick(0, voxel.size, voxel, concentrations, 0, values)
