"""The compiled loops over border voxels that are held at a wall; held_walls.py has the equations.

They take a slab plane by plane. Concentrations ``u`` are (n + 2, ny, nz), with a ghost plane on
either side.
"""

from numba import njit

from ecsmpi.kernels.records import INTEGER, PLANES
from ecsmpi.solver.bodies import Body, loop_over, passing, reading, run
from ecsmpi.solver.panel_plans import BORDER_PLAN
from ecsmpi.solver.plane_kernels import keep_wall
from ecsmpi.solver.row_kernels import fill, gap_to, inner

_read_plan = reading(BORDER_PLAN)
_pack, _unpack = passing(INTEGER, PLANES)


@njit(**inner)
def _is_wall(walls, i, n):
    """Whether plane i of n is the box's first or last one."""
    return (i == 0 and walls.first_last[0]) or (i == n - 1 and walls.first_last[1])


@njit(**inner)
def _go_half_way(u, wall):
    """u = the mean of u and the wall in a plane, and the wall in its border; whether u was off."""
    is_off = False
    for y in range(u.shape[0]):
        for k in range(u.shape[1]):
            is_off |= u[y, k] != wall
            u[y, k] = 0.5 * (u[y, k] + wall)
    keep_wall(u, wall)
    return is_off


@njit(**inner)
def _gaps_of_border(u, wall, rows, ends):
    """The gaps in the border of a plane; whether one is not 0."""
    ny, nz = u.shape
    is_off = False
    for side in range(2):
        gap_to(wall, u[side * (ny - 1)], rows[side])
        for k in range(nz):
            is_off |= rows[side, k] != 0.0
    for y in range(ny):
        first, last = wall - u[y, 0], wall - u[y, nz - 1]
        is_off |= first != 0.0 or last != 0.0
        ends[y, 0], ends[y, 1] = first, last
    for side in range(2):
        ends[0, side] = ends[ny - 1, side] = 0.0
    return is_off


def _find_gaps_of_planes(begin, end, thread, arguments):
    """The body of `find_gaps`."""
    address, u = _unpack(arguments)
    plan = _read_plan(address)
    walls, n = plan.walls, plan.is_off.size
    for i in range(begin, end):
        if i == 0 and plan.ghosts[0]:
            _go_half_way(u[0], walls.value)
        if i == n - 1 and plan.ghosts[1]:
            _go_half_way(u[n + 1], walls.value)
        rows, ends = plan.rows[i], plan.ends[i]
        if _is_wall(walls, i, n):
            plan.is_off[i] = _go_half_way(u[i + 1], walls.value)
            fill(rows.reshape(-1), 0.0)
            fill(ends.reshape(-1), 0.0)
        else:
            plan.is_off[i] = _gaps_of_border(u[i + 1], walls.value, rows, ends)


@loop_over(Body(_find_gaps_of_planes))
def find_gaps(body, address, u):
    """Fill the gaps of a BorderPlan, and put the box's first and last planes half way to the wall.

    address: of the plan's record. u: (n + 2, ny, nz) mM.
    """
    run(body, _read_plan(address).is_off.size, _pack((address, u)))


@njit(**inner)
def _across_x(gaps, i, j, k, rx):
    """(1 - Ax/2) of gaps (n, ., .), which are 0 beyond the slab."""
    before = gaps[i - 1, j, k] if i > 0 else 0.0
    after = gaps[i + 1, j, k] if i < gaps.shape[0] - 1 else 0.0
    return (1.0 + rx) * gaps[i, j, k] - 0.5 * rx * (before + after)


@njit(**inner)
def _aim_border(u, i, rows, ends, rx, ry):
    """Add half of what the gaps become by (1 - Ax/2), and by (1 - Ay/2), to a plane's border."""
    ny, nz = u.shape
    for side in range(2):
        row = u[side * (ny - 1)]
        for k in range(nz):
            row[k] += 0.5 * _across_x(rows, i, side, k, rx)
        before, here = 0.0, _across_x(ends, i, min(1, ny - 1), side, rx)
        for y in range(1, ny - 1):
            after = _across_x(ends, i, y + 1, side, rx)
            gap = (1.0 + ry) * here - 0.5 * ry * (before + after)
            u[y, side * (nz - 1)] += 0.5 * gap
            before, here = here, after


def _aim_planes(begin, end, thread, arguments):
    """The body of `aim`."""
    address, u = _unpack(arguments)
    plan = _read_plan(address)
    for i in range(begin, end):
        if not _is_wall(plan.walls, i, plan.is_off.size):
            _aim_border(u[i + 1], i, plan.rows, plan.ends, plan.r[0], plan.r[1])


@loop_over(Body(_aim_planes))
def aim(body, address, u):
    """Put the border of the other planes where its way to the wall is in the right-hand side.

    address: of the record of a BorderPlan, whose gaps have been found. u: (n + 2, ny, nz) mM.
    """
    run(body, _read_plan(address).is_off.size, _pack((address, u)))


def _hold_planes(begin, end, thread, arguments):
    """The body of `hold`."""
    address, u = _unpack(arguments)
    plan = _read_plan(address)
    walls = plan.walls
    for i in range(begin, end):
        if _is_wall(walls, i, plan.is_off.size):
            fill(u[i + 1].reshape(-1), walls.value)
        else:
            keep_wall(u[i + 1], walls.value)


@loop_over(Body(_hold_planes))
def hold(body, address, u):
    """u = the wall in all border voxels. address: of the record of a BorderPlan."""
    run(body, _read_plan(address).is_off.size, _pack((address, u)))
