"""What node.include_flux takes: sources and their units."""

from __future__ import annotations

import math

from ecsmpi.cells.flux import kind, living
from ecsmpi.neuron_api.rxd_names import molecules_per_mM_um3
from ecsmpi.rxd.compat import InvalidValue, RxDException

SCALES = {
    "molecule/ms": molecules_per_mM_um3(),  # molecules in 1 mM um3
    "mol/ms": 1e-18,
    "mmol/ms": 1e-15,
    "millimol/ms": 1e-15,
    "mol/s": 1e-15,
}


def scale_of(units: str) -> float:
    """How much of the units is 1 mM um3/ms."""
    if units not in SCALES:
        raise RxDException(f"unknown unit: {units!r}; units of a flux are {', '.join(SCALES)}")
    return SCALES[units]


def checked_source(source: tuple):
    """A number, function or pointer from the arguments of include_flux: one of these, or an object
    and a name.
    """
    if len(source) == 2:
        return _variable(*source)
    if len(source) != 1:
        raise RxDException(
            f"include_flux takes a source, or an object and the name of its variable, got {source!r}"
        )
    [one] = source
    if kind(one) == "pointer":
        return _checked(living, one)
    return one if callable(one) else _checked(_number, one)


def _variable(owner, name):
    try:
        return _checked(living, getattr(owner, f"_ref_{name}"))
    except (AttributeError, TypeError):
        raise RxDException(
            f"{owner!r} has no variable {name!r} that a flux could come from"
        ) from None


def _checked(check, value):
    try:
        return check(value)
    except (TypeError, ValueError) as error:
        raise InvalidValue(str(error)) from None


def _number(value) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(
            f"a flux is a number, a pointer or a function, got {value!r}; for an expression of species make a Rate"
        ) from None
    if not math.isfinite(number):
        raise ValueError(f"a flux must be finite, got {value!r}")
    return number
