"""Writes: the voxels that a script sets by one statement, and their concentrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecsmpi.description.profiles import FileProfile, FloatArray, Profile
from ecsmpi.description.voxels import Voxels
from ecsmpi.run.writes import Write
from ecsmpi.rxd.profiles import box_array, finite_concentrations

if TYPE_CHECKING:
    from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular


def write_of_all(on_region: SpeciesOnExtracellular, value: Any) -> Write:
    """The write of all voxels of a species in a region. Local.

    Parameters
    ----------
    on_region
        The species in the region.
    value
        Concentrations (mM): a number, an array of the box's shape or flat in C order, a function of
        a node, or a profile.

    Raises
    ------
    InvalidValue
        If a number or an array does not fit. For functions and profiles, evaluating the write
        raises it.
    """
    box = on_region.region.box
    voxels = Voxels(box)
    if not isinstance(value, Profile):
        if np.ndim(value):
            value = box_array(_name_of(on_region), box, value).reshape(-1)
        return write_of(on_region, voxels, value)
    profile = on_region.profile(value)

    def values_in(planes: tuple[int, int], _places: Any, _voxels: Voxels) -> FloatArray:
        return profile.planes(box, *planes).reshape(-1)

    known_by = repr(value) if isinstance(value, FileProfile) else ""
    return Write(voxels, values_in, known_by)


def write_of(on_region: SpeciesOnExtracellular, voxels: Voxels, value: Any) -> Write:
    """The write of some voxels by a number, (voxels,) numbers or a function of a node. Local."""
    if not callable(value):
        values = finite_concentrations(_name_of(on_region), value)
        # a copy, as the script may change its array before other ranks read it
        return Write.of(voxels, values.copy() if values.ndim else values)

    def values_in(_planes: tuple[int, int], _places: Any, there: Voxels) -> FloatArray:
        values = np.fromiter(map(value, on_region.each(there)), float, len(there))
        return finite_concentrations(_name_of(on_region), values)

    return Write(voxels, values_in)


def _name_of(on_region: SpeciesOnExtracellular) -> str:
    """What messages call the concentrations."""
    return f"concentration of {on_region.species}"
