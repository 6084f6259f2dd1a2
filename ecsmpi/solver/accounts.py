"""The amount of a species in a slab, and what has changed it since the beginning. Nothing here
talks to other ranks.

    stored = stored at the beginning + came in + reacted + through the walls

Amounts are in amol, which is mM um3. Totals over many steps are compensated (Neumaier 1974, ZAMM
54:39), so that they are as exact as the amounts of a step.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.boundaries import Held
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec
from ecsmpi.solver.tissue import SlabTissue


class Total:
    """A compensated sum."""

    def __init__(self):
        self._sum = self._lost = 0.0

    def add(self, value: float) -> None:
        """Add a value; what the sum cannot hold of it is kept apart."""
        total = self._sum + value
        larger, smaller = (self._sum, value) if abs(self._sum) >= abs(value) else (value, self._sum)
        self._lost += (larger - total) + smaller
        self._sum = total

    @property
    def value(self) -> float:
        """The sum."""
        return self._sum + self._lost


def amount(u: np.ndarray, volume_fraction, voxel_volume: float) -> float:
    """Amount (amol) in a slab u (n, ny, nz) mM; volume_fraction: a number, or one for each voxel."""
    if np.ndim(volume_fraction):
        return float(np.einsum("ijk,ijk->ij", volume_fraction, u).sum()) * voxel_volume
    return float(u.sum()) * volume_fraction * voxel_volume


class Account:
    """What has changed the amount of one ion in this rank's slab, told by the stepper in the course
    of each step.
    """

    def __init__(
        self,
        ion: SpeciesSpec,
        box: Box,
        planes: tuple[int, int],
        owned: np.ndarray,
        local_voxels: np.ndarray,
        tissue: SlabTissue,
    ):
        """local_voxels: flat index into the slab of the voxels that get sources."""
        self._owned, self._tissue, self._voxel_volume = owned, tissue, box.voxel_volume
        held, self._open_walls = (
            _held_faces(ion),
            ion.wall is not None or bool(ion.faces and ion.faces.any()),
        )
        self._counted = np.where(
            on_faces(box, planes, local_voxels, held), 0.0, 1.0
        )  # held walls take what comes there
        self.came_in, self.reacted, self.through_walls = Total(), Total(), Total()
        self._stored = self._came = 0.0

    def stored(self) -> float:
        """The amount now (amol)."""
        return amount(self._owned, self._tissue.volume_fraction, self._voxel_volume)

    def before_reactions(self) -> None:
        """Reactions are about to act."""
        self._stored = self.stored()

    def after_reactions(self) -> None:
        """They have."""
        self.reacted.add(self.stored() - self._stored)

    def before_diffusion(self, sources: np.ndarray) -> None:
        """These sources (mM of the local voxels, tissue and all) and diffusion are about to act."""
        self._came = float(np.dot(sources, self._counted)) * self._voxel_volume
        self.came_in.add(self._came)
        if self._open_walls:
            self._stored = self.stored()

    def after_diffusion(self) -> None:
        """They have: what open walls let pass is the change that the sources do not explain."""
        if self._open_walls:
            self.through_walls.add(self.stored() - self._stored - self._came)


def _held_faces(ion: SpeciesSpec) -> list[bool]:
    """Of the six faces, in the order of `boundaries.NAMES`, those whose voxels are held at a value."""
    if ion.faces is not None:
        return [isinstance(condition, Held) for condition in ion.faces.conditions]
    return [ion.wall is not None] * 6


def on_faces(
    box: Box, planes: tuple[int, int], local_voxels: np.ndarray, faces: list[bool]
) -> np.ndarray:
    """Which voxels of a slab, by flat index, lie on one of these faces: xlo, xhi, ylo and so on."""
    _, ny, nz = box.shape
    i, rest = np.divmod(local_voxels, ny * nz)
    where = (i + planes[0], *np.divmod(rest, nz))
    ends = [at == end for at, count in zip(where, box.shape) for end in (0, count - 1)]
    return np.any([end & face for end, face in zip(ends, faces)], axis=0)
