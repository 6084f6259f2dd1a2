"""Quantities with a value for each voxel, of which every rank evaluates the planes it owns.

A profile is made from what a script has: an array of the box's shape, a function of the place, a
file. Its repr is the same on all ranks if the profile is, so that ranks can compare their models.
"""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from ecsmpi.description.grid import Box

CHECKED = 5  # voxels at which a function of whole arrays is compared with itself voxel by voxel


class Profile:
    """A number for each voxel of a box; ``live`` where it may be another at every step."""

    live = False

    def check(self, box: Box) -> None:
        """Raise ValueError where the profile cannot fit the box, as far as that can be told without
        its numbers. Local.
        """

    def planes(self, box: Box, lo: int, hi: int) -> np.ndarray:
        """(hi - lo, ny, nz) the numbers of x-planes [lo, hi). Local; ValueError where the profile
        does not fit the box.
        """
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class ArrayProfile(Profile):
    """Given for all voxels, as an array of the box's shape, or flat in C order."""

    values: np.ndarray

    def check(self, box: Box) -> None:
        if self.values.shape not in (box.shape, (box.voxels,)):
            raise ValueError(
                f"an array must have the box's shape {box.shape}, got {self.values.shape}"
            )

    def planes(self, box: Box, lo: int, hi: int) -> np.ndarray:
        self.check(box)
        return np.array(self.values.reshape(box.shape)[lo:hi], dtype=float)

    def __repr__(self):
        values = np.ascontiguousarray(self.values)
        return f"array of shape {values.shape}, sha256 {hashlib.sha256(values).hexdigest()[:16]}"


@dataclass(frozen=True, eq=False)
class FunctionProfile(Profile):
    """A function of x, y, z (um) of the voxel's lower corner, as neuron.rxd calls it, or of arrays
    of them.

    It is first called once, with arrays that broadcast to the planes; if that raises or has no such
    shape, once for each voxel.
    at: where in the voxel, in edges from the lower corner: 0.5 is the centre.
    """

    function: Callable
    at: float = 0.0

    def planes(self, box: Box, lo: int, hi: int) -> np.ndarray:
        x, y, z = (
            low + h * (np.arange(n) + self.at) for low, h, n in zip(box.lo, box.spacing, box.shape)
        )
        x, shape = x[lo:hi], (hi - lo, *box.shape[1:])
        try:
            values = np.asarray(
                self.function(x[:, None, None], y[None, :, None], z[None, None, :]), dtype=float
            )
            whole = np.array(np.broadcast_to(values, shape))
        except Exception:  # whatever a function of numbers raises that is given arrays
            return self._voxel_by_voxel(x, y, z).reshape(shape)
        if values.ndim != 3 and whole.size > 1 or not self._agrees(whole, x, y, z):
            return self._voxel_by_voxel(x, y, z).reshape(shape)
        return whole

    def _agrees(self, whole, x, y, z) -> bool:
        for flat in np.linspace(0, whole.size - 1, CHECKED, dtype=int) if whole.size else ():
            i, j, k = np.unravel_index(flat, whole.shape)
            if not np.isclose(
                self.function(float(x[i]), float(y[j]), float(z[k])),
                whole[i, j, k],
                rtol=1e-12,
                atol=0,
            ):
                return False
        return True

    def _voxel_by_voxel(self, x, y, z) -> np.ndarray:
        places = itertools.product(x.tolist(), y.tolist(), z.tolist())
        try:
            return np.fromiter(
                (self.function(*place) for place in places), float, x.size * y.size * z.size
            )
        except TypeError as error:
            raise ValueError(
                f"{self} must take x, y, z (um) and return a number: {error}"
            ) from error

    def __repr__(self):
        return (
            f"function {getattr(self.function, '__qualname__', type(self.function).__qualname__)}"
        )


@dataclass(frozen=True)
class FileProfile(Profile):
    """A dataset of the box's shape in an HDF5 file, of which each rank reads its own planes."""

    path: Path
    dataset: str

    def check(self, box: Box) -> None:
        self.planes(box, 0, 0)

    def planes(self, box: Box, lo: int, hi: int) -> np.ndarray:
        from ecsmpi.files.opening import open_hdf5  # only for those who have files

        if not self.path.is_file():
            raise ValueError(f"no file {self.path}")
        try:
            with open_hdf5(self.path, "r") as file:
                return self._read(file, box, lo, hi)
        except ValueError:
            raise
        except Exception as error:  # of any kind, from h5py, where bytes are not what they were
            raise ValueError(
                f"cannot read {self.dataset!r} of {self.path} ({error}): give a dataset in a whole HDF5 file"
            ) from error

    def _read(self, file, box: Box, lo: int, hi: int) -> np.ndarray:
        if self.dataset not in file:
            raise ValueError(
                f"{self.path} has no dataset {self.dataset!r}; it has {', '.join(sorted(file))}"
            )
        if file[self.dataset].shape != box.shape:
            raise ValueError(
                f"{self.dataset!r} of {self.path} must have the box's shape {box.shape}, got {file[self.dataset].shape}"
            )
        return np.array(file[self.dataset][lo:hi], dtype=float)


@dataclass(frozen=True)
class PowerProfile(Profile):
    """Another profile, of numbers >= 0, to some power; ``name`` is what messages call it."""

    name: str
    base: Profile
    exponent: float

    @property
    def live(self) -> bool:
        """As the other one."""
        return self.base.live

    def check(self, box: Box) -> None:
        self.base.check(box)

    def planes(self, box: Box, lo: int, hi: int) -> np.ndarray:
        values = self.base.planes(box, lo, hi)
        check_range(self.name, values, lo)
        with np.errstate(divide="ignore"):
            return values**self.exponent


RANGES = {  # of what varies: in words, and whether numbers are in it
    "volume_fraction": ("in (0, 1]", lambda values: (values > 0) & (values <= 1)),
    "permeability": ("finite and >= 0", lambda values: (values >= 0) & np.isfinite(values)),
    "tortuosity": ("> 0", lambda values: values > 0),  # infinite where nothing passes
}


def check_range(name: str, values: np.ndarray, lo: int) -> None:
    """Raise ValueError naming the first voxel out of the range of what is called so; values:
    (planes, ny, nz) from plane lo on.
    """
    bound, within = RANGES[name]
    if not (inside := within(values)).all():
        i, j, k = (int(each) for each in np.argwhere(~inside)[0])
        raise ValueError(f"{name} must be {bound}, got {values[i, j, k]} at voxel {(i + lo, j, k)}")


def values_at(given: Profile | float, box: Box, index: np.ndarray) -> np.ndarray:
    """(voxels,) numbers of voxels given by flat index. Local."""
    if not isinstance(given, Profile):
        return np.full(len(index), float(given))
    plane, within = np.divmod(np.asarray(index, dtype=np.int64), box.plane)
    found = np.empty(len(index))
    for i in np.unique(plane).tolist():
        found[plane == i] = given.planes(box, i, i + 1).reshape(-1)[within[plane == i]]
    return found


def profile_of(name: str, value) -> Profile | float:
    """A number, or a profile, from what a script gives; ValueError names it else."""
    if isinstance(value, Profile):
        return value
    if callable(value):
        return FunctionProfile(value)
    if np.ndim(value):
        try:
            return ArrayProfile(np.array(value, dtype=float))
        except (TypeError, ValueError):
            raise ValueError(f"{name} must be made of numbers, got {value!r}") from None
    return value
