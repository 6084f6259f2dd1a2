"""Sources and units of fluxes that a script adds to voxels by `include_flux`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ecsmpi.cells.flux import Flux, kind, living
from ecsmpi.description.voxels import Voxels
from ecsmpi.neuron_api.rxd_names import molecules_per_mM_um3
from ecsmpi.rxd.errors import InvalidValue, RxDException

if TYPE_CHECKING:
    from ecsmpi.rxd.species_on_region import SpeciesOnExtracellular

SCALES: dict[str, float] = {  # unit of a flux: how much of it is 1 mM um3/ms
    "molecule/ms": molecules_per_mM_um3(),
    "mol/ms": 1e-18,
    "mmol/ms": 1e-15,
    "millimol/ms": 1e-15,
    "mol/s": 1e-15,
}


def flux_into(
    on_region: SpeciesOnExtracellular, voxels: Voxels, source: tuple[Any, ...], units: str
) -> Flux:
    """The flux that ``include_flux`` asks for.

    Raises
    ------
    RxDException
        For a Parameter, an unknown unit, or another number of arguments.
    InvalidValue
        For a number that is not finite, or a pointer to something that no longer exists.
    """
    if on_region.species.spec(on_region.region).constant:
        raise RxDException(
            f"{on_region.species} is a Parameter, which does not change: no flux can go into it"
        )
    return Flux(voxels.array(), checked_source(source), scale_of(units))


def scale_of(units: str) -> float:
    """How much of a unit is 1 mM um3/ms; RxDException for an unknown unit."""
    if units not in SCALES:
        raise RxDException(f"unknown unit: {units!r}; units of a flux are {', '.join(SCALES)}")
    return SCALES[units]


def checked_source(source: tuple[Any, ...]) -> Any:
    """The source that the arguments of ``include_flux`` mean: a number, function or pointer.

    Parameters
    ----------
    source
        One of these, or an object of NEURON's and the name of its variable.

    Raises
    ------
    RxDException
        For another number of arguments, or a variable that does not exist.
    InvalidValue
        For a number that is not finite, or a pointer to something that no longer exists.
    """
    if len(source) == 2:
        return _variable(*source)
    if len(source) != 1:
        raise RxDException(
            "include_flux takes a source, or an object and the name of its variable, "
            f"got {source!r}"
        )
    [one] = source
    if kind(one) == "pointer":
        return _checked(living, one)
    return one if callable(one) else _checked(_number, one)


def _variable(owner: Any, name: str) -> Any:
    try:
        return _checked(living, getattr(owner, f"_ref_{name}"))
    except (AttributeError, TypeError):
        raise RxDException(
            f"{owner!r} has no variable {name!r} that a flux could come from"
        ) from None


def _checked(check: Callable[[Any], Any], value: Any) -> Any:
    try:
        return check(value)
    except (TypeError, ValueError) as error:
        raise InvalidValue(str(error)) from None


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"a flux is a number, a pointer or a function, got {value!r}; "
            "for an expression of species make a Rate"
        ) from None
    if not math.isfinite(number):
        raise ValueError(f"a flux must be finite, got {value!r}")
    return number
