"""Diffusion of one species in one slab of uniform tissue: Douglas-Gunn ADI, distributed along x.

Per step, with r_a = D_a dt / h_a**2 and A_a = r_a times the second difference along a,

    (1 - Ax/2)(1 - Ay/2)(1 - Az/2) d = (Ax + Ay + Az) u + s,      u <- u + d

(Douglas and Gunn 1964, Numer. Math. 6:428, equation 3.5, written for the increment: NEURON's
scheme). Second order in space; unconditionally stable. Voxels at a held wall have d = value - u.

A step takes one pass through memory where it can (one_pass.py), and otherwise two (two_passes.py):
`one_pass.panels_of_slab` says which.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.description.profiles import Profile
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.solver.held_walls import HeldWalls
from ecsmpi.solver.one_pass import OnePass, PassFactors, panels_of_slab
from ecsmpi.solver.panels import Panels
from ecsmpi.solver.slab_edges import SlabEdges
from ecsmpi.solver.sweep_plans import Sources, Walls
from ecsmpi.solver.tridiagonal import Chain
from ecsmpi.solver.two_passes import TwoPasses, TwoPassFactors
from ecsmpi.solver.workspace import Workspace

sweep_up = kernels_of("ecsmpi.solver.sweep_up")


@dataclass(frozen=True)
class _Cut:
    """What a step of dt (ms) solves: r along each axis, the chain of x, panels of one pass."""

    dt: float
    r: np.ndarray
    chain: Chain
    panels: Panels | None


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
    u : (n + 2, ny, nz) float
        Its concentrations (mM), with ghost planes.

    Attributes
    ----------
    diffuses : bool
        Whether the increment of a step is more than the sources.
    """

    def __init__(
        self,
        workspace: Workspace,
        species: SpeciesSpec,
        tissue: Tissue,
        local_voxels: np.ndarray,
        u: np.ndarray,
    ):
        if isinstance(tissue.volume_fraction, Profile):
            raise TypeError("uniform diffusion takes tissue that is the same everywhere")
        self._work = workspace
        self._u = u
        self._d_effective = np.array(species.d) * tissue.permeability
        self._per_volume_fraction = float(1 / tissue.volume_fraction)
        self._sources = Sources.of(local_voxels, workspace.shape)
        self._held = species.wall is not None
        self._walls = Walls(
            workspace.at_walls & self._held, int(self._held), float(species.wall or 0.0)
        )
        # species that differ in nothing else share their cut and their factors
        self._key = (self._d_effective.tobytes(), self._held)
        self._cut: _Cut | None = None
        self._steps: OnePass | TwoPasses | None = None  # of the cut, once planned
        self._edges: SlabEdges | None = None
        self.diffuses = bool(self._d_effective.any() or self._held)

    def _cut_of(self, dt: float) -> _Cut:
        """What a step of dt (ms) solves. Local."""
        if self._cut is None or self._cut.dt != dt:
            key = ("cut", *self._key)
            self._cut = self._work.shared_factors(dt, key, lambda: self._make_cut(dt))
            self._steps = None
        return self._cut

    def _make_cut(self, dt: float) -> _Cut:
        work = self._work
        shape = work.box.shape
        r = self._d_effective * dt / np.array(work.box.spacing) ** 2
        r[np.array(shape) == 1] = 0.0  # nothing diffuses along an axis of one voxel
        chain = Chain.of(shape[0], r[0], self._held, work.partition)
        return _Cut(dt, r, chain, panels_of_slab(work, chain, r))

    def steps(self, dt: float) -> OnePass | TwoPasses:
        """How steps of dt (ms) are taken, planned only when dt changes. Collective then."""
        cut = self._cut_of(dt)
        if self._steps is None:
            self._steps = self._plan(cut)
        return self._steps

    def _plan(self, cut: _Cut) -> OnePass | TwoPasses:
        work = self._work
        factors = work.shared_factors(cut.dt, self._key, lambda: self._factorise(cut))
        if isinstance(factors, TwoPassFactors):
            return TwoPasses(work, factors, self._sources, self._per_volume_fraction, self._walls)
        if self._edges is None:
            self._edges = SlabEdges(work.comm, self._u, self._walls.value)
        walls = HeldWalls(work, self._walls, cut.r) if self._held else None
        per_volume_fraction = self._per_volume_fraction
        return OnePass(work, factors, self._sources, per_volume_fraction, self._edges, walls)

    def _factorise(self, cut: _Cut) -> PassFactors | TwoPassFactors:
        """The numbers of a step. Collective."""
        if cut.panels is None:
            return TwoPassFactors.of(self._work, cut.chain, cut.r, self._held)
        return PassFactors.of(self._work, cut.chain, cut.r, cut.panels, self._held)

    def describe(self, dt: float) -> str:
        """How steps of dt (ms) are taken, in words. Collective when dt is new."""
        return str(self.steps(dt))

    def needs_ghosts(self, dt: float) -> bool:
        """Whether a step of dt (ms) reads ghost planes. Local."""
        if not self.diffuses:
            return False
        return self._work.comm.size > 1 or self._cut_of(dt).panels is None

    def advance(self, sources: np.ndarray, values: np.ndarray, dt: float, t: float) -> None:
        """Take a step of dt to t (ms) but for `finish`; see `diffusion_planner.Diffusion`."""
        if self.diffuses:
            self.steps(dt).advance(self._u, sources, values)
        else:
            voxel = self._sources.voxel
            sweep_up.add_sources(self._u, voxel, sources, self._per_volume_fraction, values)

    def finish(self, values: np.ndarray) -> None:
        """Take what neighbours have sent; see `diffusion_planner.Diffusion`."""
        if self._steps is not None:
            self._steps.finish(self._u, values)

    def free(self) -> None:
        """Release the messages."""
        if self._edges is not None:
            self._edges.free()
