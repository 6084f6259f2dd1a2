"""The compiled loops that finish a plane whose x is solved: y, then z, then u.

y is vectorised over contiguous z. z-lines are solved side by side, a tile of rows at a time while
it is in cache (tiles.py). Planes whose z-lines are so short that they would leave tiles empty are
finished by short_lines.py.
"""

from numba import njit

from ecsmpi.solver.registers import TILE
from ecsmpi.solver.row_kernels import (
    add_scaled,
    carry_row,
    copy,
    fill,
    gap_to,
    inner,
    part_of_caller,
    scale_row,
)
from ecsmpi.solver.tiles import add_solved


@njit(**inner)
def _up_y(d, carry, pivot):
    """Elimination of all y-lines of a plane, vectorised over contiguous z."""
    scale_row(d[0], pivot[0])
    for y in range(1, d.shape[0]):
        carry_row(d[y], d[y - 1], carry[y], pivot[y])


@njit(**inner)
def _down_y(y0, y1, d, ratio):
    """Substitution of all y-lines of a plane from row y1 - 1 down to y0."""
    for y in range(min(y1, d.shape[0] - 1) - 1, y0 - 1, -1):
        add_scaled(d[y], ratio[y], d[y + 1])


@njit(**part_of_caller)
def _add_solved_rows(d, u, carry, pivot, ratio, scratch):
    """`add_solved` of TILE rows, or of fewer: zeros fill the tile.

    scratch: as `add_solved` takes it, and two tiles of rows.
    """
    rows, nz = d.shape
    f, total, own = d.reshape(-1), u.reshape(-1), scratch.size - 2 * TILE * nz
    if rows < TILE:
        f, total = scratch[own : own + TILE * nz], scratch[own + TILE * nz :]
        copy(d.reshape(-1), f)
        copy(u.reshape(-1), total)
        fill(f[rows * nz :], 0.0)
    add_solved(f, total, nz, carry, pivot, ratio, scratch[:own])
    if rows < TILE:
        copy(total[: rows * nz], u.reshape(-1))


@njit(**inner)
def aim_rows_at_wall(d, u, wall):
    """d = wall - u in the first and last rows of a plane, which are held at ``wall``."""
    ny = d.shape[0]
    gap_to(wall, u[0], d[0])
    gap_to(wall, u[ny - 1], d[ny - 1])


@njit(**inner)
def _aim_ends_at_wall(d, u, wall):
    for y in range(d.shape[0]):
        d[y, 0] = wall - u[y, 0]
        d[y, -1] = wall - u[y, -1]


@njit(**inner)
def keep_wall(u, wall):
    """u = wall in the border of a plane, to the last bit."""
    ny, nz = u.shape
    fill(u[0], wall)
    fill(u[ny - 1], wall)
    for y in range(ny):
        u[y, 0] = wall
        u[y, nz - 1] = wall


@njit(**part_of_caller)
def finish_plane(d, u, lines, walls, scratch):
    """Solve y, then z, in one plane and add the increment to u.

    d, u: (ny, nz). lines, walls: PlaneLines and Walls of sweep_plans.py. z follows y by a tile of
    rows, while they are in cache. The y-substitution needs the rows above as y left them, so z
    works in scratch and leaves d alone.
    """
    y, z, wall = lines.y, lines.z, walls.value
    ny = d.shape[0]
    if walls.edges:
        aim_rows_at_wall(d, u, wall)
    if ny > 1:
        _up_y(d, y.carry, y.pivot)
    y1 = ny
    while y1 > 0:
        y0 = max(0, y1 - TILE)
        _down_y(y0, y1, d, y.ratio)
        if walls.edges:
            _aim_ends_at_wall(d[y0:y1], u[y0:y1], wall)
        _add_solved_rows(d[y0:y1], u[y0:y1], z.carry, z.pivot, z.ratio, scratch)
        y1 = y0
    if walls.edges:
        keep_wall(u, wall)
