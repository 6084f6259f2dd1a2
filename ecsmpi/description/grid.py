"""The box of the extracellular space and its voxels: integers and coordinates, nothing else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

AXES = "xyz"

MOST_VOXELS = 2**31  # along one axis
MOST_IN_ALL = 2**50  # 8 PiB of numbers
LINE = 64  # bytes of a cache line, and of the longest vector


def aligned_zeros(shape: tuple[int, ...]) -> np.ndarray:
    """Zeros (float64) whose memory begins with a cache line.

    A vector that lies across two cache lines takes twice as long to load.
    """
    size = math.prod(shape)
    memory = np.zeros(size + LINE // 8)
    begin = -memory.ctypes.data % LINE // 8
    aligned: np.ndarray = memory[begin : begin + size].reshape(shape)
    return aligned


def finite(name: str, value: Any) -> float:
    """``value`` as a finite float; ValueError names it where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return number


def each_axis(name: str, value: Any) -> tuple[float, float, float]:
    """Three finite numbers, one for each axis, from one number or three.

    Raises ValueError that names the value.
    """
    is_sequence = hasattr(value, "__len__") and np.ndim(value) > 0
    values = tuple(value) if is_sequence else (value, value, value)
    if len(values) != 3 or isinstance(value, str):
        raise ValueError(f"{name} must be a number or (dx, dy, dz), got {value!r}")
    x, y, z = (finite(name, number) for number in values)
    return x, y, z


def spacing_of(dx: Any) -> tuple[float, float, float]:
    """Edge lengths of a voxel (um) from rxd's ``dx``: one number, or one for each axis."""
    spacing = each_axis("dx", dx)
    if min(spacing) <= 0:
        raise ValueError(f"dx must be > 0 um along each axis, got {dx!r}")
    return spacing


@dataclass(frozen=True)
class Box:
    """A box of voxels.

    Parameters
    ----------
    lo : (3,) float
        Lower corner (um).
    spacing : (3,) float
        Edges of a voxel (um).
    shape : (3,) int
        Number of voxels along each axis.

    Raises
    ------
    ValueError
        For a box without voxels, or with more than any machine holds.
    """

    lo: tuple[float, float, float]
    spacing: tuple[float, float, float]
    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        each_axis("lo", self.lo)
        spacing_of(self.spacing)
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(
                f"a box needs at least one voxel along each of x, y, z, got {self.shape}"
            )
        if self.voxels > MOST_IN_ALL:
            raise ValueError(
                f"a box of {self.voxels:.3g} voxels is more than any machine holds: "
                f"choose a larger dx, got {self.spacing} um"
            )

    @classmethod
    def spanning(cls, lo: Sequence[Any], hi: Sequence[Any], dx: Any) -> Box:
        """The smallest box of whole voxels from ``lo`` that covers ``hi``, as NEURON counts them.

        Parameters
        ----------
        lo, hi : (3,)
            Lower and upper corner (um).
        dx : number, or (3,)
            Edges of a voxel (um).

        Returns
        -------
        Box

        Raises
        ------
        ValueError
            Names the argument, its value and its bound.
        """
        spacing = spacing_of(dx)
        lower = [finite(f"{axis}lo", low) for axis, low in zip(AXES, lo, strict=True)]
        upper = [finite(f"{axis}hi", high) for axis, high in zip(AXES, hi, strict=True)]
        for axis, low, high in zip(AXES, lower, upper):
            if high <= low:
                raise ValueError(
                    f"{axis}hi must be greater than {axis}lo, got {axis}lo={low}, {axis}hi={high}"
                )
        edges = zip(lower, upper, spacing)
        nx, ny, nz = (_voxels(high - low, edge) for low, high, edge in edges)
        return cls((lower[0], lower[1], lower[2]), spacing, (nx, ny, nz))

    @cached_property
    def hi(self) -> tuple[float, float, float]:
        """Upper corner (um): a whole number of voxels above ``lo``."""
        x, y, z = (low + h * n for low, h, n in zip(self.lo, self.spacing, self.shape))
        return x, y, z

    @property
    def plane(self) -> int:
        """Number of voxels in a plane across x."""
        return self.shape[1] * self.shape[2]

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def voxel_volume(self) -> float:
        """Volume of a voxel, cells included (um3)."""
        return math.prod(self.spacing)

    def overlaps(self, other: Box) -> bool:
        """Whether the two boxes have a part of space in common; boxes that touch do not.

        Parameters
        ----------
        other : Box
            The other box.

        Returns
        -------
        bool
        """
        intervals = zip(self.lo, self.hi, other.lo, other.hi)
        return all(lo < other_hi and other_lo < hi for lo, hi, other_lo, other_hi in intervals)

    def centre(self, i: int, j: int, k: int) -> tuple[float, float, float]:
        """Centre of a voxel.

        Parameters
        ----------
        i, j, k
            Numbers of the voxel along x, y and z, from 0.

        Returns
        -------
        tuple of float
            (x, y, z) in um.
        """
        index = (i, j, k)
        x, y, z = (low + (n + 0.5) * h for low, n, h in zip(self.lo, index, self.spacing))
        return x, y, z

    def index_of(self, points: ArrayLike) -> np.ndarray:
        """Flat index (C order) of the voxel that holds each point; -1 outside the box.

        A point on the upper face belongs to the last voxel, where NEURON would index past the end
        of its array.

        Parameters
        ----------
        points : (count, 3) float
            Places (um).

        Returns
        -------
        ndarray
            (count,) indices.
        """
        points = np.asarray(points, dtype=float).reshape(-1, 3)
        lo, hi = np.array(self.lo), np.array(self.hi)
        inside: np.ndarray = np.all((points >= lo) & (points <= hi), axis=1)
        places = (np.where(inside[:, None], points, lo) - lo) / np.array(self.spacing)
        ijk = np.minimum(places.astype(np.int64), np.array(self.shape) - 1)
        _, ny, nz = self.shape
        return np.where(inside, (ijk[:, 0] * ny + ijk[:, 1]) * nz + ijk[:, 2], -1)


def _voxels(length: float, edge: float) -> int:
    """How many voxels cover a length (um)."""
    if length / edge > MOST_VOXELS:
        raise ValueError(
            f"dx = {edge:g} um makes more than {MOST_VOXELS} voxels of {length:g} um: enlarge it"
        )
    return math.ceil(length / edge)
