"""Tissue and species as a script has described them: checked, frozen, in the field's units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ecsmpi.description.boundaries import Bath, Faces, Held
from ecsmpi.description.grid import each_axis, finite
from ecsmpi.description.profiles import PowerProfile, Profile, profile_of

FACE_AVERAGES = ("neuron", "symmetric")


def diffusion_coefficients(d: Any, species: str) -> tuple[float, float, float]:
    """(dx, dy, dz) in um2/ms from rxd's ``d``: one number, or one for each axis."""
    coefficients = each_axis(f"d of {species}", d)
    if min(coefficients) < 0:
        raise ValueError(f"d of {species} must be >= 0 um2/ms, got {d!r}")
    return coefficients


@dataclass(frozen=True)
class Tissue:
    """The porous medium: its free volume fraction and its permeability.

    Diffusion is slowed by the permeability 1/tortuosity**2. An ion current changes the
    concentration by 1/volume_fraction more than in free solution (Nicholson and Phillips 1981,
    J. Physiol. 321:225, equation 8).

    Parameters
    ----------
    volume_fraction : float or Profile
        In (0, 1].
    permeability : float or Profile
        1/tortuosity**2, a number without a unit: above 0 where it is the same everywhere, at least
        0 where it varies. It is no permeability of a membrane (`boundaries.Bath`), which is in
        um/ms.
    face_average : str
        How voxels that differ share a face, one of FACE_AVERAGES; solver/tissue.py has the rules.
    conserve_mass : bool
        Whether the ions of a voxel stay in it when a live volume fraction changes.

    Raises
    ------
    ValueError
        Names the parameter, its value and its bound.
    """

    volume_fraction: float | Profile = 1.0
    permeability: float | Profile = 1.0
    face_average: str = "neuron"
    conserve_mass: bool = False

    def __post_init__(self) -> None:
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
        cls,
        volume_fraction: Any = 1,
        tortuosity: Any = None,
        permeability: Any = None,
        face_average: str = "neuron",
    ) -> Tissue:
        """Tissue from the arguments of rxd.Extracellular.

        The first three are numbers or what `profile_of` takes. Give tortuosity or permeability,
        not both; with neither, both are 1.

        Raises
        ------
        ValueError
            Names the argument, its value and its bound.
        """
        if tortuosity is not None and permeability is not None:
            raise ValueError(
                f"give tortuosity or permeability, not both (permeability = 1/tortuosity**2); "
                f"got tortuosity={tortuosity!r} and permeability={permeability!r}"
            )
        if permeability is None:
            given = 1.0 if tortuosity is None else tortuosity
            permeability = _permeability(profile_of("tortuosity", given))
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
        """The quantities that vary from voxel to voxel."""
        each = (self.volume_fraction, self.permeability)
        return [quantity for quantity in each if isinstance(quantity, Profile)]

    @property
    def tortuosity(self) -> float | Profile:
        """Path length over distance."""
        if isinstance(self.permeability, Profile):
            return PowerProfile("permeability", self.permeability, -0.5)
        return float(self.permeability**-0.5)


def _permeability(tortuosity: Any) -> float | Profile:
    if isinstance(tortuosity, Profile):
        return PowerProfile("tortuosity", tortuosity, -2)
    if finite("tortuosity", tortuosity) <= 0:
        raise ValueError(f"tortuosity must be > 0, got {tortuosity}")
    return (1 / float(tortuosity)) * (1 / float(tortuosity))


def _number_or_profile(name: str, value: Any) -> float | Profile:
    given = profile_of(name, value)
    return given if isinstance(given, Profile) else finite(name, given)


def can_name_ion(name: Any) -> bool:
    """Whether NEURON can have an ion of this name, with variables such as ki, ko, ik and ek."""
    return isinstance(name, str) and name.isidentifier() and name.isascii()


@dataclass(frozen=True)
class SpeciesSpec:
    """One species in one box.

    Parameters
    ----------
    name : str or None
        Without a name, a species has no currents, and no concentration in NEURON's segments. A
        name that is no identifier is a label: such a species is no ion and has no charge.
    d : (3,) float
        Free diffusion coefficient along each axis (um2/ms).
    charge : int
        In elementary charges.
    wall : float, optional
        Concentration (mM) at which all faces are held. At most one of ``wall`` and ``faces`` is
        given; with neither, all faces are closed.
    constant : bool
        Whether it is a parameter, which neither currents nor reactions change.
    faces : Faces, optional
        A face condition for each face (boundaries.py).
    tissue : Tissue, optional
        The tissue that this species sees, where it is not the region's.

    Raises
    ------
    ValueError
        Names the species, the argument and its value.
    """

    name: str | None
    d: tuple[float, float, float]
    charge: int = 0
    wall: float | None = None
    constant: bool = False
    faces: Faces | None = None
    tissue: Tissue | None = None

    def __post_init__(self) -> None:
        self._check_name()
        label = self.name or "an unnamed species"
        diffusion_coefficients(self.d, label)
        _whole(f"charge of {label}", self.charge)
        if self.wall is not None:
            wall = finite(f"ecs_boundary_conditions of {label}", self.wall)
            object.__setattr__(self, "wall", wall)

    def _check_name(self) -> None:
        if self.name is None or can_name_ion(self.name):
            return
        if isinstance(self.name, str) and self.charge == 0 and _is_label(self.name):
            return
        is_ascii = str(self.name).isascii()
        hint = "" if is_ascii else "; names of NEURON's ions have ASCII letters alone"
        raise ValueError(
            "a species' name must be an identifier such as 'k', or None, or without charge any "
            f"words without /, got {self.name!r}{hint}"
        )

    @classmethod
    def from_rxd(
        cls, name: str | None, d: Any, charge: Any, ecs_boundary_conditions: Any
    ) -> SpeciesSpec:
        """A species from the arguments of rxd.Species.

        Parameters
        ----------
        d : number, or (3,)
            Diffusion coefficient, or one for each axis (um2/ms).
        charge : whole number
            In elementary charges.
        ecs_boundary_conditions : float, Held, Bath, mapping or None
            For all faces, or as `Faces.from_rxd` takes it.

        Raises
        ------
        ValueError
            Names the species, the argument and its value.
        """
        label = name or "an unnamed species"
        wall, faces = ecs_boundary_conditions, None
        if isinstance(wall, (Held, Bath)):
            wall = dict.fromkeys("xyz", wall)
        if isinstance(wall, Mapping):
            faces = Faces.from_rxd(label, wall)
            wall = None
        coefficients = diffusion_coefficients(d, label)
        whole_charge = _whole(f"charge of {label}", charge)
        return cls(name, coefficients, whole_charge, wall, faces=faces)


def _is_label(name: str) -> bool:
    """Whether files and messages can name a species so, though no variable of NEURON's could."""
    return name.isprintable() and name.strip() == name != "" and "/" not in name


def _whole(what: str, value: Any) -> int:
    number = finite(what, value)
    if number != int(number):
        raise ValueError(f"{what} must be a whole number, got {value!r}")
    return int(number)
