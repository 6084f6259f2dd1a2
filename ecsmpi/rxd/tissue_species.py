"""Tissue made of a State or a Parameter: what it is in a voxel, the volume fraction or permeability
there becomes.
"""

from __future__ import annotations

import weakref

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.description.profiles import Profile
from ecsmpi.rxd.compat import InvalidValue
from ecsmpi.rxd.session import simulation

# name of a class of species -> the class, which a region makes of a dict; that class knows regions
kinds = {}


def is_species(given) -> bool:
    """Whether it is a species, or the part of one in a region."""
    return hasattr(given, "defined_on_region")


class SpeciesProfile(Profile):
    """The values of a species in a region, of this rank's planes as they are now."""

    live = True

    def __init__(self, species, region):
        self.species, self._region = species, weakref.ref(region)

    @classmethod
    def on(cls, region, given) -> SpeciesProfile:
        """From a species or its part in a region; InvalidValue where that is another region."""
        if not given.defined_on_region(region):
            raise InvalidValue(
                f"{given} must be defined on {region.box} for its tissue to be made of it"
            )
        return cls(getattr(given, "species", given), region)

    def planes(self, box: Box, lo: int, hi: int) -> np.ndarray:
        field = simulation.field(self.species, self._region())
        first, last = field.planes
        if not first <= lo <= hi <= last:
            raise InvalidValue(
                f"rank {simulation.comm.rank} has planes {first} to {last} of {self}, not {lo} to {hi}"
            )
        return field.owned[lo - first : hi - first].copy()

    def __repr__(self):
        return (
            f"species {self.species.name}" if self.species.name else "an unnamed species"
        )  # alike on all ranks
