"""Profiles of what scripts give to rxd: functions of a node, species, functions of arrays, files.

Tissue, initial concentrations, `where=` and `concentration = ...` take the same kinds of values.
The facade turns each into a `Profile` once; the run then evaluates the planes that a rank owns.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.description.profiles import (
    ArrayProfile,
    FileProfile,
    FloatArray,
    FunctionProfile,
    Profile,
    UniformProfile,
)
from ecsmpi.description.voxels import Voxels
from ecsmpi.rxd.errors import InvalidValue
from ecsmpi.rxd.session import simulation

if TYPE_CHECKING:
    from ecsmpi.rxd.extracellular import Extracellular
    from ecsmpi.rxd.species import Species
    from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular

# {name of a class of species: the class}; filled by modules that import this one
SPECIES_CLASSES: dict[str, Callable[..., Any]] = {}


def from_file(path: str | os.PathLike[str], dataset: str) -> Profile:
    """A dataset of an HDF5 file, as a value for each voxel of a box.

    For ``volume_fraction``, ``tortuosity``, ``permeability``, ``initial`` and ``concentration``.
    Each rank reads the planes that it owns. Local.

    Parameters
    ----------
    path
        The HDF5 file.
    dataset
        Name of a dataset of the box's shape (nx, ny, nz), with numbers in the unit of what they
        are given for: mM for concentrations; tissue is dimensionless.

    Returns
    -------
    Profile
        Opens the file when the numbers are needed, at n.finitialize or when they are set.

    Raises
    ------
    ValueError
        When the file is opened: if there is no such file or dataset, or if its shape is not the
        box's, or if a number is wrong.
    """
    return FileProfile(Path(path), dataset)


def from_function(function: Callable[[Any, Any, Any], Any]) -> Profile:
    """A function of the voxels' centres, called with arrays: once for all voxels of a rank.

    For ``initial``, ``concentration`` and tissue. A bare function has the meaning that it has in
    NEURON: ``initial`` calls it with a node, tissue with the lower corner of a voxel. Local.

    Parameters
    ----------
    function
        Takes arrays x, y, z (um), which broadcast to the voxels, and returns an array in the unit
        of what it is given for: mM for concentrations; tissue is dimensionless.

    Returns
    -------
    Profile
        Calls the function when the numbers are needed, at n.finitialize or when they are set.

    Raises
    ------
    InvalidValue
        If it is no function; later, if a number that the function returns is wrong.

    Examples
    --------
    >>> layered = rxd.from_function(lambda x, y, z: 0.2 + 0.05 * (z > 0))
    >>> layers = rxd.Extracellular(0, 0, -50, 50, 50, 50, dx=10, volume_fraction=layered)
    """
    if not callable(function):
        raise InvalidValue(f"from_function takes a function of x, y, z, got {function!r}")
    return FunctionProfile(function, at=0.5)


def is_species(value: object) -> bool:
    """Whether a value is a species, or a species in one region."""
    return hasattr(value, "defined_on_region")


def finite_concentrations(what: str, value: Any) -> FloatArray:
    """One or more numbers in mM as an array; InvalidValue if one is not a finite number."""
    try:
        values = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InvalidValue(f"{what} must be a number in mM, got {value!r}") from None
    finite = np.isfinite(values)
    if not finite.all():
        raise InvalidValue(f"{what} must be finite, got {values[~finite].flat[0]}")
    return values


def one_concentration(what: str, value: Any) -> float:
    """One number in mM; InvalidValue if it is several numbers, or not finite."""
    number = finite_concentrations(what, value)
    if number.ndim:
        raise InvalidValue(f"{what} must be one number in mM, got {value!r}")
    return float(number)


def concentration_profile(what: str, on_region: SpeciesOnExtracellular, value: Any) -> Profile:
    """The concentrations (mM) that a script gives for a species in a region. Local.

    Parameters
    ----------
    what
        What messages call the value.
    on_region
        The species in the region.
    value
        A number, an array of the box's shape or flat in C order, a function of a node, or a
        profile.

    Raises
    ------
    InvalidValue
        If a number or an array does not fit. `Profile.planes` of the result raises it where a
        function or a file gives no finite numbers.
    """
    if isinstance(value, Profile):
        return FiniteProfile(what, value)
    if callable(value):
        return FiniteProfile(what, NodeFunctionProfile(on_region, value))
    if np.ndim(value):
        return ArrayProfile(box_array(what, on_region.region.box, value))
    return UniformProfile(float(finite_concentrations(what, value)))


def box_array(what: str, box: Box, value: Any) -> FloatArray:
    """An array of concentrations (mM) for all voxels; InvalidValue if it does not fit the box."""
    array = np.asarray(value)
    fits = array.shape == box.shape if array.ndim == 3 else array.shape == (box.voxels,)
    if not fits:
        raise InvalidValue(f"{what} must have the box's shape {box.shape}, got {array.shape}")
    return finite_concentrations(what, array)


class FiniteProfile(Profile):
    """Another profile, whose numbers must be finite; ``what`` names them in messages."""

    def __init__(self, what: str, base: Profile):
        self._what = what
        self._base = base

    def check(self, box: Box) -> None:
        """See `Profile.check`."""
        self._base.check(box)

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """See `Profile.planes`. Raises InvalidValue for NaN or infinite numbers."""
        return finite_concentrations(self._what, self._base.planes(box, lo, hi))

    def __repr__(self) -> str:
        return repr(self._base)


class NodeFunctionProfile(Profile):
    """A function of a node, as neuron.rxd takes it: one call for each voxel."""

    def __init__(self, on_region: SpeciesOnExtracellular, function: Callable[[Any], float]):
        self._on_region = on_region
        self._function = function

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """See `Profile.planes`."""
        voxels = Voxels(box, range(lo * box.plane, hi * box.plane))
        values = np.fromiter(map(self._function, self._on_region.each(voxels)), float, len(voxels))
        return values.reshape(hi - lo, *box.shape[1:])

    def __repr__(self) -> str:
        kind = type(self._function).__qualname__
        return f"function of a node {getattr(self._function, '__qualname__', kind)}"


class SpeciesProfile(Profile):
    """Tissue made of a species: its values now, in the planes that this rank owns."""

    def __init__(self, species: Species, region: Extracellular):
        self.species = species
        self._region = weakref.ref(region)

    @classmethod
    def on(cls, region: Extracellular, given: Any) -> SpeciesProfile:
        """From a species, or a species in the region; InvalidValue if it lies elsewhere. Local."""
        if not given.defined_on_region(region):
            raise InvalidValue(
                f"{given} must be defined on the region whose tissue it becomes, {region.box}"
            )
        return cls(getattr(given, "species", given), region)

    @property
    def live(self) -> bool:
        """True: the species may change from step to step."""
        return True

    def planes(self, box: Box, lo: int, hi: int) -> FloatArray:
        """See `Profile.planes`. Raises InvalidValue for planes that other ranks own."""
        field = simulation.field(self.species, self._region())
        first, last = field.planes
        if not first <= lo <= hi <= last:
            raise InvalidValue(
                f"rank {simulation.comm.rank} has planes {first} to {last} of {self}, "
                f"not {lo} to {hi}"
            )
        values: FloatArray = field.owned[lo - first : hi - first].copy()
        return values

    def __repr__(self) -> str:
        """The same text on all ranks."""
        name = self.species.name
        return f"species {name}" if name else "an unnamed species"
