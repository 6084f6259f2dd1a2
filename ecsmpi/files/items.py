"""What a script may choose to write of a species, for `observers.Output`.

    Field(k)                                    all voxels
    Subvolume(k, x=(0, 200), stride=2)          every second voxel along each axis, x from 0 to 200 um
    Slice(k, z=0)                               the layer of voxels that holds z = 0 um
    Mean(k, axis="z")                           the mean over z

species is a species or its name. All take ``region`` (None for every one of the species), ``every``
(ms between frames; None for the file's), ``precision`` and ``compression`` (see `Encoding`); all
but Field take ``name``, that of their group
in the file, and bounds for x, y and z: (lo, hi) um for the voxels whose centres lie there, a number
for the layer that holds it, or slice(first, stop) of voxel numbers. Wrong arguments raise
ValueError that names them.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from numbers import Real

from ecsmpi.description.grid import AXES, Box, each_axis, finite
from ecsmpi.files.cadence import checked_interval
from ecsmpi.files.selection import Selection

PRECISIONS = ("float64", "float32")
SLACK = 1e-9  # of a voxel: a bound that falls on a centre but for round-off includes it


@dataclass(frozen=True)
class Encoding:
    """How numbers are stored: precision, float64 or float32, and compression, from 0 (none) to 9 of
    gzip.
    """

    precision: str = "float64"
    compression: int = 0

    def __post_init__(self):
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision must be {' or '.join(PRECISIONS)}, got {self.precision!r}")
        level = finite("compression", self.compression)
        if level != int(level) or not 0 <= level <= 9:
            raise ValueError(
                f"compression must be a whole number from 0 (none) to 9, got {self.compression!r}"
            )


@dataclass(frozen=True)
class Item:
    """Voxels of one species, written every so often."""

    species: object
    _: KW_ONLY
    region: object = None
    every: float | None = None
    precision: str = "float64"
    compression: int = 0

    def __post_init__(self):
        self.encoding  # noqa: B018  is checked
        if self.every is not None:
            checked_interval(self.every)

    @property
    def encoding(self) -> Encoding:
        """How its numbers are stored."""
        return Encoding(self.precision, self.compression)


@dataclass(frozen=True)
class Field(Item):
    """All voxels."""


@dataclass(frozen=True, kw_only=True)
class Subvolume(Item):
    """A part of the box; stride: take every so many voxels, a number or one for each axis."""

    x: object = None
    y: object = None
    z: object = None
    stride: object = 1
    name: str | None = None

    def __post_init__(self):
        super().__post_init__()
        if not all(step >= 1 and step == int(step) for step in each_axis("stride", self.stride)):
            raise ValueError(f"stride must be a whole number of at least 1, got {self.stride!r}")

    def selection(self, box: Box) -> Selection:
        """Its voxels of a box."""
        bounds = zip(range(3), (self.x, self.y, self.z), each_axis("stride", self.stride))
        return Selection(
            box, tuple(_voxels(box, a, bound)[:: int(step)] for a, bound, step in bounds)
        )

    @property
    def kind(self) -> str:
        """What its group is called after the species, where it has no name."""
        return type(self).__name__.lower()


@dataclass(frozen=True, kw_only=True)
class Slice(Subvolume):
    """One layer of voxels: x, y or z is a number."""

    def __post_init__(self):
        super().__post_init__()
        if len(self._across()) != 1:
            raise ValueError(
                f"a slice is at one number (um) of x, y or z, such as Slice({self.species}, z=0); "
                f"got x={self.x!r}, y={self.y!r}, z={self.z!r}"
            )

    def _across(self) -> str:
        return "".join(
            axis for axis, at in zip(AXES, (self.x, self.y, self.z)) if isinstance(at, Real)
        )

    @property
    def kind(self) -> str:
        """Such as slice_z."""
        return f"slice_{self._across()}"


@dataclass(frozen=True, kw_only=True)
class Mean(Subvolume):
    """The mean over an axis."""

    axis: str

    def __post_init__(self):
        super().__post_init__()
        if self.axis not in tuple(AXES):
            raise ValueError(f"axis must be x, y or z, got {self.axis!r}")

    def selection(self, box: Box) -> Selection:
        """Its voxels of a box."""
        return Selection(box, super().selection(box).ranges, self.axis)

    @property
    def kind(self) -> str:
        """Such as mean_z."""
        return f"mean_{self.axis}"


def _voxels(box: Box, a: int, bound) -> range:
    """The voxels along axis number a within a bound."""
    axis, every = AXES[a], range(box.shape[a])
    if bound is None:
        return every
    if isinstance(bound, slice):
        if bound.step is not None:
            raise ValueError(f"{axis} = {bound}: give the step as stride={bound.step}")
        return _some(every[bound], axis, bound, f"0 to {box.shape[a] - 1}")
    if isinstance(bound, Real):
        return _layer(box, a, bound)
    if not (hasattr(bound, "__len__") and len(bound) == 2) or isinstance(bound, str):
        raise ValueError(
            f"{axis} must be a number, (lo, hi) in um or slice(first, stop) of voxels, got {bound!r}"
        )
    lo, hi = (finite(axis, end) for end in bound)
    first = math.ceil((lo - box.lo[a]) / box.spacing[a] - 0.5 - SLACK)
    last = math.floor((hi - box.lo[a]) / box.spacing[a] - 0.5 + SLACK)
    ends = f"{box.lo[a]:g} to {box.hi[a]:g} um"
    return _some(range(max(first, 0), min(last + 1, box.shape[a])), axis, bound, ends)


def _layer(box: Box, a: int, at) -> range:
    at = finite(AXES[a], at)
    if not box.lo[a] <= at <= box.hi[a]:
        raise ValueError(
            f"{AXES[a]} = {at:g} um is outside the box, which goes from {box.lo[a]:g} to {box.hi[a]:g} um"
        )
    layer = min(int((at - box.lo[a]) / box.spacing[a]), box.shape[a] - 1)
    return range(layer, layer + 1)


def _some(chosen: range, axis: str, bound, ends: str) -> range:
    if not chosen:
        raise ValueError(
            f"{axis} = {bound} has no voxel (by its centre) of the box, whose {axis} goes from {ends}"
        )
    return chosen
