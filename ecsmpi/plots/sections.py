"""Sections through frames: what a picture or a movie reads of a file, and words for it."""

from __future__ import annotations

import numpy as np

from ecsmpi.description.grid import AXES
from ecsmpi.plots.drawable import Drawable
from ecsmpi.plots.labels import MICRO, species_label


def axis_of(frames: Drawable, axis: str | None) -> str:
    """Return the axis to look along: as given, or the only one that has a single voxel, or z."""
    if axis is not None and axis not in AXES:
        raise ValueError(f"axis must be x, y or z, got {axis!r}")
    single = [letter for letter, count in zip(AXES, frames.box.shape) if count == 1]
    return axis or (single[0] if len(single) == 1 else "z")


class Sections:
    """Reads sections of some species, each frame once where it is asked for once.

    Parameters
    ----------
    frames
        The frames.
    species : list of str
        The species.
    axis : str
        "x", "y" or "z": the axis across the section.
    at : float or None
        Coordinate (um) of the layer of voxels; None for the mean over the axis.
    change : bool
        Whether a section is the difference to that of the first frame.

    Attributes
    ----------
    magnitude : list of float
        Of a change: the greatest finite value of each species' first section (mM); else 0.
    plane : (across, up)
        Numbers of the axes of the image.
    extent : (left, right, bottom, top)
        In um.
    """

    def __init__(
        self, frames: Drawable, species: list[str], axis: str, at: float | None, change: bool
    ):
        self.frames = frames
        self.species = species
        self.axis = axis
        self.at = at
        across, up = (a for a in range(3) if AXES[a] != axis)
        lo, hi = frames.box.lo, frames.box.hi
        self.plane = across, up
        self.extent = lo[across], hi[across], lo[up], hi[up]
        self.magnitude = [0.0] * len(species)
        self._first: list[np.ndarray] | None = None
        if change:
            self._first = [self._section(name, 0) for name in species]
            self.magnitude = [_greatest(one) for one in self._first]

    def read(self, index: int) -> list[np.ndarray]:
        """Return the section of each species, (across, up) mM, of a frame."""
        if self._first is None:
            return [self._section(name, index) for name in self.species]
        if index == 0:
            return [one - one for one in self._first]
        with np.errstate(invalid="ignore"):  # infinite values stay no numbers
            pairs = zip(self.species, self._first)
            return [self._section(name, index) - first for name, first in pairs]

    def _section(self, name: str, index: int) -> np.ndarray:
        return self.frames.section(name, index, self.axis, self.at)

    @property
    def labels(self) -> list[str]:
        """The species with their charges."""
        return [species_label(name, self.frames.charges.get(name, 0)) for name in self.species]

    @property
    def between(self) -> tuple[float, float]:
        """The coordinates along the axis (um) between which the section lies."""
        a = AXES.index(self.axis)
        box = self.frames.box
        if self.at is None:
            return box.lo[a], box.hi[a]
        below = box.lo[a] + box.spacing[a] * self.frames.layer(self.axis, self.at)
        return below, below + box.spacing[a]

    def described(self) -> str:
        """Say in words what the section shows."""
        a = AXES.index(self.axis)
        if self.frames.box.shape[a] == 1 and self.frames.voxels != "all voxels":
            return self.frames.voxels.replace(" um", f" {MICRO}")
        if self.at is None:
            return f"mean over {self.axis}"
        low, high = self.between
        return f"{self.axis} = {(low + high) / 2:g} {MICRO}"

    def centres(self) -> list[np.ndarray]:
        """Centres of the voxels across and up (um)."""
        box = self.frames.box
        return [box.lo[a] + box.spacing[a] * (np.arange(box.shape[a]) + 0.5) for a in self.plane]


def _greatest(values: np.ndarray) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max(initial=0.0))
