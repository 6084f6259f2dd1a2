"""The amount of a species in a slab, and what has changed it since the beginning.

    stored = stored at the beginning + came in + reacted + through the walls

What passes any face of the box counts as through the walls. Amounts are in amol, which is mM um3.
Totals over many steps are compensated (Neumaier 1974, ZAMM 54:39), so that they are as exact as the
amounts of a step. Nothing here talks to other ranks.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.boundaries import Held
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec
from ecsmpi.solver.tissue import SlabTissue


class Total:
    """A compensated sum."""

    def __init__(self) -> None:
        self._sum = 0.0
        self._lost = 0.0  # what the sum could not hold

    def add(self, value: float) -> None:
        """Add a value; the digits of it that the sum cannot hold are kept apart."""
        total = self._sum + value
        if abs(self._sum) >= abs(value):
            self._lost += (self._sum - total) + value
        else:
            self._lost += (value - total) + self._sum
        self._sum = total

    @property
    def value(self) -> float:
        """The sum."""
        return self._sum + self._lost


def amount(u: np.ndarray, volume_fraction: float | np.ndarray, voxel_volume: float) -> float:
    """Amount (amol) in a slab.

    Parameters
    ----------
    u : (n, ny, nz) float
        Concentrations (mM).
    volume_fraction : float or (n, ny, nz) float
        That of the slab, or of each voxel.
    voxel_volume : float
        Volume of a voxel, tissue and all (um3).
    """
    if np.ndim(volume_fraction):
        return float(np.einsum("ijk,ijk->ij", volume_fraction, u).sum()) * voxel_volume
    return float(u.sum()) * float(volume_fraction) * voxel_volume


class Account:
    """What has changed the amount of one species in this rank's slab.

    The stepper calls it in the course of each step.

    Parameters
    ----------
    species : SpeciesSpec
        The species.
    box : Box
        The box.
    planes : (int, int)
        The slab's planes [lo, hi).
    owned : (n, ny, nz) float
        Concentrations of the slab (mM), as they change.
    local_voxels : (sources,) int
        Flat index into the slab of the voxels that any rank requests.
    tissue : SlabTissue
        The slab's tissue.

    Attributes
    ----------
    came_in, reacted, through_walls : Total
        What sources brought, reactions made and face conditions let pass (amol).
    """

    def __init__(
        self,
        species: SpeciesSpec,
        box: Box,
        planes: tuple[int, int],
        owned: np.ndarray,
        local_voxels: np.ndarray,
        tissue: SlabTissue,
    ):
        self._owned = owned
        self._tissue = tissue
        self._voxel_volume = box.voxel_volume
        self._has_face_conditions = species.wall is not None or bool(
            species.faces and species.faces.has_conditions()
        )
        # sources in held voxels do not count: the held value takes them
        is_held = on_faces(box, planes, local_voxels, _held_faces(species))
        self._counted = np.where(is_held, 0.0, 1.0)
        self.came_in = Total()
        self.reacted = Total()
        self.through_walls = Total()
        self._stored = 0.0
        self._came = 0.0

    def stored(self) -> float:
        """The amount now (amol)."""
        return amount(self._owned, self._tissue.volume_fraction, self._voxel_volume)

    def before_reactions(self) -> None:
        """Keep the amount, since reactions are about to act."""
        self._stored = self.stored()

    def after_reactions(self) -> None:
        """Record what the reactions changed."""
        self.reacted.add(self.stored() - self._stored)

    def before_diffusion(self, sources: np.ndarray) -> None:
        """Record what the sources bring, which are about to act together with diffusion.

        sources: (sources,) mM of a whole voxel, tissue and all.
        """
        self._came = float(np.dot(sources, self._counted)) * self._voxel_volume
        self.came_in.add(self._came)
        if self._has_face_conditions:
            self._stored = self.stored()

    def after_diffusion(self) -> None:
        """Record what passed the faces: the change that the sources do not explain."""
        if self._has_face_conditions:
            self.through_walls.add(self.stored() - self._stored - self._came)


def _held_faces(species: SpeciesSpec) -> list[bool]:
    """Whether the voxels of each face are held at a value, in the order of `boundaries.NAMES`."""
    if species.faces is not None:
        return [isinstance(condition, Held) for condition in species.faces.conditions]
    return [species.wall is not None] * 6


def on_faces(
    box: Box, planes: tuple[int, int], local_voxels: np.ndarray, faces: list[bool]
) -> np.ndarray:
    """(sources,) whether each voxel lies on one of some faces of the box.

    Parameters
    ----------
    box : Box
        The box.
    planes : (int, int)
        The slab's planes [lo, hi).
    local_voxels : (sources,) int
        Flat index into the slab.
    faces : list of bool
        Which of the six faces count: xlo, xhi, ylo, yhi, zlo, zhi.
    """
    _, ny, nz = box.shape
    x, rest = np.divmod(local_voxels, ny * nz)
    y, z = np.divmod(rest, nz)
    found = np.zeros(np.shape(local_voxels), dtype=bool)
    for axis, place in enumerate((x + planes[0], y, z)):
        if faces[2 * axis]:
            found |= place == 0
        if faces[2 * axis + 1]:
            found |= place == box.shape[axis] - 1
    return found
