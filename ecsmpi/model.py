"""What the user described, checked: tissue and species, as frozen facts in the field's units."""

from __future__ import annotations

import math
from dataclasses import dataclass


def _number(what: str, value) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{what} must be a number, got {value!r}") from None
    if not math.isfinite(number):
        raise ValueError(f"{what} must be finite, got {value!r}")
    return number


def diffusion_coefficients(d, species: str) -> tuple[float, float, float]:
    """(dx, dy, dz) in um2/ms from rxd's ``d``: one number or one for each axis."""
    values = tuple(d) if hasattr(d, "__len__") else (d, d, d)
    if len(values) != 3:
        raise ValueError(f"d of {species} must be a number or (dx, dy, dz), got {d!r}")
    checked = tuple(_number(f"d of {species}", value) for value in values)
    if min(checked) < 0:
        raise ValueError(f"d of {species} must be >= 0 um2/ms, got {d!r}")
    return checked


@dataclass(frozen=True)
class Tissue:
    """The porous medium: free volume fraction and tortuosity.

    Diffusion is slowed by the permeability 1/tortuosity**2 and a current of ions changes the
    concentration by 1/volume_fraction more than in free solution (Nicholson and Phillips 1981,
    J. Physiol. 321:225, equation 8).
    """

    volume_fraction: float = 1.0
    permeability: float = 1.0

    def __post_init__(self):
        if not 0 < self.volume_fraction <= 1:
            raise ValueError(f"volume_fraction must be in (0, 1], got {self.volume_fraction}")
        if not self.permeability > 0 or math.isinf(self.permeability):
            raise ValueError(f"permeability must be finite and > 0, got {self.permeability}")

    @classmethod
    def from_rxd(cls, volume_fraction=1, tortuosity=None, permeability=None) -> Tissue:
        """Tissue from rxd's arguments, of which tortuosity and permeability exclude each other."""
        if tortuosity is not None and permeability is not None:
            raise ValueError(
                f"give tortuosity or permeability, not both (permeability = 1/tortuosity**2); "
                f"got tortuosity={tortuosity!r} and permeability={permeability!r}"
            )
        if permeability is None:
            tortuosity = 1.0 if tortuosity is None else _number("tortuosity", tortuosity)
            if tortuosity <= 0:
                raise ValueError(f"tortuosity must be > 0, got {tortuosity}")
            permeability = tortuosity**-2
        return cls(_number("volume_fraction", volume_fraction), _number("permeability", permeability))

    @property
    def tortuosity(self) -> float:
        """Path length over distance."""
        return self.permeability**-0.5


@dataclass(frozen=True)
class Ion:
    """One species in one box: d (um2/ms for each axis), charge, and the value its walls are held at.

    ``name`` may be None: such a species has no currents and no concentration in NEURON's segments.
    ``wall`` is the concentration of the border voxels (mM), or None for walls without flux.
    """

    name: str | None
    d: tuple[float, float, float]
    charge: int = 0
    wall: float | None = None

    @classmethod
    def from_rxd(cls, name, d, charge, ecs_boundary_conditions) -> Ion:
        """An ion from the arguments of rxd.Species."""
        if name is not None and not (isinstance(name, str) and name.isidentifier()):
            raise ValueError(f"a species' name must be an identifier such as 'k', or None, got {name!r}")
        label = name or "an unnamed species"
        wall = ecs_boundary_conditions
        if wall is not None:
            wall = _number(f"ecs_boundary_conditions of {label}", wall)
        return cls(name, diffusion_coefficients(d, label), _whole(f"charge of {label}", charge), wall)


def _whole(what: str, value) -> int:
    number = _number(what, value)
    if number != int(number):
        raise ValueError(f"{what} must be a whole number, got {value!r}")
    return int(number)
