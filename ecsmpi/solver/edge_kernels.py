"""The compiled loops between slabs in one pass; slab_edges.py has the equations."""

from numba import njit

from ecsmpi.kernels.records import INTEGER, NUMBERS
from ecsmpi.solver.bodies import Body, loop_over, passing, reading
from ecsmpi.solver.bodies import run as run_body
from ecsmpi.solver.panel_plans import EDGE
from ecsmpi.solver.plane_kernels import finish_plane, keep_wall
from ecsmpi.solver.row_kernels import add_scaled, compiled, fill, inner

_read_edge = reading(EDGE)


@njit(**inner)
def _put_gaps(first, last, apart, factor, of_own, own, received, wall, q):
    """q = factor (of_own gap of own + gap of received) from voxel ``first`` on to the last."""
    for k in range(first, last + 1, apart):
        q[k] = factor * (of_own * (wall - own[k]) + (wall - received[k]))


@njit(**inner)
def _put_gaps_of_border(edge, own, received, wall, q):
    """In the border: minus what Q is there, so that what is outside has the gaps of both sides.

    own, received: (ny nz,) concentrations before the step. What is outside the last plane has (1 -
    A) 2 Q, less the gaps of the first plane and A times those of the last; what is outside the
    first one has (D - 1) 2 Q, less the gaps of the last plane and D times those of the first.
    """
    ny, nz = edge.ny, edge.nz
    through = edge.d if edge.is_first else edge.a
    factor = 0.5 / (through - 1.0) if edge.is_first else 0.5 / (1.0 - through)
    last_row, end = (ny - 1) * nz, ny * nz - 1
    gaps = own, received, wall, q
    _put_gaps(0, nz - 1, 1, factor, through, *gaps)
    _put_gaps(last_row, end, 1, factor, through, *gaps)
    _put_gaps(0, end, nz, factor, through, *gaps)
    _put_gaps(nz - 1, end, nz, factor, through, *gaps)


@njit(**compiled)
def settle(address, wall, own, before, received, ghost, step, outside):
    """Find what is outside an end of the slab, to be added by `add_outside`.

    address: of the record of an Edge. wall: mM. own, received: the increments of both slabs' own
    solutions at their ends. before, ghost: their concentrations before the step. step: scratch.
    outside: out, 0 in voxels at walls. All are (ny nz,).
    """
    edge = _read_edge(address)
    plane = edge.ny * edge.nz
    sign = 1.0 if edge.is_first else -1.0
    for k in range(plane):
        step[k] = sign * (before[k] - ghost[k])  # after the interface - before it
    fill(outside, 0.0)
    if edge.walls.edges:
        _put_gaps_of_border(edge, before, ghost, wall, outside)
    shape = (edge.ny, edge.nz)
    finish_plane(step.reshape(shape), outside.reshape(shape), edge.lines, edge.walls, edge.scratch)
    a, d = edge.a, edge.d
    for k in range(plane):
        q = 2.0 * outside[k]
        first, last = own[k], received[k]
        if not edge.is_first:
            first, last = last, first
        after = (first + a * last + (1.0 - a) * q) / (1.0 - a * d)
        outside[k] = last + d * after - q if edge.is_first else after
    if edge.walls.edges:
        keep_wall(outside.reshape(shape), 0.0)


_pack, _unpack = passing(INTEGER, NUMBERS, NUMBERS)


def _add_rows(begin, end, thread, arguments):
    """The body of `add_outside`: pieces of ``edge.rows`` y-rows, in all planes that feel it."""
    address, u, outside = _unpack(arguments)
    edge = _read_edge(address)
    plane = edge.ny * edge.nz
    planes = u.size // plane - 2
    for piece in range(begin, end):
        lo, hi = piece * edge.rows * edge.nz, min((piece + 1) * edge.rows, edge.ny) * edge.nz
        for k in range(edge.weight.size):
            i = k if edge.is_first else planes - 1 - k
            at = (i + 1) * plane
            add_scaled(u[at + lo : at + hi], edge.weight[k], outside[lo:hi])


@loop_over(Body(_add_rows))
def add_outside(body, address, u, outside):
    """Add what is outside an end of the slab to the planes that feel it.

    address: of the record of an Edge. u: (n + 2, ny, nz) mM. outside: from `settle`.
    """
    edge = _read_edge(address)
    pieces = (edge.ny + edge.rows - 1) // edge.rows
    run_body(body, pieces, _pack((address, u.reshape(-1), outside)))
