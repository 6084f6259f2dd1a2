"""This rank's share of a box's tissue, and what its faces conduct."""

from __future__ import annotations

import numpy as np

from ecsmpi.description.grid import Box, aligned_zeros
from ecsmpi.description.model import FACE_AVERAGES, Tissue
from ecsmpi.description.profiles import Profile, check_range
from ecsmpi.solver.halo import Halo
from ecsmpi.solver.registers import TILE


class SlabTissue:
    """Volume fraction and permeability of a slab: numbers where they are the same everywhere, else
    (n, ny, nz).

    They change with `change`, which counts a version up. live: whether the description may become
    other numbers by itself, which is alike on all ranks.
    """

    def __init__(self, box: Box, planes: tuple[int, int], tissue: Tissue):
        self._box, self._planes, self.version, self.description = box, planes, 0, None
        self.change(tissue)

    def change(self, tissue: Tissue) -> None:
        """Become another tissue. Local; ValueError names the first voxel out of range."""
        renewed = {}
        for name in ("volume_fraction", "permeability"):
            given, before = getattr(tissue, name), getattr(self.description, name, None)
            if given is not before or getattr(given, "live", False):
                renewed[name] = self._evaluate(name, given)
        vars(self).update(renewed)
        self.description, self.version = tissue, self.version + 1
        self.live = any(profile.live for profile in tissue.profiles)

    def _evaluate(self, name: str, given):
        if not isinstance(given, Profile):
            return given
        values = np.ascontiguousarray(given.planes(self._box, *self._planes), dtype=float)
        check_range(name, values, self._planes[0])
        return values

    def followed(self) -> dict[str, np.ndarray]:
        """(n, ny, nz) of what is live, as the solver has it since the last change; call `refilled`
        after writing to it. Local.
        """
        return {
            name: getattr(self, name)
            for name in ("volume_fraction", "permeability")
            if getattr(getattr(self.description, name), "live", False)
        }

    def refilled(self) -> None:
        """What is live has been given other numbers. Local."""
        self.version += 1

    @property
    def copies_keep_volume(self) -> bool:
        """Whether copies of voxels at segments stay as large as they were made, while the voxels
        become larger or smaller.

        So it is in NEURON where a State is the volume fraction: what reactions at a membrane do to
        a voxel does not depend on it.
        """
        return (
            getattr(self.description.volume_fraction, "live", False)
            and not self.description.conserve_mass
        )

    @property
    def stale(self) -> bool:
        """Whether what is live in the description has other numbers now. Local."""
        return any(
            given.live and not np.array_equal(given.planes(self._box, *self._planes), here)
            for given, here in (
                (self.description.volume_fraction, self.volume_fraction),
                (self.description.permeability, self.permeability),
            )
            if isinstance(given, Profile)
        )

    def conductivity(self, voxels: np.ndarray) -> np.ndarray:
        """Volume fraction times permeability of some voxels of the slab, flat."""
        product = np.asarray(self.volume_fraction * self.permeability)
        return product.reshape(-1)[voxels] if product.ndim else np.full(voxels.size, float(product))

    def whole(self, values) -> np.ndarray:
        """A number or an array of this slab as an array (n, ny, nz)."""
        lo, hi = self._planes
        return np.array(np.broadcast_to(values, (hi - lo, *self._box.shape[1:])), dtype=float)


def _neuron(a, a_next, permeability, permeability_next):
    """The permeability of the higher voxel, and the harmonic mean of the volume fractions:
    neuron.rxd's rule.
    """
    return permeability_next * (2 * a * a_next / (a + a_next))


def _symmetric(a, a_next, permeability, permeability_next):
    """The harmonic mean of their products: what two halves of voxels conduct in series."""
    here, there = a * permeability, a_next * permeability_next
    total = here + there
    return 2 * here * there / np.where(total > 0, total, 1.0)


RULES = dict(zip(FACE_AVERAGES, (_neuron, _symmetric)))


class Conductances:
    """What the sweeps of varying_kernels.py need of a tissue, flat.

    capacity: (voxels,) volume fractions. x, y, z: (voxels + stride,) M of the face below each
    voxel, zero at the box's faces; M times D/h is the flux (per area) for a difference of 1.
    z_tiled: M along z as `tiled` lays it out.
    """

    def __init__(self, comm, box: Box, tissue: SlabTissue):
        """Collective. comm: of the slabs' owners."""
        a, permeability = (
            _with_ghosts(comm, tissue.whole(each))
            for each in (tissue.volume_fraction, tissue.permeability)
        )
        between = RULES[tissue.description.face_average]
        self.tissue = tissue
        n, ny, nz = self.shape = (len(a) - 2, *box.shape[1:])
        voxels = n * ny * nz
        self.capacity = aligned_zeros((voxels,))
        self.capacity[:] = a[1:-1].reshape(-1)
        self.x, self.y, self.z = (aligned_zeros((voxels + stride,)) for stride in (ny * nz, nz, 1))
        x = self.x.reshape(n + 1, ny, nz)
        x[:] = between(a[:-1], a[1:], permeability[:-1], permeability[1:])
        if comm.rank == 0:
            x[0] = 0.0
        if comm.rank == comm.size - 1:
            x[-1] = 0.0
        a, permeability = a[1:-1], permeability[1:-1]
        y, z = (faces[:voxels].reshape(self.shape) for faces in (self.y, self.z))
        y[:, 1:] = between(a[:, :-1], a[:, 1:], permeability[:, :-1], permeability[:, 1:])
        z[..., 1:] = between(a[..., :-1], a[..., 1:], permeability[..., :-1], permeability[..., 1:])
        self.z_tiled = tiled(self.z[:voxels], self.shape)


def _with_ghosts(comm, owned: np.ndarray) -> np.ndarray:
    whole = np.empty((len(owned) + 2, *owned.shape[1:]))
    whole[1:-1] = owned
    halo = Halo(comm, whole)
    halo.start()
    halo.finish()
    halo.free()
    return whole


def tiled(values: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """(n, ny, nz) flat as (n, tiles, nz, TILE) flat: TILE z-lines side by side; zero where the last
    tile has no lines.
    """
    n, ny, nz = shape
    tiles = -(-ny // TILE)
    padded = np.zeros((n, tiles * TILE, nz))
    padded[:, :ny] = values.reshape(shape)
    out = aligned_zeros((n, tiles, nz, TILE))
    out[:] = padded.reshape(n, tiles, TILE, nz).swapaxes(2, 3)
    return out.reshape(-1)
