"""Diffusion of one species where tissue varies, or where the faces of the box are neither all
closed nor all held alike.

The scheme is that of diffusion.py, with the volume fraction a of each voxel and the conductance M
of each face (tissue.py):

    a (A_x u) = 2 s_x sum over both neighbours along x of M (u_neighbour - u),      s_x = D_x dt / (2 h_x**2)

likewise y and z, so that what leaves a voxel enters the next. A bath of permeability P beyond a
face adds dt P/h (bath - u) to that, half of it implicitly, with the half voxel between in series. A
voxel held at a value is one with an endless capacity, which such a bath fills in each step.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakValueDictionary

import numpy as np

from ecsmpi.description.boundaries import Faces, Held
from ecsmpi.description.grid import aligned_zeros
from ecsmpi.description.model import SpeciesSpec
from ecsmpi.solver import heterogeneous_kernels, kernels
from ecsmpi.solver.registers import TILE
from ecsmpi.solver.tissue import Conductances, SlabTissue, tiled
from ecsmpi.solver.tridiagonal import ROUND_OFF, Ends
from ecsmpi.solver.workspace import InterfaceSolve, Workspace

ENDLESS = (
    2.0**600
)  # a capacity that no flux changes; a power of two, so that dividing by it again is exact


class Borders:
    """The voxels of a slab at faces that are open, sorted; with ``None`` for faces there are none.

    voxel: (entries,) flat; face: (entries,) number of the face that acts on it; held: (entries,). A
    bath's conductance is in series with that of half a voxel, so that the concentration at the face
    itself is what the bath sees.
    """

    def __init__(
        self,
        faces: Faces | None,
        box,
        planes: tuple[int, int],
        d: tuple[float, float, float],
        tissue: SlabTissue,
    ):
        """d: um2/ms, before permeability."""
        self._conditions = faces.conditions if faces else (None,) * 6
        lo, hi = planes
        shape, at = (hi - lo, *box.shape[1:]), []
        held_by = np.full(shape, -1, dtype=np.int8)
        sides = [self._side(face, shape, lo == 0, hi == box.shape[0]) for face in range(6)]
        for face in reversed(range(6)):  # so that x, the last to say so, has the edges
            if isinstance(self._conditions[face], Held):
                held_by[sides[face]] = face
        for face, condition in enumerate(self._conditions):
            if condition is not None:
                mine = np.zeros(shape, dtype=bool)
                mine[sides[face]] = True
                at.append(
                    (
                        np.flatnonzero(
                            mine & (held_by == (face if isinstance(condition, Held) else -1))
                        ),
                        face,
                    )
                )
        voxel = np.concatenate([np.zeros(0, dtype=np.int64), *(where for where, _ in at)])
        face = np.concatenate(
            [np.zeros(0, dtype=np.int64), *(np.full(where.size, face) for where, face in at)]
        )
        order = np.argsort(voxel, kind="stable")
        self.voxel, self.face = voxel[order], face[order]
        self.held = held_by.reshape(-1)[self.voxel] >= 0
        across = [
            0.0 if each is None or isinstance(each, Held) else each.permeability
            for each in self._conditions
        ]
        permeability, h = np.array(across)[self.face], np.array(box.spacing)[self.face // 2]
        inside = 2 * np.array(d)[self.face // 2] * tissue.conductivity(self.voxel) / h  # um/ms
        through = np.maximum(permeability + inside, np.finfo(float).tiny)
        self._rate = permeability * inside / through / h
        self._at_faces, self.values = np.zeros(6), np.zeros(voxel.size)

    @staticmethod
    def _side(face: int, shape, is_lowest: bool, is_highest: bool):
        axis, upper = divmod(face, 2)
        if axis == 0 and not (is_highest if upper else is_lowest):
            return (slice(0, 0),)
        return (slice(None),) * axis + ((slice(-1, None) if upper else slice(0, 1)),)

    def renew(self, t: float, dt: float) -> None:
        """Set ``values`` (entries,) for a step of dt that ends at t (ms)."""
        for face, condition in enumerate(self._conditions):
            if condition is not None:
                self._at_faces[face] = condition.at(t, dt)
        np.take(self._at_faces, self.face, out=self.values, mode="clip")

    def strength(self, dt: float) -> np.ndarray:
        """(entries,) what each adds to the capacity times the change of its voxel, per mM of
        difference.
        """
        return np.where(self.held, ENDLESS, self._rate * dt)

    def capacity(self, capacity: np.ndarray) -> np.ndarray:
        """The voxels' capacities, endless where they are held."""
        if self.held.any():
            shared, capacity = capacity, aligned_zeros((capacity.size,))
            capacity[:] = shared
            capacity[self.voxel[self.held]] = ENDLESS
        return capacity

    def diagonal(self, axis: int, dt: float, capacity: np.ndarray) -> np.ndarray:
        """Capacities and the implicit half of what the baths along an axis take."""
        baths = (self.face // 2 == axis) & ~self.held
        if baths.any():
            capacity = capacity.copy()
            np.add.at(capacity, self.voxel[baths], 0.5 * self._rate[baths] * dt)
        return capacity


@dataclass(frozen=True)
class HeterogeneousFactors:
    """All numbers of a time step: they change with dt and the tissue. heterogeneous_kernels.py has
    their meaning.
    """

    dt: float
    s: tuple[float, float, float]
    x: np.ndarray
    y: np.ndarray
    z_tiled: np.ndarray
    weight: np.ndarray
    reach: np.ndarray
    near: np.ndarray
    strength: np.ndarray
    interfaces: InterfaceSolve


class HeterogeneousDiffusion:
    """Advances the concentrations of one ion by diffusion and given sources, as diffusion.Diffusion
    does.
    """

    def __init__(
        self,
        workspace: HeterogeneousWorkspace,
        ion: SpeciesSpec,
        conductances: Conductances,
        local_voxels: np.ndarray,
    ):
        """local_voxels: (sources,) ascending flat index into the slab of the voxels that get
        sources.
        """
        self._work, self._m = workspace, conductances
        shared = workspace.shared
        faces = ion.faces if ion.faces or ion.wall is None else Faces((Held(ion.wall),) * 6)
        self._borders = Borders(
            faces, shared.box, shared.partition.planes(shared.comm.rank), ion.d, conductances.tissue
        )
        self._capacity = self._borders.capacity(conductances.capacity)
        self._d = tuple(d if n > 1 else 0.0 for d, n in zip(ion.d, shared.box.shape))
        self._open = faces is not None and faces.any()
        self._key = (conductances, faces, ion.d)
        n, ny, nz = conductances.shape
        starts = np.arange(n * ny + 1) * nz
        self._voxels = local_voxels
        self._source_start, self._bath_start = (
            np.searchsorted(voxels, starts).astype(np.int64)
            for voxels in (local_voxels, self._borders.voxel)
        )
        self._factors = None

    @property
    def diffuses(self) -> bool:
        """Whether the increment is more than the sources."""
        return any(self._d) or self._open

    def factors(self, dt: float) -> HeterogeneousFactors:
        """The numbers for steps of dt (ms), made again only when dt changes; species that are alike
        share them. Collective then.
        """
        if self._factors is None or self._factors.dt != dt:
            self._factors = self._work.factors.get((dt, *self._key)) or self._factorise(dt)
            self._work.factors[(dt, *self._key)] = self._factors
        return self._factors

    def interfaces(self, dt: float) -> InterfaceSolve:
        return self.factors(dt).interfaces

    def _factorise(self, dt: float) -> HeterogeneousFactors:
        m, shared = self._m, self._work.shared
        s = tuple(d * dt / (2 * h * h) for d, h in zip(self._d, shared.box.spacing))
        _, ny, nz = m.shape
        start = self._work.start
        diagonals = [self._borders.diagonal(axis, dt, self._capacity) for axis in range(3)]
        x, y, z = (aligned_zeros((self._capacity.size,)) for _ in range(3))
        for lo, hi in zip(start[:-1] * ny * nz, start[1:] * ny * nz):
            heterogeneous_kernels.pivots(
                diagonals[0][lo:hi], m.x[lo : hi + ny * nz], s[0], ny * nz, x[lo:hi]
            )
        heterogeneous_kernels.pivots(diagonals[1], m.y, s[1], nz, y)
        heterogeneous_kernels.pivots(diagonals[2], m.z, s[2], 1, z)
        cut = _cuts if shared.partition.n_blocks > 1 else _uncut
        weight, reach, near, ends = cut(
            m.x.reshape(-1, ny * nz), x.reshape(-1, ny * nz), s[0], start
        )
        return HeterogeneousFactors(
            dt,
            s,
            x,
            y,
            tiled(z, m.shape),
            weight,
            reach,
            near,
            self._borders.strength(dt),
            shared.join(ends),
        )

    def advance(
        self, u: np.ndarray, sources: np.ndarray, values: np.ndarray, dt: float, t: float
    ) -> None:
        """One step of dt to t (ms) of u (n + 2, ny, nz) mM, ghosts filled. Collective.

        sources: (local voxels,) mM times the volume fraction. values: (local voxels,) u there,
        after it.
        """
        if not self.diffuses:
            heterogeneous_kernels.add_sources(
                u.reshape(-1),
                self._work.shared.box.plane,
                self._voxels,
                sources,
                self._capacity,
                values,
            )
            return
        shared, factors = self._work.shared, self.factors(dt)
        self._borders.renew(t, dt)
        with shared.phases["up"]:
            self._up(u.reshape(-1), sources, factors)
        with shared.phases["interfaces"]:
            factors.interfaces.solve()
        with shared.phases["down"]:
            self._down(u.reshape(-1), values, factors)

    def _up(self, u, sources, factors: HeterogeneousFactors) -> None:
        work, m = self._work, self._m
        heterogeneous_kernels.eliminate(
            m.shape,
            u,
            work.d,
            work.first,
            work.start,
            (m.x, m.y, m.z),
            factors.s,
            factors.x,
            factors.weight,
            factors.near,
            self._source_start,
            (self._voxels, sources),
            self._bath_start,
            (self._borders.voxel, factors.strength, self._borders.values),
            work.rows,
        )

    def _down(self, u, values, factors: HeterogeneousFactors) -> None:
        work, m = self._work, self._m
        heterogeneous_kernels.substitute(
            m.shape,
            u,
            work.d,
            work.left,
            work.right,
            work.start,
            self._capacity,
            m.x,
            m.y,
            m.z_tiled,
            factors.s,
            factors.x,
            factors.y,
            factors.z_tiled,
            factors.reach,
            factors.near,
            work.scratch,
            self._source_start,
            self._voxels,
            values,
            work.rows,
            work.batch,
        )


class HeterogeneousWorkspace:
    """What varying species of one box share beyond the workspace of all species, ``shared``."""

    def __init__(self, shared: Workspace):
        self.shared = shared
        self.d, self.first, self.left, self.right = (
            each.reshape(-1) for each in (shared.d, shared.first, shared.left, shared.right)
        )
        n, ny, nz = shared.d.shape
        lo = shared.partition.planes(shared.comm.rank)[0]
        self.start = np.array([shared.partition.block(b)[0] - lo for b in shared.blocks] + [n])
        self.rows, self.batch = (
            -(-ny // shared.threads),
            shared.batch,
        )  # so many arrays are best read in long pieces
        self.scratch = aligned_zeros(
            (kernels.most_threads(), 2 * TILE * (-(-nz // TILE) * TILE + TILE))
        )
        self.factors = WeakValueDictionary()


def _cuts(
    face, pivot, s: float, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Ends]:
    """weight, reach, near and the interface numbers of a slab's blocks; face: (n + 1, lines),
    pivot: (n, lines).
    """
    weights, reaches, near, ends = [], [], [0], []
    for lo, hi in zip(start[:-1], start[1:]):
        lower, upper = s * face[lo:hi] * pivot[lo:hi], s * face[lo + 1 : hi + 1] * pivot[lo:hi]
        weight = _products(np.ones_like(upper[:1]), upper[:-1])
        reach = _products(lower[:1], lower[1:])
        count = max(len(weight), len(reach))
        weight, reach = (
            np.concatenate([each, np.zeros((count - len(each), each.shape[1]))])
            for each in (weight, reach)
        )
        nothing, whole = np.zeros(face.shape[1]), count == hi - lo
        ends.append(
            (
                (weight * reach).sum(axis=0),
                weight[-1] * upper[-1] if whole else nothing,
                reach[-1] if whole else nothing,
                upper[-1],
            )
        )
        weights.append(weight)
        reaches.append(reach)
        near.append(near[-1] + count)
    return (
        np.concatenate(weights).reshape(-1),
        np.concatenate(reaches).reshape(-1),
        np.array(near),
        Ends(*(np.array(each) for each in zip(*ends))),
    )


def _uncut(
    face, pivot, s: float, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, Ends]:
    """The same where nothing is beyond the one block."""
    return np.empty(0), np.empty(0), np.zeros(2, dtype=np.int64), Ends(*np.zeros((4, 1, 1)))


def _products(first: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Planes first, first f0, first f0 f1, ... as far as any of them is above round-off."""
    planes = [first[0]]
    for factor in factors:
        planes.append(planes[-1] * factor)
        if np.abs(planes[-1]).max() <= ROUND_OFF:
            break
    return np.array(planes)
