"""Diffusion of one species in one slab of uniform tissue: Douglas-Gunn ADI, distributed along x.

Per step, with r_a = D_a dt / h_a**2 and A_a = r_a times the second difference along a,

    (1 - Ax/2)(1 - Ay/2)(1 - Az/2) d = (Ax + Ay + Az) u + s,      u <- u + d

(Douglas and Gunn 1964, Numer. Math. 6:428, equation 3.5, written for the increment: NEURON's
scheme). Second order in space; unconditionally stable. Voxels at a held wall have d = value - u.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.description.grid import aligned_zeros
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.description.profiles import Profile
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.kernels.records import Record
from ecsmpi.solver.sizes import TILE
from ecsmpi.solver.sweep_plans import (
    DOWN_PLAN,
    UP_PLAN,
    DownPlan,
    Lines,
    PlaneLines,
    Sources,
    Stencil,
    UpPlan,
    Walls,
)
from ecsmpi.solver.tridiagonal import Block, Chain, SlabBlocks, TridiagonalRows
from ecsmpi.solver.workspace import InterfaceSolve, Workspace, lines_are_short

sweep_up = kernels_of("ecsmpi.solver.sweep_up")
sweep_down = kernels_of("ecsmpi.solver.sweep_down")

NO_LINES = Lines(*[np.zeros(0)] * 3)
NO_INVERSE = np.zeros((0, 0))


@dataclass(frozen=True)
class UniformFactors:
    """All numbers of a time step of dt (ms), the same for species that differ in nothing else."""

    dt: float
    stencil: Stencil
    blocks: SlabBlocks
    lines: PlaneLines
    interfaces: InterfaceSolve


class UniformDiffusion:
    """Advances the concentration of one species by diffusion and given sources.

    Parameters
    ----------
    workspace : Workspace
        Of all species of the box.
    species : SpeciesSpec
        The species: its d in um2/ms, before tortuosity.
    tissue : Tissue
        Volume fraction and permeability, which are numbers here.
    local_voxels : (sources,) int
        Ascending flat index into the slab of the voxels that any rank requests.

    Attributes
    ----------
    diffuses : bool
        Whether the increment of a step is more than the sources.
    """

    def __init__(
        self, workspace: Workspace, species: SpeciesSpec, tissue: Tissue, local_voxels: np.ndarray
    ):
        if isinstance(tissue.volume_fraction, Profile):
            raise TypeError("uniform diffusion takes tissue that is the same everywhere")
        self._work = workspace
        self._d_effective = np.array(species.d) * tissue.permeability
        self._per_volume_fraction = float(1 / tissue.volume_fraction)
        self._sources = Sources.of(local_voxels, workspace.d.shape)
        self._held = species.wall is not None
        self._walls = Walls(
            workspace.at_walls & self._held, int(self._held), float(species.wall or 0.0)
        )
        self._factors: UniformFactors | None = None
        self.diffuses = bool(self._d_effective.any() or self._held)

    def factors(self, dt: float) -> UniformFactors:
        """The numbers for steps of dt (ms), made again only when dt changes. Collective then."""
        if self._factors is None or self._factors.dt != dt:
            # species that differ in nothing else share them
            key = (self._d_effective.tobytes(), self._held)
            self._factors = self._work.shared_factors(dt, key, lambda: self._factorise(dt))
            self._up = Record(UP_PLAN, self._up_plan(self._factors))
            self._down = Record(DOWN_PLAN, self._down_plan(self._factors))
        return self._factors

    def interfaces(self, dt: float) -> InterfaceSolve:
        """The interfaces between blocks for steps of dt (ms). Collective when dt is new."""
        return self.factors(dt).interfaces

    def _factorise(self, dt: float) -> UniformFactors:
        work = self._work
        shape = work.box.shape
        r = self._d_effective * dt / np.array(work.box.spacing) ** 2
        r[np.array(shape) == 1] = 0.0  # nothing diffuses along an axis of one voxel
        chain = Chain.of(shape[0], r[0], self._held, work.partition)
        along_y = TridiagonalRows.of_line(shape[1], r[1], self._held)
        along_z = TridiagonalRows.of_line(shape[2], r[2], self._held)
        if lines_are_short(work.box):
            lines = PlaneLines(_in_tiles(along_y), NO_LINES, _inverse(along_z))
        else:
            lines = PlaneLines(_in_tiles(along_y), _in_tiles(along_z), NO_INVERSE)
        rz = np.full(work.strip * shape[2] + 1, r[2])
        rz[:: shape[2]] = 0.0  # nothing flows from the end of a z-line to the beginning of the next
        blocks = chain.slab(work.blocks)
        if work.partition.n_blocks == 1:  # nothing is outside the block
            blocks = blocks._replace(n_weights=1, n_reach=1)
        interfaces = work.join(chain.ends(work.blocks))
        return UniformFactors(dt, Stencil(r, rz, work.strip), blocks, lines, interfaces)

    def _up_plan(self, factors: UniformFactors) -> UpPlan:
        work = self._work
        return UpPlan(
            work.d.shape,
            work.d.reshape(-1),
            work.first.reshape(-1),
            factors.stencil,
            factors.blocks,
            self._sources,
            self._per_volume_fraction,
            self._walls,
            work.rows,
        )

    def _down_plan(self, factors: UniformFactors) -> DownPlan:
        work = self._work
        return DownPlan(
            work.d,
            work.left.reshape(-1),
            work.right.reshape(-1),
            factors.blocks,
            factors.lines,
            self._sources,
            self._walls,
            work.scratch,
            work.rows,
            work.batch,
        )

    def advance(
        self, u: np.ndarray, sources: np.ndarray, values: np.ndarray, dt: float, t: float
    ) -> None:
        """Take one step of dt to t (ms). Collective; see `diffusion_planner.Diffusion`."""
        if not self.diffuses:
            sweep_up.add_sources(u, self._sources.voxel, sources, self._per_volume_fraction, values)
            return
        work = self._work
        factors = self.factors(dt)
        with work.phases["up"]:
            sweep_up.eliminate(self._up.address, u, sources)
        with work.phases["interfaces"]:
            factors.interfaces.solve()
        with work.phases["down"]:
            if lines_are_short(work.box):
                sweep_down.substitute_short_lines(self._down.address, u, values)
            else:
                sweep_down.substitute(self._down.address, u, values)


def _in_tiles(rows: TridiagonalRows) -> Lines:
    """The numbers of a line as tiles.add_solved takes them."""
    block = Block.of(rows)
    n = rows.diagonal.size
    numbers = np.zeros((3, -(-n // TILE) * TILE))
    numbers[0, :n] = block.lower * block.pivot
    numbers[1, :n] = block.pivot
    numbers[2, :n] = block.ratio
    return Lines(*(np.ascontiguousarray(each) for each in numbers))


def _inverse(rows: TridiagonalRows) -> np.ndarray:
    """(voxels, width) the transposed inverse of short lines, for short_lines.py."""
    n = rows.diagonal.size
    below = np.diag(rows.lower[1:], -1)
    above = np.diag(rows.upper[:-1], 1)
    inverse = np.linalg.inv(np.diag(rows.diagonal) - below - above)
    columns = aligned_zeros((n, -(-n // TILE) * TILE))
    columns[:, :n] = inverse.T
    return columns
