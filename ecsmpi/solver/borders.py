"""The voxels of a slab at faces with a condition: next to baths, or held at a value.

A bath beyond a membrane of permeability P (um/ms) adds dt P/h (bath - u) to the right-hand side,
half of it implicitly. Its conductance is in series with that of half a voxel, so that the
concentration at the face itself is what the bath sees. A held voxel has 2**600 on the diagonal and
2**600 (value - u) on the right-hand side, beside which everything else vanishes, so that its
increment is d = value - u.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.boundaries import Bath, Faces, Held
from ecsmpi.description.grid import Box, aligned_zeros
from ecsmpi.solver.tissue import SlabTissue

# the capacity of a held voxel; a power of two, so that dividing by it again is exact
ENDLESS = 2.0**600


class BorderVoxels:
    """The voxels of a slab at faces with a condition: an entry for each face that acts on a voxel.

    Parameters
    ----------
    faces : Faces or None
        The face conditions; with None there are no entries.
    box : Box
        The box.
    planes : (int, int)
        The slab's planes [lo, hi).
    d : tuple of float
        um2/ms along x, y, z, before the permeability of the tissue.
    tissue : SlabTissue
        The slab's tissue.

    Attributes
    ----------
    voxel : (entries,) int
        Flat index into the slab, ascending.
    face : (entries,) int
        Number of the face that acts on the voxel.
    held : (entries,) bool
        Whether the voxel is held at a value.
    kinds : tuple
        Of each face: None, "held", or the permeability of a bath's membrane. All but ``values``
        follows from these, so that species of the same kinds have the same factors.
    values : (entries,) float
        Value of the bath, or that the voxel is held at, in a step (mM), after `renew`.
    """

    def __init__(
        self,
        faces: Faces | None,
        box: Box,
        planes: tuple[int, int],
        d: tuple[float, float, float],
        tissue: SlabTissue,
    ):
        self._conditions = faces.conditions if faces else (None,) * 6
        lo, hi = planes
        shape = (hi - lo, *box.shape[1:])
        sides = []
        for face in range(6):
            sides.append(_side(face, shape, lo == 0, hi == box.shape[0]))
        held_by = np.full(shape, -1, dtype=np.int8)
        for face in reversed(range(6)):  # later writes win: zhi first, xlo last
            if isinstance(self._conditions[face], Held):
                held_by[sides[face]] = face
        voxels = [np.zeros(0, dtype=np.int64)]
        face_numbers = [np.zeros(0, dtype=np.int64)]
        for face, condition in enumerate(self._conditions):
            if condition is None:
                continue
            at_face = np.zeros(shape, dtype=bool)
            at_face[sides[face]] = True
            holder = face if isinstance(condition, Held) else -1
            found = np.flatnonzero(at_face & (held_by == holder))
            voxels.append(found)
            face_numbers.append(np.full(found.size, face))
        voxel = np.concatenate(voxels)
        order = np.argsort(voxel, kind="stable")
        self.voxel = voxel[order]
        self.face = np.concatenate(face_numbers)[order]
        self.held = held_by.reshape(-1)[self.voxel] >= 0
        self.kinds = tuple(_kind(condition) for condition in self._conditions)
        self._conductance = self._series_conductance(box, d, tissue)
        self._at_faces = np.zeros(6)
        self.values = np.zeros(voxel.size)

    def _series_conductance(
        self, box: Box, d: tuple[float, float, float], tissue: SlabTissue
    ) -> np.ndarray:
        """(entries,) conductance per voxel volume (1/ms): the bath in series with half a voxel.

        It is 0 where a voxel is held.
        """
        membrane_of_face = np.zeros(6)
        for face, condition in enumerate(self._conditions):
            if isinstance(condition, Bath):
                membrane_of_face[face] = condition.permeability
        membrane = membrane_of_face[self.face]  # um/ms
        axis = self.face // 2
        h = np.array(box.spacing)[axis]
        inside = 2 * np.array(d)[axis] * tissue.conductivity(self.voxel) / h  # um/ms
        through = np.maximum(membrane + inside, np.finfo(float).tiny)
        return membrane * inside / through / h

    def renew(self, t: float, dt: float) -> None:
        """Set ``values`` for a step of dt that ends at t (ms)."""
        for face, condition in enumerate(self._conditions):
            if condition is not None:
                self._at_faces[face] = condition.at(t, dt)
        np.take(self._at_faces, self.face, out=self.values, mode="clip")

    def strength(self, dt: float) -> np.ndarray:
        """(entries,) conductance times dt; ENDLESS where the voxel is held."""
        return np.where(self.held, ENDLESS, self._conductance * dt)

    def capacity(self, capacity: np.ndarray) -> np.ndarray:
        """The voxels' capacities (volume fractions), ENDLESS where they are held."""
        if not self.held.any():
            return capacity
        with_held = aligned_zeros((capacity.size,))
        with_held[:] = capacity
        with_held[self.voxel[self.held]] = ENDLESS
        return with_held

    def diagonal(self, axis: int, dt: float, capacity: np.ndarray) -> np.ndarray:
        """The capacities, plus the implicit half of the baths at the two faces of an axis."""
        baths = (self.face // 2 == axis) & ~self.held
        if baths.any():
            capacity = capacity.copy()
            np.add.at(capacity, self.voxel[baths], 0.5 * self._conductance[baths] * dt)
        return capacity


def _kind(condition: Held | Bath | None) -> str | float | None:
    if isinstance(condition, Bath):
        return condition.permeability
    return None if condition is None else "held"


def _side(face: int, shape: tuple[int, ...], is_lowest: bool, is_highest: bool) -> tuple:
    """Index of the voxels of a slab at a face of the box: none where the slab does not reach it."""
    axis, upper = divmod(face, 2)
    if axis == 0 and not (is_highest if upper else is_lowest):
        return (slice(0, 0),)
    border = slice(-1, None) if upper else slice(0, 1)
    return (slice(None),) * axis + (border,)
