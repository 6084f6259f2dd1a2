"""The compiled sweep up through a slab of heterogeneous tissue.

Voxels are counted flat: along x, y, z the next one is ``ny nz``, ``nz`` and 1 further on. With the
capacity a of a voxel (its volume fraction) and the conductance M of a face, each half step
multiplied by a is symmetric,

    (a + s M_below + s M_above) x[m] - s M_below x[m - 1] - s M_above x[m + 1] = a f[m]

with s = D dt / (2 h2). M has the face below each voxel, and so that above it a stride further on; a
closed face conducts nothing, so that no sweep needs to know where lines end. With p the inverse
pivots, lines are eliminated upwards,

    b[m] = (a f[m] + s M_below b[m - 1]) p[m]

and substituted downwards, x[m] = b[m] + s M_above p[m] x[m + 1] (heterogeneous_down.py).
Concentrations ``u`` have a ghost plane on either side. Threads share the rows of a plane. Nothing
is allocated.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from ecsmpi.kernels.records import INTEGER, NUMBERS
from ecsmpi.solver.bodies import Body, loop_over, passing, reading, run
from ecsmpi.solver.entry_kernels import pick
from ecsmpi.solver.heterogeneous_plans import UP_PLAN
from ecsmpi.solver.row_kernels import compiled, copy, fill, fma, inner


@njit(**compiled)
def pivots(diagonal, face, s, stride, out):
    """out = inverse pivots of lines that begin at the first ``stride`` voxels.

    A face of zero begins another line. diagonal: (voxels,) the capacities, plus the
    implicit half of the baths along this axis (`borders.BorderVoxels.diagonal`). face: (voxels +
    stride,).
    """
    for m in range(min(stride, out.size)):
        out[m] = 1.0 / (diagonal[m] + s * (face[m] + face[m + stride]))
    for m in range(stride, out.size):
        below = s * face[m]
        out[m] = 1.0 / (
            diagonal[m] + below + s * face[m + stride] - below * below * out[m - stride]
        )


class RowAround(NamedTuple):
    """Values in a row of memory and around it: u of voxels, or M of the faces between them.

    Of voxels, centre has one more at either end. Of faces, centre has those along z: of each voxel
    the face below it, and one more at the end.
    """

    centre: np.ndarray
    west: np.ndarray
    east: np.ndarray
    south: np.ndarray
    north: np.ndarray


@njit(**inner)
def _fluxes(u, face, s, below, pivot, out):
    """out = (2 s sum of M (u_neighbour - u) + sx M_west below) pivot in a row of memory.

    u, face: RowAround. s: along x, y, z.
    """
    centre, west, east, south, north = u
    fz, fw, fe, fs, fn = face
    sx, sy, sz = s
    for k in range(out.size):
        here = centre[k + 1]
        x = fma(fw[k], fma(2.0, west[k] - here, below[k]), 2.0 * fe[k] * (east[k] - here))
        y = fma(fs[k], south[k] - here, fn[k] * (north[k] - here))
        z = fma(fz[k], centre[k] - here, fz[k + 1] * (centre[k + 2] - here))
        out[k] = fma(sx, x, 2.0 * fma(sy, y, sz * z)) * pivot[k]


@njit(**inner)
def add_product(a, b, total):
    for k in range(total.size):
        total[k] = fma(a[k], b[k], total[k])


@njit(**inner)
def _add_sources(begin, end, voxel, source, pivot, out):
    for e in range(begin, end):
        m = voxel[e]
        out[m] += source[e] * pivot[m]


@njit(**inner)
def _add_border(begin, end, entries, u, plane, pivot, out):
    voxel, strength, value = entries.voxel, entries.strength, entries.value
    for e in range(begin, end):
        m = voxel[e]
        out[m] += strength[e] * (value[e] - u[plane + m]) * pivot[m]


_read_plan = reading(UP_PLAN)
_pack, _unpack = passing(INTEGER, NUMBERS, NUMBERS)


def _eliminate_rows(begin, end, thread, arguments):
    """The body of `eliminate`: pieces of ``plan.rows`` y-rows, in all planes."""
    address, u, source = _unpack(arguments)
    plan = _read_plan(address)
    d, first, rows = plan.d, plan.first, plan.rows
    fx, fy, fz = plan.faces
    start, px, near, weight, _ = plan.lines
    source_start, border_start = plan.sources.row_start, plan.border.row_start
    _, ny, nz = plan.shape
    plane = ny * nz
    for piece in range(begin, end):
        y0, y1 = piece * rows, min((piece + 1) * rows, ny)
        size = (y1 - y0) * nz
        for b in range(start.size - 1):
            block_first = first[b * plane + y0 * nz : b * plane + y0 * nz + size]
            for i in range(start[b], start[b + 1]):
                m = i * plane + y0 * nz
                c = m + plane  # u has a ghost plane before
                out, pivot = d[m : m + size], px[m : m + size]
                begins = i == start[b]
                below = d[m : m + size] if begins else d[m - plane : m - plane + size]
                if begins:
                    fill(out, 0.0)
                around = RowAround(
                    u[c - 1 : c + size + 1],
                    u[m : m + size],
                    u[c + plane : c + plane + size],
                    u[c - nz : c - nz + size],
                    u[c + nz : c + nz + size],
                )
                face = RowAround(
                    fz[m : m + size + 1],
                    fx[m : m + size],
                    fx[m + plane : m + plane + size],
                    fy[m : m + size],
                    fy[m + nz : m + nz + size],
                )
                _fluxes(around, face, plan.s, below, pivot, out)
                row, last = i * ny + y0, i * ny + y1
                _add_sources(
                    source_start[row], source_start[last], plan.sources.voxel, source, px, d
                )
                _add_border(border_start[row], border_start[last], plan.border, u, plane, px, d)
                if begins:
                    copy(out, block_first)
                elif i - start[b] < near[b + 1] - near[b]:
                    w = (near[b] + i - start[b]) * plane + y0 * nz
                    add_product(weight[w : w + size], out, block_first)


@loop_over(Body(_eliminate_rows))
def eliminate(body, address, u, source):
    """Right-hand side and elimination along x, planes ascending, each block by itself.

    address: of the record of a HeterogeneousUpPlan. u: mM, flat, ghost planes filled. source:
    (sources,) mM times capacity.
    """
    plan = _read_plan(address)
    pieces = (plan.shape[1] + plan.rows - 1) // plan.rows
    run(body, pieces, _pack((address, u, source)))


@njit(**compiled)
def add_sources(u, plane, voxel, source, capacity, values):
    """u += source / capacity in some voxels, for a species that does not diffuse.

    u: flat, with ghost planes. plane: voxels of one. values: u of these voxels afterwards.
    """
    for e in range(voxel.size):
        u[plane + voxel[e]] += source[e] / capacity[voxel[e]]
    pick(0, voxel.size, voxel, u, plane, values)
