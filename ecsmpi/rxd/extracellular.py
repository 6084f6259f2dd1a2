"""Extracellular regions: the box of a script and its tissue."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ecsmpi.description.grid import Box
from ecsmpi.description.model import Tissue
from ecsmpi.description.profiles import FloatArray, Profile, values_at
from ecsmpi.ranks.meeting import timeout_seconds
from ecsmpi.rxd.argument_types import PerAxis, TissueValue
from ecsmpi.rxd.errors import InvalidValue, RxDException
from ecsmpi.rxd.model_reset import refuse_forgotten
from ecsmpi.rxd.options import options
from ecsmpi.rxd.profiles import SPECIES_CLASSES, SpeciesProfile, is_species
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.stand_in import RxdStandIn

if TYPE_CHECKING:
    from ecsmpi.rxd.species import Species


class Extracellular(RxdStandIn):
    """An extracellular region: a box of voxels, and the tissue in it.

    Make it on every rank, with the same arguments.

    Parameters
    ----------
    xlo, ylo, zlo
        Lower corner of the box (um).
    xhi, yhi, zhi
        Upper corner (um); the box extends to whole voxels, at least as far.
    dx
        Edges of a voxel (um): a number, or (dx, dy, dz).
    volume_fraction
        Free part of the volume, in (0, 1], dimensionless: a number; an array of the box's shape; a
        function of x, y, z (um) of a voxel's lower corner, which may take arrays;
        ``rxd.from_function(f)``;
        ``rxd.from_file(path, dataset)``; a State or Parameter; or a dict of the arguments of a
        State, such as ``{"name": "alpha", "initial": 0.2}``, which is then made, as ``ecs.alpha``.
    tortuosity
        Length of the way around cells by that of the straight way, dimensionless, greater than 0;
        the same kinds of values, without a State, a Parameter or a dict. None: 1. Nothing passes a
        voxel of infinite tortuosity.
    permeability
        1/tortuosity**2, dimensionless, instead of the tortuosity; all kinds of values. None: 1.
        Nothing passes a voxel of permeability 0.
    face_average
        "neuron", or "symmetric": harmonic means between two voxels, which do not depend on the
        direction of the axes.

    Attributes
    ----------
    box : Box
        The grid: ``box.lo``, ``box.hi``, ``box.spacing`` (um) and ``box.shape`` (voxels).

    Raises
    ------
    InvalidValue
        For a wrong argument, which it names; an RxDException and a ValueError.
    RxDException
        If ``rxd.options.enable.extracellular`` is False.

    Examples
    --------
    >>> tissue = rxd.Extracellular(
    ...     -100, -100, 0, 100, 100, 50, dx=10, volume_fraction=0.2, tortuosity=1.6
    ... )
    >>> tissue.box.shape
    (20, 20, 5)
    >>> tissue.volume()  # um3
    400000.0
    """

    original = "Extracellular"
    settable = ("box",)
    hidden = ("made_of", "tissue", "volume_fractions")

    def __init__(
        self,
        xlo: float,
        ylo: float,
        zlo: float,
        xhi: float,
        yhi: float,
        zhi: float,
        dx: PerAxis,
        volume_fraction: TissueValue = 1,
        tortuosity: TissueValue | None = None,
        permeability: TissueValue | None = None,
        face_average: str = "neuron",
    ):
        if not options.enable.extracellular:
            raise RxDException(
                "extracellular diffusion is disabled: set rxd.options.enable.extracellular = True"
            )
        try:
            self.box = Box.spanning((xlo, ylo, zlo), (xhi, yhi, zhi), dx)
        except ValueError as error:
            raise InvalidValue(str(error)) from None
        # names of NEURON's attributes, which scripts read
        self._xlo, self._ylo, self._zlo = self.box.lo
        self._xhi, self._yhi, self._zhi = self.box.hi
        self._nx, self._ny, self._nz = self.box.shape
        self._dx = self.box.spacing
        self._made_in = simulation.registry.made_in
        self._tissue = Tissue()  # a State that is made of a dict needs a region that has tissue
        self._tissue = self.made_of(volume_fraction, tortuosity, permeability, face_average)

    @property
    def tissue(self) -> Tissue:
        """The description of the tissue that the solver works from."""
        return self._tissue

    def made_of(
        self,
        volume_fraction: TissueValue,
        tortuosity: TissueValue | None,
        permeability: TissueValue | None,
        face_average: str,
    ) -> Tissue:
        """The tissue of some arguments of rxd. Local.

        Raises
        ------
        InvalidValue
            If an argument is wrong or cannot fit the box.
        """
        if is_species(tortuosity) or isinstance(tortuosity, dict):
            raise InvalidValue(
                "tortuosity cannot be a State or Parameter; permeability = 1/tortuosity**2 can"
            )
        volume_fraction = self._species_to_profile(volume_fraction)
        permeability = self._species_to_profile(permeability)
        try:
            tissue = Tissue.from_rxd(volume_fraction, tortuosity, permeability, face_average)
            for profile in tissue.profiles:
                profile.check(self.box)
        except ValueError as error:
            raise InvalidValue(str(error)) from None
        return tissue

    def _species_to_profile(self, value: Any) -> Any:
        """The profile of a State or Parameter, or of a dict of a State's arguments."""
        if isinstance(value, dict):
            value = SPECIES_CLASSES["State"](**{**value, "regions": [self]})
        return SpeciesProfile.on(self, value) if is_species(value) else value

    def _become(self, tissue: Tissue, name: str, conserve_mass: bool = False) -> None:
        """Replace the tissue, of which a property is set. Collective."""
        refuse_forgotten(self)
        try:
            with simulation.reading.changing(f"setting {name} of {self!r}", timeout_seconds()):
                simulation.change_tissue(self, tissue, conserve_mass)
        except ValueError as error:
            raise InvalidValue(str(error)) from None
        self._tissue = tissue
        simulation.reading.show_pointers()

    @property
    def alpha(self) -> float | FloatArray | Species:
        """Volume fraction (dimensionless): a number, (nx, ny, nz) numbers, or a State. Local.

        Setting it is collective: call it on every rank. It acts from the next step on; it leaves
        concentrations as they are, as in neuron.rxd. Raises InvalidValue as the constructor does.
        """
        shown: float | FloatArray | Species = self._shown(self.tissue.volume_fraction)
        return shown

    @alpha.setter
    def alpha(self, value: TissueValue) -> None:
        self.set_volume_fraction(value, conserve_mass=False)

    def set_volume_fraction(self, value: TissueValue, conserve_mass: bool = True) -> None:
        """Set the volume fraction, from the next step on. Collective.

        Parameters
        ----------
        value
            What ``volume_fraction`` of the constructor may be (dimensionless). A State is followed
            in each step of the grid, after the reactions; the solver then plans its factors anew in
            each step.
        conserve_mass
            Whether the ions of a voxel stay in it, so that a concentration c becomes c old/new.
            With a State that holds in every step. ``ecs.alpha = value`` leaves concentrations as
            they are, as in neuron.rxd.

        Raises
        ------
        InvalidValue
            As the constructor does.
        """
        made = self.made_of(value, None, None, self.tissue.face_average)
        follows = isinstance(made.volume_fraction, Profile) and made.volume_fraction.live
        tissue = replace(
            self.tissue,
            volume_fraction=made.volume_fraction,
            conserve_mass=conserve_mass and follows,
        )
        self._become(tissue, "alpha", conserve_mass)

    @property
    def tortuosity(self) -> float | FloatArray:
        """Tortuosity (dimensionless): a number, or (nx, ny, nz) numbers. Local.

        Setting it is collective: call it on every rank. It acts from the next step on. Raises
        InvalidValue as the constructor does.
        """
        shown: float | FloatArray = self._shown(self.tissue.tortuosity)
        return shown

    @tortuosity.setter
    def tortuosity(self, value: TissueValue) -> None:
        made = self.made_of(1, value, None, self.tissue.face_average)
        self._become(replace(self.tissue, permeability=made.permeability), "tortuosity")

    @property
    def permeability(self) -> float | FloatArray | Species:
        """1/tortuosity**2 (dimensionless): a number, (nx, ny, nz) numbers, or a State. Local.

        Setting it is collective: call it on every rank. It acts from the next step on. Raises
        InvalidValue as the constructor does.
        """
        shown: float | FloatArray | Species = self._shown(self.tissue.permeability)
        return shown

    @permeability.setter
    def permeability(self, value: TissueValue) -> None:
        made = self.made_of(1, None, value, self.tissue.face_average)
        self._become(replace(self.tissue, permeability=made.permeability), "permeability")

    def _shown(self, value: Profile | float) -> Any:
        """What a script reads of a property of the tissue."""
        if isinstance(value, SpeciesProfile):
            return value.species
        if isinstance(value, Profile):
            return value.planes(self.box, 0, self.box.shape[0])
        return value

    def volume_fractions(self, index: NDArray[np.int64]) -> FloatArray:
        """(voxels,) volume fractions of voxels given by their flat index in C order. Local."""
        return values_at(self.tissue.volume_fraction, self.box, index)

    def volume(self, index: int | tuple[int, int, int] | None = None) -> float:
        """Free volume (um3). Local.

        Parameters
        ----------
        index
            A voxel: (i, j, k), or its flat index in C order; None for the whole region.

        Returns
        -------
        float
            The volume without cells (um3).

        Raises
        ------
        InvalidValue
            If there is no such voxel.
        """
        box = self.box
        if index is not None:
            voxel = np.asarray(index, dtype=np.int64)
            flat = self._flat_index(index, voxel)
            [fraction] = self.volume_fractions(np.array([flat], dtype=np.int64))
            return box.voxel_volume * float(fraction)
        profile = self.tissue.volume_fraction
        if not isinstance(profile, Profile):
            return box.voxel_volume * profile * box.voxels
        sums = (float(profile.planes(box, i, i + 1).sum()) for i in range(box.shape[0]))
        return box.voxel_volume * sum(sums)

    def _flat_index(self, index: object, voxel: NDArray[np.int64]) -> int:
        """The flat index of a voxel; InvalidValue if there is none of that index."""
        shape = self.box.shape if voxel.ndim else (self.box.voxels,)
        try:
            return int(np.ravel_multi_index(tuple(np.atleast_1d(voxel)), shape))
        except ValueError:
            raise InvalidValue(
                f"voxel {index!r} is outside the {self.box.shape} voxels of the region"
            ) from None

    def __repr__(self) -> str:
        lower = zip(("xlo", "ylo", "zlo"), self.box.lo)
        upper = zip(("xhi", "yhi", "zhi"), self.box.hi)
        words = [f"{name}={end:g}" for name, end in (*lower, *upper)]
        words.append(f"dx=({', '.join(f'{edge:g}' for edge in self.box.spacing)})")
        words.append(f"volume_fraction={self.tissue.volume_fraction}")
        words.append(f"tortuosity={self.tissue.tortuosity}")
        return f"Extracellular({', '.join(words)})"
