"""Quantities that vary from voxel to voxel: each rank evaluates the x-planes that it owns.

A profile is made from what a script gives: a number, an array of the box's shape, a function of the
place, or a dataset in a file. Equal profiles have equal reprs on all ranks, so that ranks can
compare their models.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ecsmpi.description.grid import Box

FloatArray = NDArray[np.float64]

SAMPLES = 5  # voxels at which a call with whole arrays is compared with calls with numbers


class Profile:
    """Base of all profiles: one number for each voxel of a box."""

    @property
    def live(self) -> bool:
        """Whether the numbers may change from step to step."""
        return False

    def check(self, box: Box) -> None:
        """Raise ValueError if the profile cannot fit the box; reads no numbers. Local."""

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """Numbers in the x-planes [lo, hi). Local.

        Parameters
        ----------
        box
            The box that the profile belongs to.
        lo, hi
            First x-plane, and the one after the last.

        Returns
        -------
        array, shape (hi - lo, ny, nz)
            A new array, which the caller may change.

        Raises
        ------
        ValueError
            If the profile does not fit the box.
        """
        raise NotImplementedError

    def fill(self, slab: FloatArray, box: Box, lo: int) -> None:
        """Write the numbers into a slab, without a copy of it where that is possible. Local.

        Parameters
        ----------
        slab
            (planes, ny, nz) where the numbers go.
        box
            The box that the profile belongs to.
        lo
            The x-plane of the box that is the slab's first.

        Raises
        ------
        ValueError
            If the profile does not fit the box.
        """
        slab[:] = self.planes(box, lo, lo + len(slab))


@dataclass(frozen=True)
class UniformProfile(Profile):
    """The same number in all voxels."""

    value: float

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """See `Profile.planes`."""
        return np.full((hi - lo, *box.shape[1:]), float(self.value))

    def fill(self, slab: FloatArray, box: Box, lo: int) -> None:
        """See `Profile.fill`."""
        slab[:] = self.value

    def __repr__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, eq=False)
class ArrayProfile(Profile):
    """An array with a number for each voxel: of the box's shape, or flat in C order."""

    values: FloatArray

    def check(self, box: Box) -> None:
        """Raise ValueError if the array has another shape than the box. Local."""
        if self.values.shape not in (box.shape, (box.voxels,)):
            raise ValueError(
                f"an array must have the box's shape {box.shape}, got {self.values.shape}"
            )

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """See `Profile.planes`."""
        self.check(box)
        return np.array(self.values.reshape(box.shape)[lo:hi], dtype=float)

    def fill(self, slab: FloatArray, box: Box, lo: int) -> None:
        """See `Profile.fill`."""
        self.check(box)
        slab[:] = self.values.reshape(box.shape)[lo : lo + len(slab)]

    def __repr__(self) -> str:
        values = np.ascontiguousarray(self.values)
        digest = hashlib.sha256(values.data).hexdigest()
        return f"array of shape {values.shape}, sha256 {digest[:16]}"


@dataclass(frozen=True, eq=False)
class FunctionProfile(Profile):
    """A function of x, y, z (um).

    The function is first called once, with three arrays that broadcast to the planes. If that
    raises an exception, or if the result has another shape or differs from calls with numbers, the
    function is called once for each voxel instead.

    Parameters
    ----------
    function
        Takes x, y, z (um), numbers or arrays, and returns a number or an array.
    at
        The point of a voxel at which the function is evaluated, in edges from the lower corner: 0.5
        is the centre. neuron.rxd takes the lower corner, 0.
    """

    function: Callable[[Any, Any, Any], Any]
    at: float = 0.0

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """See `Profile.planes`. Raises ValueError if the function returns no number."""
        x, y, z = (self._places(box, axis) for axis in range(3))
        x = x[lo:hi]
        shape = (hi - lo, *box.shape[1:])
        try:
            result = self.function(x[:, None, None], y[None, :, None], z[None, None, :])
            values = np.asarray(result, dtype=float)
            whole = np.array(np.broadcast_to(values, shape))
        except Exception:  # a function of numbers may raise anything when it gets arrays
            return self._voxel_by_voxel(x, y, z).reshape(shape)
        is_array = values.ndim == 3 or whole.size <= 1
        if is_array and self._agrees(whole, x, y, z):
            return whole
        return self._voxel_by_voxel(x, y, z).reshape(shape)

    def _places(self, box: Box, axis: int) -> FloatArray:
        """Where the function is evaluated along an axis (um)."""
        places = box.lo[axis] + box.spacing[axis] * (np.arange(box.shape[axis]) + self.at)
        return np.asarray(places, dtype=float)

    def _agrees(self, whole: FloatArray, x: FloatArray, y: FloatArray, z: FloatArray) -> bool:
        """Whether calls with numbers return the same, in some voxels."""
        if not whole.size:
            return True
        for flat in np.linspace(0, whole.size - 1, SAMPLES, dtype=int):
            i, j, k = np.unravel_index(flat, whole.shape)
            expected = self.function(float(x[i]), float(y[j]), float(z[k]))
            if not np.isclose(expected, whole[i, j, k], rtol=1e-12, atol=0):
                return False
        return True

    def _voxel_by_voxel(self, x: FloatArray, y: FloatArray, z: FloatArray) -> FloatArray:
        places = itertools.product(x.tolist(), y.tolist(), z.tolist())
        count = x.size * y.size * z.size
        try:
            return np.fromiter((self.function(*place) for place in places), float, count)
        except TypeError as error:
            raise ValueError(
                f"{self} must take x, y, z (um) and return a number: {error}"
            ) from error

    def __repr__(self) -> str:
        kind = type(self.function).__qualname__
        return f"function {getattr(self.function, '__qualname__', kind)}"


@dataclass(frozen=True)
class FileProfile(Profile):
    """A dataset of the box's shape in an HDF5 file; each rank reads its own planes."""

    path: Path
    dataset: str

    def check(self, box: Box) -> None:
        """Raise ValueError if the file has no such dataset, or one of another shape. Local."""
        self.planes(box, 0, 0)

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """See `Profile.planes`. Raises ValueError if the file cannot be read."""
        from ecsmpi.files.opening import open_hdf5  # h5py is imported only where files are read

        if not self.path.is_file():
            raise ValueError(f"no file {self.path}")
        try:
            with open_hdf5(self.path, "r") as file:
                return self._read(file, box, lo, hi)
        except ValueError:
            raise
        except Exception as error:  # h5py raises many kinds on damaged files
            raise ValueError(
                f"cannot read {self.dataset!r} of {self.path} ({error}): "
                "give a dataset in a whole HDF5 file"
            ) from error

    def _read(self, file: Any, box: Box, lo: int, hi: int) -> FloatArray:
        if self.dataset not in file:
            raise ValueError(
                f"{self.path} has no dataset {self.dataset!r}; it has {', '.join(sorted(file))}"
            )
        dataset = file[self.dataset]
        if dataset.shape != box.shape:
            raise ValueError(
                f"{self.dataset!r} of {self.path} must have the box's shape {box.shape}, "
                f"got {dataset.shape}"
            )
        return np.array(dataset[lo:hi], dtype=float)


@dataclass(frozen=True)
class PowerProfile(Profile):
    """Another profile of numbers >= 0, raised to a power.

    Parameters
    ----------
    name
        What messages call the numbers of the other profile, a key of `RANGES`.
    base, exponent
        The other profile, and the power.
    """

    name: str
    base: Profile
    exponent: float

    @property
    def live(self) -> bool:
        """Whether the numbers of the other profile may change from step to step."""
        return self.base.live

    def check(self, box: Box) -> None:
        """Raise ValueError if the other profile cannot fit the box. Local."""
        self.base.check(box)

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """See `Profile.planes`. Raises ValueError for a number out of range."""
        values = self.base.planes(box, lo, hi)
        check_range(self.name, values, lo)
        with np.errstate(divide="ignore"):
            powers: FloatArray = values**self.exponent
        return powers


@dataclass(frozen=True)
class BorderProfile(Profile):
    """Another profile, with one number in all border voxels of the box."""

    base: Profile
    border: float

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """See `Profile.planes`."""
        values = self.base.planes(box, lo, hi)
        self._set_border(values, box, lo)
        return values

    def fill(self, slab: FloatArray, box: Box, lo: int) -> None:
        """See `Profile.fill`."""
        self.base.fill(slab, box, lo)
        self._set_border(slab, box, lo)

    def _set_border(self, slab: FloatArray, box: Box, lo: int) -> None:
        slab[:, [0, -1]] = self.border
        slab[:, :, [0, -1]] = self.border
        for plane in (0, box.shape[0] - 1):
            if lo <= plane < lo + len(slab):
                slab[plane - lo] = self.border


Condition = Callable[[FloatArray], NDArray[np.bool_]]

# quantity: (its range in words, which of its values lie in the range)
RANGES: dict[str, tuple[str, Condition]] = {
    "volume_fraction": ("in (0, 1]", lambda values: (values > 0) & (values <= 1)),
    "permeability": ("finite and >= 0", lambda values: (values >= 0) & np.isfinite(values)),
    "tortuosity": ("> 0", lambda values: values > 0),  # infinite where nothing passes
}


def check_range(name: str, values: FloatArray, lo: int) -> None:
    """Raise ValueError that names the first voxel out of range.

    Parameters
    ----------
    name
        The quantity, a key of `RANGES`.
    values
        (planes, ny, nz) its values, from x-plane ``lo`` of the box on.
    """
    bound, in_range = RANGES[name]
    inside = in_range(values)
    if not inside.all():
        i, j, k = (int(index) for index in np.argwhere(~inside)[0])
        raise ValueError(f"{name} must be {bound}, got {values[i, j, k]} at voxel {(i + lo, j, k)}")


def values_at(profile: Profile | float, box: Box, index: NDArray[np.int64]) -> FloatArray:
    """(voxels,) values in voxels given by their flat index in C order. Local."""
    if not isinstance(profile, Profile):
        return np.full(len(index), float(profile))
    planes, within = np.divmod(np.asarray(index, dtype=np.int64), box.plane)
    values = np.empty(len(index))
    for i in np.unique(planes).tolist():
        here = planes == i
        values[here] = profile.planes(box, i, i + 1).reshape(-1)[within[here]]
    return values


def profile_of(name: str, value: Any) -> Profile | float:
    """A number as it is, or the profile of an array, a function or a profile.

    Parameters
    ----------
    name
        What messages call the quantity.
    value
        A number, an array, a function of x, y, z (um) of a voxel's lower corner, or a profile.

    Raises
    ------
    ValueError
        If an array does not consist of numbers.
    """
    if isinstance(value, Profile):
        return value
    if callable(value):
        return FunctionProfile(value)
    if np.ndim(value):
        try:
            return ArrayProfile(np.array(value, dtype=float))
        except (TypeError, ValueError):
            raise ValueError(f"{name} must be made of numbers, got {value!r}") from None
    number: float = value
    return number
