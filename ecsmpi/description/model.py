"""What the user described, checked: tissue and species, as frozen facts in the field's units."""

from __future__ import annotations

from dataclasses import dataclass

from ecsmpi.description.boundaries import Bath, Faces, Held
from ecsmpi.description.grid import each_axis, finite
from ecsmpi.description.profiles import PowerProfile, Profile, profile_of

FACE_AVERAGES = ("neuron", "symmetric")


def diffusion_coefficients(d, species: str) -> tuple[float, float, float]:
    """(dx, dy, dz) in um2/ms from rxd's ``d``: one number, or one for each axis."""
    coefficients = each_axis(f"d of {species}", d)
    if min(coefficients) < 0:
        raise ValueError(f"d of {species} must be >= 0 um2/ms, got {d!r}")
    return coefficients


@dataclass(frozen=True)
class Tissue:
    """The porous medium: free volume fraction and permeability, numbers or profiles of voxels.

    Diffusion is slowed by the permeability 1/tortuosity**2 and a current of ions changes the
    concentration by 1/volume_fraction more than in free solution (Nicholson and Phillips 1981, J.
    Physiol. 321:225, equation 8). face_average: how voxels that differ share a face; tissue.py has
    the rules.
    conserve_mass: where the volume fraction is live, the ions of a voxel stay in it when it
    changes.
    """

    volume_fraction: float | Profile = 1.0
    permeability: float | Profile = 1.0
    face_average: str = "neuron"
    conserve_mass: bool = False

    def __post_init__(self):
        alpha, permeability = self.volume_fraction, self.permeability
        if not isinstance(alpha, Profile) and not 0 < finite("volume_fraction", alpha) <= 1:
            raise ValueError(f"volume_fraction must be in (0, 1], got {alpha}")
        if not isinstance(permeability, Profile) and finite("permeability", permeability) <= 0:
            raise ValueError(f"permeability must be > 0, got {permeability}")
        if self.face_average not in FACE_AVERAGES:
            raise ValueError(
                f"face_average must be one of {', '.join(FACE_AVERAGES)}, got {self.face_average!r}"
            )

    @classmethod
    def from_rxd(
        cls, volume_fraction=1, tortuosity=None, permeability=None, face_average="neuron"
    ) -> Tissue:
        """Tissue from rxd's arguments, of which tortuosity and permeability exclude each other."""
        if tortuosity is not None and permeability is not None:
            raise ValueError(
                f"give tortuosity or permeability, not both (permeability = 1/tortuosity**2); "
                f"got tortuosity={tortuosity!r} and permeability={permeability!r}"
            )
        if permeability is None:
            permeability = _permeability(
                profile_of("tortuosity", 1.0 if tortuosity is None else tortuosity)
            )
        return cls(
            _number_or_profile("volume_fraction", volume_fraction),
            _number_or_profile("permeability", permeability),
            face_average,
        )

    @property
    def varies(self) -> bool:
        """Whether voxels may differ."""
        return bool(self.profiles)

    @property
    def profiles(self) -> list[Profile]:
        """What of it varies."""
        return [
            each for each in (self.volume_fraction, self.permeability) if isinstance(each, Profile)
        ]

    @property
    def tortuosity(self) -> float | Profile:
        """Path length over distance."""
        if isinstance(self.permeability, Profile):
            return PowerProfile("permeability", self.permeability, -0.5)
        return self.permeability**-0.5


def _permeability(tortuosity) -> float | Profile:
    if isinstance(tortuosity, Profile):
        return PowerProfile("tortuosity", tortuosity, -2)
    if finite("tortuosity", tortuosity) <= 0:
        raise ValueError(f"tortuosity must be > 0, got {tortuosity}")
    return (1 / float(tortuosity)) * (1 / float(tortuosity))


def _number_or_profile(name: str, value) -> float | Profile:
    given = profile_of(name, value)
    return given if isinstance(given, Profile) else finite(name, given)


def can_name_ion(name) -> bool:
    """Whether NEURON can have an ion of this name, whose variables are then called such as ki, ko,
    ik, ek.
    """
    return isinstance(name, str) and name.isidentifier() and name.isascii()


@dataclass(frozen=True)
class SpeciesSpec:
    """One species in one box: d (um2/ms for each axis), charge, and what happens at the box's
    faces.

    ``name`` may be None: such a species has no currents and no concentration in NEURON's segments.
    ``wall`` is the concentration of the border voxels (mM), or None for walls without flux.
    ``faces`` says more: what each
    face does by itself. ``constant``: a parameter, which neither currents nor reactions change.
    ``tissue``: its own, where it does not see the region's.
    """

    name: str | None
    d: tuple[float, float, float]
    charge: int = 0
    wall: float | None = None
    constant: bool = False
    faces: Faces | None = None
    tissue: Tissue | None = None

    def _is_label(self) -> bool:
        """Whether the name, which no variable of NEURON's could have, can stand for what is no ion:
        in files, too.
        """
        return (
            self.charge == 0
            and self.name.isprintable()
            and self.name.strip() == self.name != ""
            and "/" not in self.name
        )

    def __post_init__(self):
        if self.name is not None and not (
            can_name_ion(self.name) or (isinstance(self.name, str) and self._is_label())
        ):
            letters = (
                ""
                if str(self.name).isascii()
                else "; names of NEURON's ions have ASCII letters alone"
            )
            raise ValueError(
                "a species' name must be an identifier such as 'k', or None, or without charge any words without /, "
                f"got {self.name!r}{letters}"
            )
        label = self.name or "an unnamed species"
        diffusion_coefficients(self.d, label)
        _whole(f"charge of {label}", self.charge)
        if self.wall is not None:
            finite(f"ecs_boundary_conditions of {label}", self.wall)

    @classmethod
    def from_rxd(cls, name, d, charge, ecs_boundary_conditions) -> SpeciesSpec:
        """An ion from the arguments of rxd.Species; d is a number or one for each axis."""
        label = name or "an unnamed species"
        wall, faces = ecs_boundary_conditions, None
        if isinstance(wall, (Held, Bath)):
            wall = dict.fromkeys("xyz", wall)
        if isinstance(wall, dict):
            wall, faces = None, Faces.from_rxd(label, wall)
        return cls(
            name,
            diffusion_coefficients(d, label),
            _whole(f"charge of {label}", charge),
            wall,
            faces=faces,
        )


def _whole(what: str, value) -> int:
    number = finite(what, value)
    if number != int(number):
        raise ValueError(f"{what} must be a whole number, got {value!r}")
    return int(number)
