"""Items of an `rxd.Output`: which voxels of a species to write.

Field(k)                             all voxels
Subvolume(k, x=(0, 200), stride=2)   every second voxel along each axis, x from 0 to 200 um
Slice(k, z=0)                        the layer of voxels that holds z = 0 um
Mean(k, axis="z")                    the mean over z
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import TypeAlias

from ecsmpi.description.grid import AXES, Box, each_axis, finite
from ecsmpi.files.cadence import checked_interval
from ecsmpi.files.selection import Selection

# (lo, hi) um, a number (um), slice(first, stop) of voxel numbers, or None for all voxels
Bounds: TypeAlias = float | tuple[float, float] | slice | None

PRECISIONS = ("float64", "float32")
SLACK = 1e-9  # of a voxel: a bound that falls on a centre but for round-off includes it


@dataclass(frozen=True)
class Encoding:
    """How numbers are stored.

    Parameters
    ----------
    precision : str
        "float64" or "float32".
    compression : int
        Level of gzip from 0 (none) to 9.
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
    """Voxels of one species that a file has at regular times.

    Parameters
    ----------
    species
        The species, or its name.
    region
        The region; None for every region of the species.
    every : float, optional
        Time between frames (ms); None for the interval of the file.
    precision : str
        "float64" or "float32".
    compression : int
        Level of gzip from 0 (none) to 9.

    Raises
    ------
    ValueError
        Names the argument that is wrong.
    """

    species: object
    _: KW_ONLY
    region: object = None
    every: float | None = None
    precision: str = "float64"
    compression: int = 0

    def __post_init__(self):
        Encoding(self.precision, self.compression)  # raises where an argument is wrong
        if self.every is not None:
            checked_interval(self.every)

    @property
    def encoding(self) -> Encoding:
        """How the numbers are stored."""
        return Encoding(self.precision, self.compression)


@dataclass(frozen=True)
class Field(Item):
    """All voxels of a species.

    Parameters
    ----------
    species
        The species, or its name.
    region
        The region; None for every region of the species.
    every : float, optional
        Time between frames (ms); None for the interval of the file.
    precision : str
        "float64" or "float32".
    compression : int
        Level of gzip from 0 (none) to 9.

    Raises
    ------
    ValueError
        Names the argument that is wrong.
    """


@dataclass(frozen=True, kw_only=True)
class Subvolume(Item):
    """A part of the box, or every second voxel of it, and the like.

    Parameters
    ----------
    species
        The species, or its name.
    x, y, z
        Bounds along each axis: (lo, hi) um for the voxels whose centres lie there, a number (um)
        for the layer of voxels that holds it, ``slice(first, stop)`` of voxel numbers, or None for
        all voxels.
    stride
        Take every so many voxels along each axis: a number, or one for each axis.
    name : str, optional
        Name of the group in the file; by default such as ``k_subvolume``.
    region
        The region; None for every region of the species.
    every : float, optional
        Time between frames (ms); None for the interval of the file.
    precision : str
        "float64" or "float32".
    compression : int
        Level of gzip from 0 (none) to 9.

    Raises
    ------
    ValueError
        Names the argument that is wrong.
    """

    x: Bounds = None
    y: Bounds = None
    z: Bounds = None
    stride: int | tuple[int, int, int] = 1
    name: str | None = None

    def __post_init__(self):
        super().__post_init__()
        if not all(step >= 1 and step == int(step) for step in each_axis("stride", self.stride)):
            raise ValueError(f"stride must be a whole number of at least 1, got {self.stride!r}")

    def selection(self, box: Box) -> Selection:
        """Return the selected voxels of a box.

        Parameters
        ----------
        box : Box
            The box.

        Returns
        -------
        Selection

        Raises
        ------
        ValueError
            If a bound is outside the box.
        """
        x_step, y_step, z_step = map(int, each_axis("stride", self.stride))
        ranges = (
            _voxels(box, 0, self.x)[::x_step],
            _voxels(box, 1, self.y)[::y_step],
            _voxels(box, 2, self.z)[::z_step],
        )
        return Selection(box, ranges)

    @property
    def kind(self) -> str:
        """What follows the species in the name of the group, where the item has no name."""
        return type(self).__name__.lower()


@dataclass(frozen=True, kw_only=True)
class Slice(Subvolume):
    """One layer of voxels: x, y or z is a number.

    Parameters
    ----------
    species
        The species, or its name.
    x, y, z
        One of them is a number (um): the layer that holds it. The others are bounds within the
        layer: (lo, hi) um for the voxels whose centres lie there, ``slice(first, stop)`` of voxel
        numbers, or None for all voxels.
    stride
        Take every so many voxels along each axis: a number, or one for each axis.
    name : str, optional
        Name of the group in the file; by default such as ``k_slice_z``.
    region
        The region; None for every region of the species.
    every : float, optional
        Time between frames (ms); None for the interval of the file.
    precision : str
        "float64" or "float32".
    compression : int
        Level of gzip from 0 (none) to 9.

    Raises
    ------
    ValueError
        Names the argument that is wrong.
    """

    def __post_init__(self):
        super().__post_init__()
        if len(self._axis_at_a_number()) != 1:
            raise ValueError(
                f"a slice is at one number (um) of x, y or z, such as Slice({self.species}, z=0); "
                f"got x={self.x!r}, y={self.y!r}, z={self.z!r}"
            )

    def _axis_at_a_number(self) -> str:
        bounds = zip(AXES, (self.x, self.y, self.z))
        return "".join(axis for axis, bound in bounds if isinstance(bound, Real))

    @property
    def kind(self) -> str:
        """Such as slice_z."""
        return f"slice_{self._axis_at_a_number()}"


@dataclass(frozen=True, kw_only=True)
class Mean(Subvolume):
    """The mean over an axis, of all voxels or of some.

    Parameters
    ----------
    species
        The species, or its name.
    axis : str
        "x", "y" or "z".
    x, y, z
        Bounds along each axis of the voxels that count: (lo, hi) um for the voxels whose centres
        lie there, a number (um) for the layer of voxels that holds it, ``slice(first, stop)`` of
        voxel numbers, or None for all voxels.
    stride
        Take every so many voxels along each axis: a number, or one for each axis.
    name : str, optional
        Name of the group in the file; by default such as ``k_mean_z``.
    region
        The region; None for every region of the species.
    every : float, optional
        Time between frames (ms); None for the interval of the file.
    precision : str
        "float64" or "float32".
    compression : int
        Level of gzip from 0 (none) to 9.

    Raises
    ------
    ValueError
        Names the argument that is wrong.
    """

    axis: str

    def __post_init__(self):
        super().__post_init__()
        if self.axis not in tuple(AXES):
            raise ValueError(f"axis must be x, y or z, got {self.axis!r}")

    def selection(self, box: Box) -> Selection:
        """Return the mean over the selected voxels of a box."""
        return Selection(box, super().selection(box).ranges, self.axis)

    @property
    def kind(self) -> str:
        """Such as mean_z."""
        return f"mean_{self.axis}"


def _voxels(box: Box, a: int, bound) -> range:
    """Return the numbers of the voxels along axis number a within a bound."""
    axis = AXES[a]
    all_voxels = range(box.shape[a])
    if bound is None:
        return all_voxels
    if isinstance(bound, slice):
        if bound.step is not None:
            raise ValueError(f"{axis} = {bound}: give the step as stride={bound.step}")
        return _checked_range(all_voxels[bound], axis, bound, f"0 to {box.shape[a] - 1}")
    if isinstance(bound, Real):
        return _layer(box, a, bound)
    if not (hasattr(bound, "__len__") and len(bound) == 2) or isinstance(bound, str):
        raise ValueError(
            f"{axis} must be a number, (lo, hi) in um or slice(first, stop) of voxels, "
            f"got {bound!r}"
        )
    lo, hi = (finite(axis, end) for end in bound)
    first = math.ceil((lo - box.lo[a]) / box.spacing[a] - 0.5 - SLACK)
    last = math.floor((hi - box.lo[a]) / box.spacing[a] - 0.5 + SLACK)
    ends = f"{box.lo[a]:g} to {box.hi[a]:g} um"
    inside = range(max(first, 0), min(last + 1, box.shape[a]))
    return _checked_range(inside, axis, bound, ends)


def _layer(box: Box, a: int, at) -> range:
    axis = AXES[a]
    at = finite(axis, at)
    lo = box.lo[a]
    hi = box.hi[a]
    if not lo <= at <= hi:
        raise ValueError(
            f"{axis} = {at:g} um is outside the box, which goes from {lo:g} to {hi:g} um"
        )
    layer = min(int((at - lo) / box.spacing[a]), box.shape[a] - 1)
    return range(layer, layer + 1)


def _checked_range(chosen: range, axis: str, bound, ends: str) -> range:
    if not chosen:
        raise ValueError(
            f"{axis} = {bound} has no voxel (by its centre) of the box, "
            f"whose {axis} goes from {ends}"
        )
    return chosen
