"""This rank's share of a box's tissue, and what the faces between its voxels conduct."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecsmpi.description.grid import Box, aligned_zeros
from ecsmpi.description.model import FACE_AVERAGES, Tissue
from ecsmpi.description.profiles import Profile, check_range
from ecsmpi.solver.halo import Halo

PROPERTIES = ("volume_fraction", "permeability")


class SlabTissue:
    """Volume fraction and permeability of a slab.

    They change with `change`, which counts a version up.

    Parameters
    ----------
    box : Box
        The box.
    planes : (int, int)
        The slab's planes [lo, hi).
    tissue : Tissue
        The description that is evaluated here; ValueError names the first voxel out of range.

    Attributes
    ----------
    description : Tissue
        The tissue as described.
    volume_fraction, permeability : float or (n, ny, nz) float
        Numbers where the tissue is the same everywhere.
    version : int
        How often they were given other numbers.
    live : bool
        Whether the description may change its numbers by itself, which is alike on all ranks.
    """

    def __init__(self, box: Box, planes: tuple[int, int], tissue: Tissue):
        self._box = box
        self._planes = planes
        self.version = 1
        self.description = tissue
        self.volume_fraction = self._evaluate("volume_fraction", tissue.volume_fraction)
        self.permeability = self._evaluate("permeability", tissue.permeability)
        self.live = any(profile.live for profile in tissue.profiles)

    def change(self, tissue: Tissue) -> None:
        """Become another tissue. Local; ValueError names the first voxel out of range."""
        renewed = {}
        for name in PROPERTIES:
            described = getattr(tissue, name)
            if described is not getattr(self.description, name) or _is_live(described):
                renewed[name] = self._evaluate(name, described)
        vars(self).update(renewed)
        self.description = tissue
        self.version += 1
        self.live = any(profile.live for profile in tissue.profiles)

    def _evaluate(self, name: str, described: float | Profile) -> Any:
        if not isinstance(described, Profile):
            return described
        values = np.ascontiguousarray(described.planes(self._box, *self._planes), dtype=float)
        check_range(name, values, self._planes[0])
        return values

    def state_arrays(self) -> dict[str, np.ndarray]:
        """{property: (n, ny, nz)} of those that are a State, as the solver has them. Local.

        Call `refilled` after writing to them.
        """
        found = {}
        for name in PROPERTIES:
            if _is_live(getattr(self.description, name)):
                found[name] = getattr(self, name)
        return found

    def refilled(self) -> None:
        """Count a version up, since the arrays of `state_arrays` have been filled. Local."""
        self.version += 1

    @property
    def copies_keep_volume(self) -> bool:
        """Whether copies of voxels at segments keep their volume while the voxels' volume changes.

        So it is in NEURON where a State is the volume fraction: what reactions at a membrane do to
        a voxel does not depend on it.
        """
        return _is_live(self.description.volume_fraction) and not self.description.conserve_mass

    @property
    def stale(self) -> bool:
        """Whether what is live in the description has other numbers now. Local."""
        for name, values in self.state_arrays().items():
            described = getattr(self.description, name)
            if not np.array_equal(described.planes(self._box, *self._planes), values):
                return True
        return False

    def conductivity(self, voxels: np.ndarray) -> np.ndarray:
        """Volume fraction times permeability of some voxels, given by flat index into the slab."""
        product = np.asarray(self.volume_fraction * self.permeability)
        if product.ndim:
            return product.reshape(-1)[voxels]
        return np.full(voxels.size, float(product))

    def whole(self, values: float | np.ndarray) -> np.ndarray:
        """A number or an array of this slab as an array (n, ny, nz)."""
        lo, hi = self._planes
        return np.array(np.broadcast_to(values, (hi - lo, *self._box.shape[1:])), dtype=float)


def _is_live(described: float | Profile) -> bool:
    return getattr(described, "live", False)


def _neuron(a, a_next, permeability, permeability_next):
    """neuron.rxd's rule: the higher voxel's permeability, the harmonic mean of the fractions."""
    return permeability_next * (2 * a * a_next / (a + a_next))


def _symmetric(a, a_next, permeability, permeability_next):
    """The harmonic mean of their products: what two halves of voxels conduct in series."""
    here, there = a * permeability, a_next * permeability_next
    total = here + there
    return 2 * here * there / np.where(total > 0, total, 1.0)


RULES = dict(zip(FACE_AVERAGES, (_neuron, _symmetric)))


class Conductances:
    """What heterogeneous tissue conducts, as the sweeps read it: flat. Making it is collective.

    Parameters
    ----------
    comm
        Communicator of the slabs' owners.
    box : Box
        The box.
    tissue : SlabTissue
        The slab's tissue.

    Attributes
    ----------
    shape : (int, int, int)
        (n, ny, nz) of the slab.
    capacity : (voxels,) float
        Volume fraction of each voxel, which turns its concentration into an amount.
    x, y, z : (voxels + stride,) float
        M of the face below each voxel, zero at the box's faces. M times D/h is the flux (per area)
        for a difference of 1.
    """

    def __init__(self, comm, box: Box, tissue: SlabTissue):
        a = _with_ghosts(comm, tissue.whole(tissue.volume_fraction))
        permeability = _with_ghosts(comm, tissue.whole(tissue.permeability))
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


def _with_ghosts(comm, owned: np.ndarray) -> np.ndarray:
    whole = np.empty((len(owned) + 2, *owned.shape[1:]))
    whole[1:-1] = owned
    halo = Halo(comm, whole)
    halo.start()
    halo.finish()
    halo.free()
    return whole
