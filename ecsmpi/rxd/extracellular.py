"""Extracellular regions: the box of a script and its tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.description.model import Tissue
from ecsmpi.description.profiles import Profile, values_at
from ecsmpi.ranks.meeting import timeout_seconds
from ecsmpi.rxd.compat import InvalidValue, RxDException, RxdStandIn
from ecsmpi.rxd.forgetting import refuse_forgotten
from ecsmpi.rxd.options import options
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.tissue_species import SpeciesProfile, is_species, kinds


class Extracellular(RxdStandIn):
    """An extracellular region: the box from (xlo, ylo, zlo) to at least (xhi, yhi, zhi) um, in
    voxels of dx um.

    dx: a number or (dx, dy, dz). volume_fraction in (0, 1]; tortuosity > 0 or permeability =
    1/tortuosity**2, not both. Each is a number, an array of the box's shape, a function of x, y, z
    (um) of a voxel's lower corner, also if it takes arrays of these only, or rxd.from_file(path,
    dataset); volume_fraction and permeability also a State or Parameter, or a dict of the arguments
    of a State, such as {"name": "alpha", "initial": 0.2}, which is then made here: ``ecs.alpha`` is
    that State. Voxels whose permeability is 0, or tortuosity infinite, let nothing pass.
    face_average: "neuron", or "symmetric" for harmonic means that do not depend on the direction of
    the axes.
    Set them at any time, on every rank: collective. Raises InvalidValue, an RxDException and a
    ValueError, naming the argument.
    """

    original = "Extracellular"
    settable = ("box",)

    def __init__(
        self,
        xlo,
        ylo,
        zlo,
        xhi,
        yhi,
        zhi,
        dx,
        volume_fraction=1,
        tortuosity=None,
        permeability=None,
        face_average="neuron",
    ):
        if not options.enable.extracellular:
            raise RxDException(
                "extracellular diffusion is disabled: set rxd.options.enable.extracellular = True"
            )
        try:
            self.box = Box.spanning((xlo, ylo, zlo), (xhi, yhi, zhi), dx)
        except ValueError as error:
            raise InvalidValue(str(error)) from None
        self._xlo, self._ylo, self._zlo = self.box.lo  # NEURON's names, which scripts read
        self._xhi, self._yhi, self._zhi = self.box.hi
        self._nx, self._ny, self._nz = self.box.shape
        self._dx = self.box.spacing
        self._tissue = Tissue()  # until there is what a State given by a dict lies in
        self._made_in = simulation.registry.made_in
        self._tissue = self.made_of(volume_fraction, tortuosity, permeability, face_average)

    @property
    def tissue(self) -> Tissue:
        """The description that the solver works from."""
        return self._tissue

    def made_of(self, volume_fraction, tortuosity, permeability, face_average) -> Tissue:
        """A tissue from rxd's arguments, which fits the box as far as can be told; InvalidValue
        else. Local.
        """
        if is_species(tortuosity) or isinstance(tortuosity, dict):
            raise InvalidValue(
                "tortuosity cannot be a State or Parameter; permeability = 1/tortuosity**2 can"
            )
        volume_fraction, permeability = (
            self._profile(each) for each in (volume_fraction, permeability)
        )
        try:
            tissue = Tissue.from_rxd(volume_fraction, tortuosity, permeability, face_average)
            for profile in tissue.profiles:
                profile.check(self.box)
        except ValueError as error:
            raise InvalidValue(str(error)) from None
        return tissue

    def _profile(self, given):
        """What the solver takes: of a State or Parameter, or of a dict of a State's arguments, the
        values in this region.
        """
        if isinstance(given, dict):
            given = kinds["State"](**{**given, "regions": [self]})
        return SpeciesProfile.on(self, given) if is_species(given) else given

    def _become(self, tissue: Tissue, what: str, conserve_mass: bool = False) -> None:
        refuse_forgotten(self)
        try:
            with simulation.reading.changing(f"setting {what} of {self!r}", timeout_seconds()):
                simulation.change_tissue(self, tissue, conserve_mass)
        except ValueError as error:
            raise InvalidValue(str(error)) from None
        self._tissue = tissue
        simulation.reading.show_pointers()

    @property
    def alpha(self):
        """Volume fraction: a number, else (nx, ny, nz) numbers, evaluated anew, or the State or
        Parameter. Local.
        """
        return self._shown(self.tissue.volume_fraction)

    @alpha.setter
    def alpha(self, value) -> None:
        self.set_volume_fraction(value, conserve_mass=False)

    def set_volume_fraction(self, value, conserve_mass: bool = True) -> None:
        """Another volume fraction, from the next step on. Collective.

        conserve_mass: the ions of a voxel stay in it, so that c becomes c old/new; as ``alpha =
        ...``, neuron.rxd's way, does not. A State is followed in each step of the grid, after the
        reactions, and conserve_mass holds all the while; the solver's factors are then made anew in
        each step.
        """
        made = self.made_of(value, None, None, self.tissue.face_average)
        goes_on = conserve_mass and getattr(made.volume_fraction, "live", False)
        self._become(
            replace(self.tissue, volume_fraction=made.volume_fraction, conserve_mass=goes_on),
            "alpha",
            conserve_mass,
        )

    @property
    def tortuosity(self):
        """Tortuosity, as `alpha`."""
        return self._shown(self.tissue.tortuosity)

    @tortuosity.setter
    def tortuosity(self, value) -> None:
        made = self.made_of(1, value, None, self.tissue.face_average)
        self._become(replace(self.tissue, permeability=made.permeability), "tortuosity")

    @property
    def permeability(self):
        """1/tortuosity**2, as `alpha`."""
        return self._shown(self.tissue.permeability)

    @permeability.setter
    def permeability(self, value) -> None:
        made = self.made_of(1, None, value, self.tissue.face_average)
        self._become(replace(self.tissue, permeability=made.permeability), "permeability")

    def _shown(self, given):
        if isinstance(given, SpeciesProfile):
            return given.species
        return given.planes(self.box, 0, self.box.shape[0]) if isinstance(given, Profile) else given

    def volume_fractions(self, index) -> np.ndarray:
        """(voxels,) of voxels given by flat index. Local."""
        return values_at(self.tissue.volume_fraction, self.box, index)

    def volume(self, index=None) -> float:
        """Free volume (um3) of the region, or of one voxel where ``index`` is given: (i, j, k), or
        its flat index. Local.
        """
        if index is not None:
            flat = (
                int(np.ravel_multi_index(index, self.box.shape)) if np.ndim(index) else int(index)
            )
            return self.box.voxel_volume * float(self.volume_fractions(np.array([flat]))[0])
        fraction = self.tissue.volume_fraction
        if isinstance(fraction, Profile):
            nx = self.box.shape[0]
            return self.box.voxel_volume * sum(
                float(fraction.planes(self.box, i, i + 1).sum()) for i in range(nx)
            )
        return self.box.voxel_volume * fraction * self.box.voxels

    def __repr__(self):
        ends = dict(zip(("xlo", "ylo", "zlo", "xhi", "yhi", "zhi"), (*self.box.lo, *self.box.hi)))
        words = [f"{name}={end:g}" for name, end in ends.items()]
        words.append(f"dx=({', '.join(f'{edge:g}' for edge in self.box.spacing)})")
        words.append(f"volume_fraction={self.tissue.volume_fraction}")
        words.append(f"tortuosity={self.tissue.tortuosity}")
        return f"Extracellular({', '.join(words)})"
