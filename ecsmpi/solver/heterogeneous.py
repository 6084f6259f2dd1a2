"""Diffusion of one species where tissue varies, or where each face has its own condition.

The scheme is that of diffusion.py, with the volume fraction a of each voxel and the conductance M
of each face (tissue.py):

    a (A_x u) = 2 s_x sum over both neighbours along x of M (u_neighbour - u)

with s_x = D_x dt / (2 h_x**2), and in the same way along y and z, so that what leaves a voxel
enters the next. borders.py says what face conditions add.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np

from ecsmpi.description.boundaries import Faces, Held
from ecsmpi.description.grid import aligned_zeros
from ecsmpi.description.model import SpeciesSpec
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.kernels.records import Record
from ecsmpi.solver import heterogeneous_plans
from ecsmpi.solver.borders import BorderVoxels
from ecsmpi.solver.heterogeneous_plans import (
    BorderEntries,
    CutLines,
    FaceConductances,
    HeterogeneousDownPlan,
    HeterogeneousUpPlan,
    PlaneScratch,
    PlaneTissue,
)
from ecsmpi.solver.sweep_plans import Sources
from ecsmpi.solver.tissue import Conductances
from ecsmpi.solver.tridiagonal import ROUND_OFF, Ends
from ecsmpi.solver.workspace import InterfaceSolve, Workspace

sweep_up = kernels_of("ecsmpi.solver.heterogeneous_up")
sweep_down = kernels_of("ecsmpi.solver.heterogeneous_down")


@dataclass(frozen=True)
class HeterogeneousFactors:
    """All numbers of a time step of dt (ms): they change with dt and the tissue.

    Attributes
    ----------
    dt : float
        Length of the step (ms).
    s : (3,) float
        D dt / (2 h2) along x, y, z.
    lines : CutLines
        How x is solved.
    plane : PlaneFaces
        How y and z are solved in a plane.
    strength : (border entries,) float
        That of `BorderEntries`.
    interfaces : InterfaceSolve
        Joins the blocks of the x-lines.
    """

    dt: float
    s: tuple[float, float, float]
    lines: CutLines
    plane: PlaneTissue
    strength: np.ndarray
    interfaces: InterfaceSolve


class HeterogeneousWorkspace:
    """What species in heterogeneous tissue share beyond the workspace of all species, ``shared``.

    Increments and interface planes are flat here.
    """

    def __init__(self, shared: Workspace):
        self.shared = shared
        self.d = shared.d.reshape(-1)
        self.first = shared.first.reshape(-1)
        self.left = shared.left.reshape(-1)
        self.right = shared.right.reshape(-1)
        n, ny, nz = shared.d.shape
        lo = shared.partition.planes(shared.comm.rank)[0]
        starts = [shared.partition.block(b)[0] - lo for b in shared.blocks]
        self.start = np.array([*starts, n], dtype=np.int64)
        self.rows = -(-ny // shared.threads)  # so many arrays are best read in long stretches
        self.batch = shared.batch
        self.scratch = PlaneScratch.of(ny, nz)
        self.factors: WeakValueDictionary = WeakValueDictionary()


class HeterogeneousDiffusion:
    """Advances the concentration of one species by diffusion and given sources.

    Parameters
    ----------
    workspace : HeterogeneousWorkspace
        Of all species of the box in heterogeneous tissue.
    species : SpeciesSpec
        The species.
    conductances : Conductances
        Of its tissue.
    local_voxels : (sources,) int
        Ascending flat index into the slab of the voxels that any rank requests.
    u : (n + 2, ny, nz) float
        Concentrations of the species (mM), with ghost planes.
    """

    def __init__(
        self,
        workspace: HeterogeneousWorkspace,
        species: SpeciesSpec,
        conductances: Conductances,
        local_voxels: np.ndarray,
        u: np.ndarray,
    ):
        self._work = workspace
        self._m = conductances
        self._u = u.reshape(-1)
        shared = workspace.shared
        faces = species.faces
        if faces is None and species.wall is not None:
            faces = Faces((Held(species.wall),) * 6)
        planes = shared.partition.planes(shared.comm.rank)
        self._borders = BorderVoxels(faces, shared.box, planes, species.d, conductances.tissue)
        self._capacity = self._borders.capacity(conductances.capacity)
        dx, dy, dz = species.d
        nx, ny, nz = shared.box.shape
        self._d = (dx if nx > 1 else 0.0, dy if ny > 1 else 0.0, dz if nz > 1 else 0.0)
        self._has_conditions = faces is not None and faces.has_conditions()
        self._key = (conductances, self._borders.kinds, species.d)
        self._sources = Sources.of(local_voxels, conductances.shape)
        self._border_rows = Sources.of(self._borders.voxel, conductances.shape)
        self._factors: HeterogeneousFactors | None = None

    @property
    def diffuses(self) -> bool:
        """Whether the increment of a step is more than the sources."""
        return any(self._d) or self._has_conditions

    def factors(self, dt: float) -> HeterogeneousFactors:
        """The numbers for steps of dt (ms), made again only when dt changes. Collective then.

        Species share them that differ only in the values at faces.
        """
        if self._factors is None or self._factors.dt != dt:
            key = (dt, *self._key)
            self._factors = self._work.factors.get(key) or self._factorise(dt)
            self._work.factors[key] = self._factors
            self._up = Record(heterogeneous_plans.UP_PLAN, self._up_plan(self._factors))
            self._down = Record(heterogeneous_plans.DOWN_PLAN, self._down_plan(self._factors))
        return self._factors

    def describe(self, dt: float) -> str:
        """How steps of dt (ms) are taken, in words. Collective when dt is new."""
        return f"two passes, {self.factors(dt).interfaces}"

    def needs_ghosts(self, dt: float) -> bool:
        """Whether a step reads ghost planes. Local."""
        return self.diffuses

    def _factorise(self, dt: float) -> HeterogeneousFactors:
        m, shared, start = self._m, self._work.shared, self._work.start
        hx, hy, hz = shared.box.spacing
        dx, dy, dz = self._d
        s = (dx * dt / (2 * hx * hx), dy * dt / (2 * hy * hy), dz * dt / (2 * hz * hz))
        plane = shared.box.plane
        along_x = self._borders.diagonal(0, dt, self._capacity)
        along_y = self._borders.diagonal(1, dt, self._capacity)
        along_z = self._borders.diagonal(2, dt, self._capacity)
        x = aligned_zeros((self._capacity.size,))
        for lo, hi in zip(start[:-1] * plane, start[1:] * plane):
            sweep_up.pivots(along_x[lo:hi], m.x[lo : hi + plane], s[0], plane, x[lo:hi])
        if shared.partition.n_blocks > 1:
            lines, ends = _cut_lines(m.x.reshape(-1, plane), x.reshape(-1, plane), s[0], start)
        else:
            lines, ends = _whole_lines(x, start)
        plane_tissue = PlaneTissue(self._capacity, along_y, along_z, m.y, m.z)
        strength = self._borders.strength(dt)
        return HeterogeneousFactors(dt, s, lines, plane_tissue, strength, shared.join(ends))

    def _up_plan(self, factors: HeterogeneousFactors) -> HeterogeneousUpPlan:
        work, m = self._work, self._m
        border = BorderEntries(*self._border_rows, factors.strength, self._borders.values)
        return HeterogeneousUpPlan(
            m.shape,
            work.d,
            work.first,
            FaceConductances(m.x, m.y, m.z),
            factors.s,
            factors.lines,
            self._sources,
            border,
            work.rows,
        )

    def _down_plan(self, factors: HeterogeneousFactors) -> HeterogeneousDownPlan:
        work, m = self._work, self._m
        return HeterogeneousDownPlan(
            m.shape,
            work.d,
            work.left,
            work.right,
            m.x,
            factors.s,
            factors.lines,
            factors.plane,
            self._sources,
            work.scratch,
            work.rows,
            work.batch,
        )

    def advance(self, sources: np.ndarray, values: np.ndarray, dt: float, t: float) -> None:
        """Take one step of dt to t (ms). Collective; see `diffusion_planner.Diffusion`."""
        shared, flat = self._work.shared, self._u
        if not self.diffuses:
            voxel = self._sources.voxel
            sweep_up.add_sources(flat, shared.box.plane, voxel, sources, self._capacity, values)
            return
        factors = self.factors(dt)
        self._borders.renew(t, dt)
        with shared.phases["up"]:
            sweep_up.eliminate(self._up.address, flat, sources)
        with shared.phases["interfaces"]:
            factors.interfaces.solve()
        with shared.phases["down"]:
            sweep_down.substitute(self._down.address, flat, values)

    def finish(self, values: np.ndarray) -> None:
        """Nothing is left to be done."""

    def free(self) -> None:
        """There are no messages of this species alone."""


def _cut_lines(
    face: np.ndarray, pivot: np.ndarray, s: float, start: np.ndarray
) -> tuple[CutLines, Ends]:
    """The x-lines of a slab's blocks, and the blocks' interface numbers.

    face: (n + 1, lines) M; pivot: (n, lines).
    """
    weights, reaches, near, ends = [], [], [0], []
    for lo, hi in zip(start[:-1], start[1:]):
        lower = s * face[lo:hi] * pivot[lo:hi]
        upper = s * face[lo + 1 : hi + 1] * pivot[lo:hi]
        weight = _products(np.ones_like(upper[:1]), upper[:-1])
        reach = _products(lower[:1], lower[1:])
        count = max(len(weight), len(reach))
        weight, reach = _padded(weight, count), _padded(reach, count)
        a = (weight * reach).sum(axis=0)
        b = c = np.zeros(face.shape[1])
        if count == hi - lo:
            b, c = weight[-1] * upper[-1], reach[-1]
        ends.append((a, b, c, upper[-1]))
        weights.append(weight)
        reaches.append(reach)
        near.append(near[-1] + count)
    lines = CutLines(
        start,
        pivot.reshape(-1),
        np.array(near, dtype=np.int64),
        np.concatenate(weights).reshape(-1),
        np.concatenate(reaches).reshape(-1),
    )
    return lines, Ends(*(np.array(each) for each in zip(*ends)))


def _whole_lines(pivot: np.ndarray, start: np.ndarray) -> tuple[CutLines, Ends]:
    """The x-lines of a slab, and its interface numbers, where nothing is beyond its one block."""
    near = np.zeros(2, dtype=np.int64)
    lines = CutLines(start, pivot, near, np.empty(0), np.empty(0))
    return lines, Ends(*np.zeros((4, 1, 1)))


def _products(first: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Planes first, first f0, first f0 f1, ... as far as any of them is above round-off."""
    planes = [first[0]]
    for factor in factors:
        planes.append(planes[-1] * factor)
        if np.abs(planes[-1]).max() <= ROUND_OFF:
            break
    return np.array(planes)


def _padded(planes: np.ndarray, count: int) -> np.ndarray:
    """The planes, followed by planes of zeros: ``count`` in all."""
    return np.concatenate([planes, np.zeros((count - len(planes), planes.shape[1]))])
