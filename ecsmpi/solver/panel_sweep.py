"""The compiled pass through a slab of uniform tissue: u is read once, and written once.

The factors of a step are the same in any order (where walls are held: held_walls.py), so this one
is z, y, x: all but the way down along y and x is local. panels.py says how the slab is cut,
panel_squares.py has the arithmetic, claims.py says how threads share panels. For each batch of
planes in a panel,

- the rows that are new get their right-hand side, z is solved in them, and y and x upwards, into
  the window; the panel before has solved the panel's first rows so far (``Window.ahead``);
- the rows of the panel that are final get x and y downwards, from rows_ahead rows and planes_ahead
  planes further, and u += d.

A right-hand side reads concentrations that have not changed yet: those of the planes and rows that
are final lie behind. Nothing is allocated. Results do not depend on the number of threads.
"""

from numba import njit

from ecsmpi.kernels.records import INTEGER, NUMBERS
from ecsmpi.solver import claims
from ecsmpi.solver.bodies import Body, loop_over, passing, reading, run
from ecsmpi.solver.entry_kernels import pick
from ecsmpi.solver.panel_plans import PASS_PLAN
from ecsmpi.solver.panel_sources import ask_ahead, ask_for_values, put_sources
from ecsmpi.solver.panel_squares import (
    PLANES_EARLY,
    descend,
    descend_steady,
    finish,
    rise,
    rise_steady,
)
from ecsmpi.solver.row_kernels import copy, fill, inner, move_rows, part_of_caller
from ecsmpi.solver.sizes import STRIP, STRIP_ROWS, TILE

LARGE = 2**19  # voxels of a slab of which much comes from memory rather than from a core's caches


@njit(**inner)
def _fill_patch(u, at, west, east, plane, nz, rows, is_first, patch, stride):
    """Concentrations of three planes in rows that do not fill a tile, and of the row before.

    The other rows of the patch stay 0.
    """
    if not is_first:
        copy(u[at - nz : at], patch[TILE : TILE + nz])
    for j in range(rows):
        here = (j + 1) * stride + TILE
        for begin, block in ((at, 0), (west, TILE + 1), (east, 2 * TILE + 1)):
            row = begin + j * nz
            place = here + block * stride
            copy(u[row : row + nz], patch[place : place + nz])


@njit(**part_of_caller)
def _rise_rows(plan, i, y, rows, is_steady, u, source, tile, of_sources, patch):
    """The right-hand side of rows [y, y + rows) of plane i, at most TILE, and z upwards."""
    n, ny, nz = plan.shape
    plane, width = ny * nz, plan.width
    x, of_y, z = plan.x, plan.y, plan.z
    at = (i + 1) * plane + y * nz
    # beyond the slab nothing is read: r is 0 there
    west = at - plane if i > 0 else at
    east = at + plane if i < n - 1 else at
    early, stride = at + PLANES_EARLY * plane, nz
    row_start, voxel, line = plan.sources.row_start, plan.sources.voxel, i * ny + y
    has_sources = voxel.size > 0 and row_start[line] < row_start[line + rows]
    if has_sources:
        factor = plan.per_source
        put_sources(row_start, voxel, source, factor, line, rows, nz, width, of_sources)
    if rows < TILE:
        stride = width + 2 * TILE
        _fill_patch(u, at, west, east, plane, nz, rows, y == 0, patch, stride)
        u = patch
        at = early = stride + TILE
        west, east = (TILE + 2) * stride + TILE, (2 * TILE + 2) * stride + TILE
    r_x, r_y, r_z, carry = x.before[x.begin], of_y.before[y], z.before[z.begin], z.carry[z.begin]
    for k in range(0, width, TILE):
        if is_steady and z.begin <= k < z.end:
            rise_steady(
                u,
                at + k,
                stride,
                west + k,
                east + k,
                early + k,
                r_x,
                r_y,
                r_z,
                k,
                tile,
                carry,
                of_sources,
                width,
                int(has_sources),
            )
        else:
            rise(
                u,
                at + k,
                stride,
                west + k,
                east + k,
                early + k,
                x.before[i],
                x.after[i],
                y,
                of_y.before,
                of_y.after,
                k,
                z.before,
                z.after,
                tile,
                z.carry,
                z.pivot,
                of_sources,
                width,
                int(has_sources),
            )
    if has_sources:
        put_sources(row_start, voxel, source, 0.0, line, rows, nz, width, of_sources)


@njit(**part_of_caller)
def _descend_rows(plan, i, y, is_steady, tile, under, under_at, window, window_at):
    """z downwards in a tile of rows from y on, and y and x upwards, into the window."""
    x, of_y, z, stride = plan.x, plan.y, plan.z, plan.window.stride
    before, ratio = plan.scratch.before[i], z.ratio[z.begin]
    for k in range(plan.width - TILE, -1, -TILE):
        if is_steady and z.begin <= k < z.end:
            descend_steady(
                tile,
                k,
                ratio,
                before,
                of_y.carry[y],
                x.carry[i],
                under,
                under_at + k,
                window,
                window_at + k,
                stride,
            )
        else:
            descend(
                tile,
                k,
                z.ratio,
                before,
                y,
                of_y.carry,
                of_y.pivot,
                x.carry[i],
                x.pivot[i],
                under,
                under_at + k,
                window,
                window_at + k,
                stride,
            )


@njit(**part_of_caller)
def _go_up(plan, panel, bottom, top, u, source, thread):
    """Take the new rows of a panel, in the planes [bottom, top), into the window."""
    cut, store, scratch = plan.cut, plan.window, plan.scratch
    y0, y1 = cut.start[panel], cut.start[panel + 1]
    begin = y0 if panel == 0 else y0 + cut.rows_ahead
    end = y1 if panel == cut.start.size - 2 else y1 + cut.rows_ahead
    ny, row_start, voxel = plan.shape[1], plan.sources.row_start, plan.sources.voxel
    window, ahead = store.slots_of[thread], store.ahead[panel % store.ahead.shape[0]]
    tile, of_sources, patch = scratch.tile[thread], scratch.source[thread], scratch.patch[thread]
    for i in range(bottom, top):
        if panel == 0:
            fill(scratch.before[i], 0.0)
        slot = (i % store.slots) * store.slot_size
        under = ((i - 1) % store.slots if i > 0 else store.slots) * store.slot_size
        for y in range(begin, end, TILE):
            ask_ahead(row_start, voxel, source, i * ny, y, begin, end, ny)
            steady = plan.x.begin <= i < plan.x.end and plan.y.begin <= y < plan.y.end
            rows = min(TILE, end - y)
            _rise_rows(plan, i, y, rows, steady, u, source, tile, of_sources, patch)
            if y < y1:
                row = (y - y0) * store.stride
                _descend_rows(plan, i, y, steady, tile, window, under + row, window, slot + row)
            else:
                row = i * store.ahead_size + (y - y1) * store.stride
                _descend_rows(plan, i, y, steady, tile, ahead, row, ahead, row + store.ahead_size)


@njit(**inner)
def _move_corner(u, at, plane, nz, planes, rows, columns, corner, is_back):
    """What a strip has in u, to the corner or back: some rows and columns of some planes."""
    for q in range(planes):
        here, there = at + q * plane, q * STRIP_ROWS * STRIP
        if is_back:
            move_rows(rows, columns, corner, there, STRIP, u, here, nz)
        else:
            move_rows(rows, columns, u, here, nz, corner, there, STRIP)


@njit(**part_of_caller)
def _solved_up(plan, panel, y, first, thread):
    """Where row y has been solved upwards: array, place of plane ``first``, how planes follow.

    These are the thread's window for the panel's own rows, and otherwise what the panel before has
    left, or what this one leaves to the next. Plane i is in slot i - slot_of, or ``slots`` before.
    """
    cut, store = plan.cut, plan.window
    y0, y1 = cut.start[panel], cut.start[panel + 1]
    new = y0 if panel == 0 else y0 + cut.rows_ahead
    buffers = store.ahead.shape[0]
    array, at, slot_size = store.slots_of[thread], (y - y0) * store.stride, store.slot_size
    slot_of, slots = first // store.slots * store.slots, store.slots
    if y >= y1 or y < new:
        array = store.ahead[panel % buffers if y >= y1 else (panel - 1) % buffers]
        row = y - y1 if y >= y1 else y - y0
        at, slot_size = store.ahead_size + row * store.stride, store.ahead_size
        slot_of, slots = 0, plan.shape[0]
    return array, at, slot_of, slots, slot_size


@njit(**part_of_caller)
def _finish_rows(plan, panel, y, rows, is_final, first, final, top, u, thread):
    """x and y downwards in rows [y, y + rows) of the planes [first, top), into u where final."""
    ny, nz = plan.shape[1:]
    plane, store, scratch = ny * nz, plan.window, plan.scratch
    array, at, slot_of, slots, slot_size = _solved_up(plan, panel, y, first, thread)
    above, corner = scratch.above[thread], scratch.corner[thread]
    above_size = above.size // store.slots
    u_at = (first + 1) * plane + y * nz
    for k in range(0, plan.width, STRIP):
        is_inside = not is_final or (rows == STRIP_ROWS and k + STRIP <= nz)
        columns = min(STRIP, nz - k)
        target, target_at, target_plane, target_row = u, u_at + k, plane, nz
        if not is_inside:
            target, target_at, target_plane, target_row = corner, 0, STRIP_ROWS * STRIP, STRIP
            _move_corner(u, u_at + k, plane, nz, final - first, rows, columns, corner, False)
        finish(
            array,
            at + k,
            slot_of,
            slots,
            slot_size,
            store.stride,
            top,
            final,
            first,
            plan.x.ratio,
            above,
            k,
            above_size,
            y,
            plan.y.ratio,
            target,
            target_at,
            target_plane,
            target_row,
            int(is_final),
            int(u.size > LARGE),
        )
        if not is_inside:
            _move_corner(u, u_at + k, plane, nz, final - first, rows, columns, corner, True)


@njit(**part_of_caller)
def _come_down(plan, panel, first, final, top, u, values, thread):
    """Make the planes [first, final) of a panel final, by the way down from ``top``."""
    ny, nz = plan.shape[1:]
    plane, cut, above = ny * nz, plan.cut, plan.scratch.above[thread]
    y0, y1 = cut.start[panel], cut.start[panel + 1]
    end = y1 if panel == cut.start.size - 2 else y1 + cut.rows_ahead
    row_start, voxel = plan.sources.row_start, plan.sources.voxel
    fill(above[: (final - first) * (above.size // plan.window.slots)], 0.0)
    y = (end - 1) // STRIP_ROWS * STRIP_ROWS
    while y >= y0:
        rows, is_final = min(STRIP_ROWS, ny - y), y < y1
        if is_final and voxel.size:
            for i in range(first, final):
                ask_for_values(row_start, voxel, values, i * ny + y, rows)
        _finish_rows(plan, panel, y, rows, is_final, first, final, top, u, thread)
        if is_final and voxel.size:
            for i in range(first, final):
                line = i * ny + y
                pick(row_start[line], row_start[line + rows], voxel, u, plane, values)
        y -= STRIP_ROWS


_read_plan = reading(PASS_PLAN)
_pack, _unpack = passing(INTEGER, NUMBERS, NUMBERS, NUMBERS)


def _sweep_panels(begin, end, thread, arguments):
    """The body of `sweep`: panel after panel, as long as one is not claimed."""
    address, u, source, values = _unpack(arguments)
    plan = _read_plan(address)
    cut, progress = plan.cut, plan.scratch.progress
    n = plan.shape[0]
    panel = claims.claim(progress)
    while panel < cut.start.size - 1:
        first = bottom = batches = 0
        while bottom < n:
            top = min(n, bottom + cut.batch)
            batches += 1
            if panel > 0:
                claims.wait_for(progress, panel - 1, batches)
            _go_up(plan, panel, bottom, top, u, source, thread)
            final = n if top == n else max(first, top - cut.planes_ahead)
            if final > first:
                _come_down(plan, panel, first, final, top, u, values, thread)
            claims.tell(progress, panel, batches)
            first, bottom = final, top
        panel = claims.claim(progress)


@loop_over(Body(_sweep_panels))
def sweep(body, address, u, source, values):
    """One step of a slab as if nothing were outside it.

    address: of the record of a PassPlan. u: (n + 2, ny, nz) mM. source: (sources,) mM times the
    volume fraction. values: (sources,) what u has become in the voxels of the sources.
    """
    plan = _read_plan(address)
    claims.forget(plan.scratch.progress)
    run(body, plan.cut.start.size - 1, _pack((address, u.reshape(-1), source, values)))
