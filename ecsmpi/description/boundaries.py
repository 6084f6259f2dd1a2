"""What happens at the six faces of a box.

A face condition is what a script says of one face: `Held`, `Bath`, or None. A face without a
condition is closed (no flux). The border voxels of a held face have a given concentration. Through
a face with a bath, ions flow at permeability * (bath - c) per area (Robin's condition). Given
concentrations may change in time. Where faces meet, held wins over bath, x over y, and y over z; a
voxel at two baths exchanges with both.

A border voxel is one at a face of the box. A wall is the short form for one number: all faces are
held at it. `SpeciesSpec` has at most one of ``wall`` and ``faces``, since a wall needs no
heterogeneous solver.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from ecsmpi.description.grid import finite

NAMES = ("xlo", "xhi", "ylo", "yhi", "zlo", "zhi")

InTime: TypeAlias = "float | Callable[[float], float]"
"""A number, or a function of t (ms)."""


@dataclass(frozen=True)
class Held:
    """A face whose border voxels have a given concentration.

    Parameters
    ----------
    value : float or callable
        The concentration (mM), or a function of t (ms) that returns it.

    Raises
    ------
    ValueError
        If the value is not a finite number, nor a function.

    Examples
    --------
    >>> rising = rxd.Held(lambda t: 3 + 0.1 * t)
    >>> rising.at(10, 0.025)
    4.0
    """

    value: InTime

    def __post_init__(self) -> None:
        object.__setattr__(self, "value", _checked("the value of Held", self.value))

    def at(self, t: float, dt: float) -> float:
        """The concentration in a step: that at its end.

        The voxel itself is held, so it has this value when the step is complete.

        Parameters
        ----------
        t, dt
            End and length of the step (ms).

        Returns
        -------
        float
            The concentration (mM).
        """
        return _at(self.value, t)

    def __repr__(self) -> str:
        return f"Held({_shown(self.value)})"


@dataclass(frozen=True)
class Bath:
    """A well-stirred bath beyond a membrane that covers a face.

    The flux into the box, per area of the whole face (tissue and all), is permeability * (value - c
    at the face). Half a voxel lies between the face and the voxel's centre, so that a species whose
    d is 0 across the face exchanges nothing.

    Parameters
    ----------
    value : float or callable
        The concentration of the bath (mM), or a function of t (ms) that returns it.
    permeability : float
        Of the membrane at the face (um/ms), at least 0. It is no permeability of tissue, which is
        dimensionless.

    Raises
    ------
    ValueError
        If the value is not a finite number, nor a function, or if the permeability is negative.

    Examples
    --------
    >>> bath = rxd.Bath(3.0, permeability=0.01)
    >>> na = rxd.Species(ecs, d=1.3, name="na", charge=1, ecs_boundary_conditions={"z": bath})
    """

    value: InTime
    permeability: float

    def __post_init__(self) -> None:
        value = _checked("the value of Bath", self.value)
        permeability = finite("the permeability of Bath", self.permeability)
        if permeability < 0:
            raise ValueError(f"the permeability of Bath must be >= 0 um/ms, got {permeability}")
        object.__setattr__(self, "value", value)
        object.__setattr__(self, "permeability", permeability)

    def at(self, t: float, dt: float) -> float:
        """The mean concentration of the bath in a step, by the trapezoidal rule.

        The bath drives a flux during the whole step, and the mean keeps that of second order.

        Parameters
        ----------
        t, dt
            End and length of the step (ms).

        Returns
        -------
        float
            The concentration (mM).
        """
        if not callable(self.value):
            return self.value
        return 0.5 * (_at(self.value, t - dt) + _at(self.value, t))

    def __repr__(self) -> str:
        return f"Bath({_shown(self.value)}, permeability={self.permeability})"


@dataclass(frozen=True)
class Faces:
    """The face conditions of a box in the order of NAMES; None for a closed face."""

    conditions: tuple[Held | Bath | None, ...]

    @classmethod
    def from_rxd(cls, label: str, conditions: Mapping[str, Any]) -> Faces:
        """The face conditions that a script gives as ecs_boundary_conditions.

        Parameters
        ----------
        label : str
            What messages call the species.
        conditions : mapping
            Such as {"xlo": 3.0, "y": Bath(...)}: "y" means both of its faces; a number (mM) or a
            function of t (ms) means Held; None means closed.

        Raises
        ------
        ValueError
            For an unknown face, or a value that is no condition.
        """
        found: dict[str, Held | Bath | None] = dict.fromkeys(NAMES)
        for key, value in conditions.items():
            faces = [name for name in NAMES if key in (name, name[0])]
            if not faces:
                raise ValueError(
                    f"ecs_boundary_conditions of {label} know x, y, z and {', '.join(NAMES)}, "
                    f"got {key!r}"
                )
            for name in faces:
                found[name] = _condition(f"ecs_boundary_conditions of {label} at {name}", value)
        return cls(tuple(found.values()))

    def has_conditions(self) -> bool:
        """Whether any face has a condition."""
        return any(condition is not None for condition in self.conditions)


def _condition(what: str, value: Any) -> Held | Bath | None:
    if value is None or isinstance(value, (Held, Bath)):
        return value
    return Held(_checked(what, value))


def _checked(what: str, value: Any) -> InTime:
    if callable(value):
        function: Callable[[float], float] = value
        return function
    return finite(what, value)


def _at(value: InTime, t: float) -> float:
    return float(value(t)) if callable(value) else value


def _shown(value: InTime) -> str:
    return f"function {getattr(value, '__qualname__', '')}" if callable(value) else repr(value)
