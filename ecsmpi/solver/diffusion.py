"""Diffusion of one species in one slab: Douglas-Gunn ADI, distributed along x.

Per step, with r_a = D_a dt / h_a**2 and A_a = r_a times the second difference along a,

    (1 - Ax/2)(1 - Ay/2)(1 - Az/2) d = (Ax + Ay + Az) u + s,      u <- u + d

(Douglas and Gunn 1964, Numer. Math. 6:428, equation 3.5, written for the increment: NEURON's
scheme). Second order in space; unconditionally stable. Walls held at a value have d = value - u.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.description.grid import aligned_zeros
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.solver import kernels
from ecsmpi.solver.registers import TILE
from ecsmpi.solver.tridiagonal import Block, Chain, SlabBlocks, TridiagonalRows
from ecsmpi.solver.workspace import InterfaceSolve, Workspace, lines_are_short

NO_LINES, NO_INVERSE = (np.zeros(0),) * 3, np.zeros((0, 0))


@dataclass(frozen=True)
class UniformFactors:
    """All numbers of a time step: they change with dt alone."""

    dt: float
    r: np.ndarray
    rz: np.ndarray
    interfaces: InterfaceSolve
    slab: SlabBlocks
    y: tuple[np.ndarray, np.ndarray, np.ndarray]
    z: tuple[np.ndarray, np.ndarray, np.ndarray]  # without elements where z-lines are short
    inverse: np.ndarray  # of short z-lines, else without elements


class UniformDiffusion:
    """Advances the concentrations of one ion by diffusion and given sources."""

    def __init__(
        self, workspace: Workspace, ion: SpeciesSpec, tissue: Tissue, local_voxels: np.ndarray
    ):
        """local_voxels: (sources,) ascending flat index into the slab of the voxels that get
        sources.
        """
        self._work = workspace
        self._d_effective = np.array(ion.d) * tissue.permeability
        self._per_volume_fraction = 1 / tissue.volume_fraction
        n, ny, nz = workspace.d.shape
        self._row_start = np.searchsorted(local_voxels, np.arange(n * ny + 1) * nz).astype(np.int64)
        self._voxels = local_voxels
        self._fixed = ion.wall is not None
        self._held = workspace.at_walls & self._fixed
        self._wall = float(ion.wall or 0.0)
        self._factors = None
        self.diffuses = bool(
            self._d_effective.any() or self._fixed
        )  # whether the increment is more than the sources

    def factors(self, dt: float) -> UniformFactors:
        """The numbers for steps of dt (ms), made again only when dt changes. Collective then."""
        if self._factors is None or self._factors.dt != dt:
            which = (
                self._d_effective.tobytes(),
                self._fixed,
            )  # species that differ in nothing else share them
            self._factors = self._work.shared_factors(dt, which, lambda: self._factorise(dt))
        return self._factors

    def interfaces(self, dt: float) -> InterfaceSolve:
        return self.factors(dt).interfaces

    def _factorise(self, dt: float) -> UniformFactors:
        work, shape = self._work, self._work.box.shape
        r = self._d_effective * dt / np.array(work.box.spacing) ** 2
        r[np.array(shape) == 1] = 0.0  # nothing diffuses along an axis of one voxel
        chain = Chain.of(shape[0], r[0], self._fixed, work.partition)
        along_y, along_z = (
            TridiagonalRows.of_line(shape[axis], r[axis], self._fixed) for axis in (1, 2)
        )
        z, inverse = (
            (NO_LINES, _inverse(along_z))
            if lines_are_short(work.box)
            else (_in_tiles(along_z), NO_INVERSE)
        )
        rz = np.full(work.strip * shape[2] + 1, r[2])
        rz[:: shape[2]] = (
            0.0  # nothing flows from the end of one z-line to the beginning of the next
        )
        return UniformFactors(
            dt,
            r,
            rz,
            work.join(chain.ends(work.blocks)),
            chain.slab(work.blocks),
            _in_tiles(along_y),
            z,
            inverse,
        )

    def advance(
        self, u: np.ndarray, sources: np.ndarray, values: np.ndarray, dt: float, t: float
    ) -> None:
        """One step of dt to t (ms) of u (n + 2, ny, nz) mM, ghosts filled. Collective.

        sources: (local voxels,) mM times the volume fraction, by which they are divided here.
        values: (local voxels,) u there, after it.
        """
        if not self.diffuses:
            kernels.add_sources(u, self._voxels, sources, self._per_volume_fraction, values)
            return
        work, factors = self._work, self.factors(dt)
        with work.phases["up"]:
            self._up(u, sources, factors)
        with work.phases["interfaces"]:
            factors.interfaces.solve()
        with work.phases["down"]:
            self._down(u, values, factors)

    def _up(self, u, sources, factors: UniformFactors) -> None:
        work, slab = self._work, factors.slab
        kernels.eliminate(
            u,
            work.d,
            work.first,
            slab.start,
            factors.r,
            factors.rz,
            work.strip,
            slab.lower,
            slab.pivot,
            slab.weight,
            self._near(slab.n_weights),
            self._row_start,
            self._voxels,
            sources,
            self._per_volume_fraction,
            self._held,
            self._wall,
            work.rows,
        )

    def _near(self, count: int) -> int:
        """Planes of a block that count, of which there are none to speak of where nothing is
        outside.
        """
        return count if self._work.partition.n_blocks > 1 else 1

    def _down(self, u, values, factors: UniformFactors) -> None:
        work, slab = self._work, factors.slab
        substitute = (
            kernels.substitute_short_lines if lines_are_short(work.box) else kernels.substitute
        )
        substitute(
            u,
            work.d,
            work.left,
            work.right,
            slab.start,
            slab.ratio,
            slab.reach,
            self._near(slab.n_reach),
            *factors.y,
            *factors.z,
            factors.inverse,
            work.scratch,
            self._held,
            self._fixed,
            self._wall,
            self._row_start,
            self._voxels,
            values,
            work.rows,
            work.batch,
        )


def _in_tiles(rows: TridiagonalRows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """carry, pivot and ratio of tiles.add_solved."""
    block, n = Block.of(rows), rows.diagonal.size
    numbers = np.zeros((3, -(-n // TILE) * TILE))
    numbers[:, :n] = block.lower * block.pivot, block.pivot, block.ratio
    return tuple(np.ascontiguousarray(each) for each in numbers)


def _inverse(rows: TridiagonalRows) -> np.ndarray:
    """(voxels, width) the transposed inverse of short lines, for
    short_lines.finish_plane_of_short_lines.
    """
    n = rows.diagonal.size
    inverse = np.linalg.inv(
        np.diag(rows.diagonal) - np.diag(rows.lower[1:], -1) - np.diag(rows.upper[:-1], 1)
    )
    columns = aligned_zeros((n, -(-n // TILE) * TILE))
    columns[:, :n] = inverse.T
    return columns
