"""The compiled sweep down through a slab of uniform tissue: substitution along x, then y and z.

Each plane is substituted along x, x[i] = b[i] + ratio[i] x[i+1]. As soon as that is final, y and z
are solved in the plane while it is in cache, and the increment is added to u. Memory is laid out as
in sweep_up.py. Threads share the rows, and then the planes, of a batch of planes, so that the
result does not depend on how many there are. Nothing is allocated.
"""

from ecsmpi.kernels.records import INTEGER, NUMBERS, PLANES
from ecsmpi.solver.bodies import Body, Loop, copy_with, passing, reading, run
from ecsmpi.solver.entry_kernels import pick
from ecsmpi.solver.plane_kernels import finish_plane
from ecsmpi.solver.row_kernels import add_scaled, fill
from ecsmpi.solver.short_lines import finish_plane_of_short_lines
from ecsmpi.solver.sweep_plans import DOWN_PLAN

_read_plan = reading(DOWN_PLAN)
_pack_rows, _unpack_rows = passing(INTEGER, INTEGER, INTEGER, NUMBERS)


def _substitute_rows(begin, end, thread, arguments):
    """A body of `substitute`: x in pieces of ``plan.rows`` y-rows, in the planes [bottom, top)."""
    address, bottom, top, d = _unpack_rows(arguments)
    plan = _read_plan(address)
    left, right, rows, blocks = plan.left, plan.right, plan.rows, plan.blocks
    start, ratio, reach = blocks.start, blocks.ratio, blocks.reach
    _, ny, nz = plan.d.shape
    plane = ny * nz
    for piece in range(begin, end):
        lo, hi = piece * rows * nz, min((piece + 1) * rows, ny) * nz
        b = start.size - 2
        for i in range(top - 1, bottom - 1, -1):
            while i < start[b]:
                b -= 1
            x, outside = d[i * plane + lo : i * plane + hi], slice(b * plane + lo, b * plane + hi)
            if i == start[b + 1] - 1:
                add_scaled(x, ratio[i], right[outside])
            else:
                add_scaled(x, ratio[i], d[(i + 1) * plane + lo : (i + 1) * plane + hi])
            if i - start[b] < blocks.n_reach:
                add_scaled(x, reach[i], left[outside])


_pack_planes, _unpack_planes = passing(INTEGER, INTEGER, PLANES, NUMBERS, NUMBERS)


def _finish_planes(begin, end, thread, arguments):
    """A body of `substitute`: y and z of planes from ``bottom`` on."""
    address, bottom, u, flat, values = _unpack_planes(arguments)
    plan = _read_plan(address)
    d, walls, scratch = plan.d, plan.walls, plan.scratch
    row_start, held = plan.sources.row_start, walls.first_last
    n, ny, nz = d.shape
    for i in range(bottom + begin, bottom + end):
        if (i == 0 and held[0]) or (i == n - 1 and held[1]):
            fill(u[i + 1].reshape(-1), walls.value)
        else:
            finish_plane(d[i], u[i + 1], plan.lines, walls, scratch[thread])
        first, last = row_start[i * ny], row_start[(i + 1) * ny]
        pick(first, last, plan.sources.voxel, flat, ny * nz, values)


def _substitute(of_rows, of_planes, address, u, values):
    """Substitution along x, planes descending, with y, z and the update of u in each batch.

    address: of the record of a DownPlan. u: (n + 2, ny, nz) mM. values: (sources,) what u has
    become in the voxels of the sources.
    """
    plan = _read_plan(address)
    n, ny, _ = plan.d.shape
    pieces = (ny + plan.rows - 1) // plan.rows
    top, reached = n, n
    while top > 0:
        bottom = max(0, top - plan.batch)
        # x is a plane ahead: it needs the plane above as x left it, before y and z
        ahead = max(0, bottom - 1)
        run(of_rows, pieces, _pack_rows((address, ahead, reached, plan.d.reshape(-1))))
        reached = ahead
        planes = _pack_planes((address, bottom, u, u.reshape(-1), values))
        run(of_planes, top - bottom, planes)
        top = bottom


_finish_planes_of_short_lines = copy_with(
    _finish_planes, {"finish_plane": finish_plane_of_short_lines}, "_of_short_lines"
)
_ROWS = Body(_substitute_rows)
substitute = Loop(_substitute, _ROWS, Body(_finish_planes))
substitute_short_lines = Loop(_substitute, _ROWS, Body(_finish_planes_of_short_lines))
