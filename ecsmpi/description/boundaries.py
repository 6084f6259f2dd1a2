"""What happens at the six faces of a box.

Closed is what a face is that nothing is said of. A face held at a value has border voxels whose
concentration is that value. Through a face with a bath flows permeability (bath - c) per area
(Robin's condition). Values may change in time. Where faces meet, held wins over bath, and x over y
over z; a voxel at two baths exchanges with both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable

from ecsmpi.description.grid import finite

NAMES = ("xlo", "xhi", "ylo", "yhi", "zlo", "zhi")


def _checked(what: str, value):
    return value if callable(value) else finite(what, value)


def _shown(value) -> str:
    return f"function {getattr(value, '__qualname__', '')}" if callable(value) else repr(value)


@dataclass(frozen=True)
class Held:
    """Border voxels have this concentration (mM): a number or a function of t (ms)."""

    value: float | Callable[[float], float]

    def __post_init__(self):
        object.__setattr__(self, "value", _checked("the value of Held", self.value))

    def at(self, t: float, dt: float) -> float:
        """The value at the end t of a step of dt (ms)."""
        return float(self.value(t)) if callable(self.value) else self.value

    def __repr__(self):
        return f"Held({_shown(self.value)})"


@dataclass(frozen=True)
class Bath:
    """A well-stirred bath beyond a membrane: flux into the box per area = permeability (value - c
    at the face).

    value: mM, a number or a function of t (ms). permeability: um/ms.
    """

    value: float | Callable[[float], float]
    permeability: float

    def __post_init__(self):
        object.__setattr__(self, "value", _checked("the value of Bath", self.value))
        object.__setattr__(
            self, "permeability", finite("the permeability of Bath", self.permeability)
        )
        if self.permeability < 0:
            raise ValueError(
                f"the permeability of Bath must be >= 0 um/ms, got {self.permeability}"
            )

    def at(self, t: float, dt: float) -> float:
        """The mean over a step of dt that ends at t (ms), as the trapezoidal rule has it."""
        return (
            0.5 * (float(self.value(t - dt)) + float(self.value(t)))
            if callable(self.value)
            else self.value
        )

    def __repr__(self):
        return f"Bath({_shown(self.value)}, permeability={self.permeability})"


@dataclass(frozen=True)
class Faces:
    """A condition for each face, or None where it is closed; in the order of NAMES."""

    conditions: tuple[Held | Bath | None, ...]

    @classmethod
    def from_rxd(cls, label: str, given: dict) -> Faces:
        """From {"xlo": 3.0, "x": Bath(...), ...}: "x" means both of its faces; a number or function
        means Held.
        """
        conditions = dict.fromkeys(NAMES)
        for key, value in given.items():
            faces = [name for name in NAMES if key in (name, name[0])]
            if not faces:
                raise ValueError(
                    f"ecs_boundary_conditions of {label} know x, y, z and {', '.join(NAMES)}, got {key!r}"
                )
            for name in faces:
                conditions[name] = _condition(
                    f"ecs_boundary_conditions of {label} at {name}", value
                )
        return cls(tuple(conditions.values()))

    def any(self) -> bool:
        """Whether any face is open."""
        return any(condition is not None for condition in self.conditions)


def _condition(what: str, value):
    if value is None or isinstance(value, (Held, Bath)):
        return value
    return Held(_checked(what, value))
