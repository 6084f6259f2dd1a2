"""What the user described, checked: tissue and species, as frozen facts in the field's units."""

from __future__ import annotations

from dataclasses import dataclass

from ecsmpi.grid import each_axis, finite


def diffusion_coefficients(d, species: str) -> tuple[float, float, float]:
    """(dx, dy, dz) in um2/ms from rxd's ``d``: one number, or one for each axis."""
    coefficients = each_axis(f"d of {species}", d)
    if min(coefficients) < 0:
        raise ValueError(f"d of {species} must be >= 0 um2/ms, got {d!r}")
    return coefficients


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
        if not 0 < finite("volume_fraction", self.volume_fraction) <= 1:
            raise ValueError(f"volume_fraction must be in (0, 1], got {self.volume_fraction}")
        if finite("permeability", self.permeability) <= 0:
            raise ValueError(f"permeability must be > 0, got {self.permeability}")

    @classmethod
    def from_rxd(cls, volume_fraction=1, tortuosity=None, permeability=None) -> Tissue:
        """Tissue from rxd's arguments, of which tortuosity and permeability exclude each other."""
        if tortuosity is not None and permeability is not None:
            raise ValueError(
                f"give tortuosity or permeability, not both (permeability = 1/tortuosity**2); "
                f"got tortuosity={tortuosity!r} and permeability={permeability!r}"
            )
        if permeability is None:
            tortuosity = 1.0 if tortuosity is None else finite("tortuosity", tortuosity)
            if tortuosity <= 0:
                raise ValueError(f"tortuosity must be > 0, got {tortuosity}")
            permeability = (1 / tortuosity) * (1 / tortuosity)
        return cls(finite("volume_fraction", volume_fraction), finite("permeability", permeability))

    @property
    def tortuosity(self) -> float:
        """Path length over distance."""
        return self.permeability**-0.5


@dataclass(frozen=True)
class Ion:
    """One species in one box: d (um2/ms for each axis), charge, and the value its walls are held at.

    ``name`` may be None: such a species has no currents and no concentration in NEURON's segments.
    ``wall`` is the concentration of the border voxels (mM), or None for walls without flux.
    ``constant``: a parameter, which neither currents nor reactions change.
    """

    name: str | None
    d: tuple[float, float, float]
    charge: int = 0
    wall: float | None = None
    constant: bool = False

    def __post_init__(self):
        if self.name is not None and not (isinstance(self.name, str) and self.name.isidentifier()):
            raise ValueError(f"a species' name must be an identifier such as 'k', or None, got {self.name!r}")
        label = self.name or "an unnamed species"
        diffusion_coefficients(self.d, label)
        _whole(f"charge of {label}", self.charge)
        if self.wall is not None:
            finite(f"ecs_boundary_conditions of {label}", self.wall)

    @classmethod
    def from_rxd(cls, name, d, charge, ecs_boundary_conditions) -> Ion:
        """An ion from the arguments of rxd.Species; d is a number or one for each axis."""
        label = name or "an unnamed species"
        return cls(name, diffusion_coefficients(d, label), _whole(f"charge of {label}", charge), ecs_boundary_conditions)


def _whole(what: str, value) -> int:
    number = finite(what, value)
    if number != int(number):
        raise ValueError(f"{what} must be a whole number, got {value!r}")
    return int(number)
