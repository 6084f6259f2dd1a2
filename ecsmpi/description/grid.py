"""The box of the extracellular space and its voxels: integers and coordinates, nothing else."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

AXES = "xyz"


MOST_VOXELS = 2**31  # along one axis
MOST_IN_ALL = 2**50  # 8 PiB of numbers
LINE = 64  # bytes of a cache line, and of the longest vector


def aligned_zeros(shape) -> np.ndarray:
    """Zeros whose memory begins with a cache line: vectors across two lines take twice as long."""
    size = math.prod(shape)
    memory = np.zeros(size + LINE // 8)
    begin = -memory.ctypes.data % LINE // 8
    return memory[begin : begin + size].reshape(shape)


def _voxels(length: float, h: float) -> int:
    if length / h > MOST_VOXELS:
        raise ValueError(
            f"dx = {h:g} um makes more than {MOST_VOXELS} voxels of {length:g} um: enlarge it"
        )
    return math.ceil(length / h)


def finite(name: str, value) -> float:
    """A finite number from ``value``; ValueError names it else."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} must be a number, got {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name} must be finite, got {value!r}")
    return number


def each_axis(name: str, value) -> tuple[float, float, float]:
    """Three finite numbers, one for each axis, from one number or three."""
    values = tuple(value) if hasattr(value, "__len__") and np.ndim(value) else (value, value, value)
    if len(values) != 3 or isinstance(value, str):
        raise ValueError(f"{name} must be a number or (dx, dy, dz), got {value!r}")
    return tuple(finite(name, number) for number in values)


def spacing_of(dx) -> tuple[float, float, float]:
    """Edge lengths of a voxel from rxd's ``dx``: one number, or one for each axis (um)."""
    spacing = each_axis("dx", dx)
    if min(spacing) <= 0:
        raise ValueError(f"dx must be > 0 um along each axis, got {dx!r}")
    return spacing


@dataclass(frozen=True)
class Box:
    """A box of ``shape`` voxels of edge ``spacing`` (um) whose lower corner is ``lo`` (um)."""

    lo: tuple[float, float, float]
    spacing: tuple[float, float, float]
    shape: tuple[int, int, int]

    def __post_init__(self):
        each_axis("lo", self.lo)
        spacing_of(self.spacing)
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(
                f"a box needs at least one voxel along each of x, y, z, got {self.shape}"
            )
        if self.voxels > MOST_IN_ALL:
            raise ValueError(
                f"a box of {self.voxels:.3g} voxels is more than any machine holds: choose a larger dx, got {self.spacing} um"
            )

    @classmethod
    def spanning(cls, lo, hi, dx) -> Box:
        """The smallest box of whole voxels from ``lo`` that covers ``hi`` (um), as NEURON counts
        them.

        dx: a number, or one for each axis (um). Raises ValueError naming the argument, its value
        and its bound.
        """
        spacing = spacing_of(dx)
        lo = tuple(finite(f"{axis}lo", low) for axis, low in zip(AXES, lo, strict=True))
        hi = tuple(finite(f"{axis}hi", high) for axis, high in zip(AXES, hi, strict=True))
        for axis, low, high in zip(AXES, lo, hi):
            if high <= low:
                raise ValueError(
                    f"{axis}hi must be greater than {axis}lo, got {axis}lo={low}, {axis}hi={high}"
                )
        shape = tuple(_voxels(high - low, h) for low, high, h in zip(lo, hi, spacing))
        return cls(lo, spacing, shape)

    @cached_property
    def hi(self) -> tuple[float, float, float]:
        """Upper corner (um): a whole number of voxels above ``lo``."""
        return tuple(low + h * n for low, h, n in zip(self.lo, self.spacing, self.shape))

    @property
    def plane(self) -> int:
        """Voxels of a plane across x."""
        return self.shape[1] * self.shape[2]

    @property
    def voxels(self) -> int:
        """Number of voxels."""
        return math.prod(self.shape)

    @property
    def voxel_volume(self) -> float:
        """Volume of a voxel, tissue and all (um3)."""
        return math.prod(self.spacing)

    def centre(self, i: int, j: int, k: int) -> tuple[float, float, float]:
        """Centre of voxel (i, j, k) in um."""
        return tuple(
            low + (index + 0.5) * h for low, index, h in zip(self.lo, (i, j, k), self.spacing)
        )

    def index_of(self, points: np.ndarray) -> np.ndarray:
        """Flat index (C order) of the voxel that holds each point; -1 outside the box.

        points: (count, 3) in um. A point on the upper face belongs to the last voxel, where NEURON
        would index past the end of its array.
        """
        points = np.asarray(points, dtype=float).reshape(-1, 3)
        lo, hi = np.array(self.lo), np.array(self.hi)
        inside = ((points >= lo) & (points <= hi)).all(axis=1)
        ijk = ((np.where(inside[:, None], points, lo) - lo) / np.array(self.spacing)).astype(
            np.int64
        )
        ijk = np.minimum(ijk, np.array(self.shape) - 1)
        _, ny, nz = self.shape
        return np.where(inside, (ijk[:, 0] * ny + ijk[:, 1]) * nz + ijk[:, 2], -1)
