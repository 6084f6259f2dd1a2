"""What the objects of a model have, for the run: species, regions and reactions.

`ecsmpi.rxd` has classes of this kind; a run knows no more of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.description.profiles import Profile
from ecsmpi.reactions.rate_law import Law


class ModelRegion(Protocol):
    """A box of tissue."""

    @property
    def box(self) -> Box:
        """The voxels."""

    @property
    def tissue(self) -> Tissue:
        """The tissue as it is now."""


class ModelSpecies(Protocol):
    """A species in some regions."""

    @property
    def key(self) -> int:
        """Number of the species, the same on all ranks."""

    @property
    def name(self) -> str | None:
        """Name of its ion, or None."""

    @property
    def charge(self) -> int:
        """Elementary charges of its ion."""

    @property
    def regions(self) -> Sequence[Any]:
        """The regions in which it is."""

    def spec(self, region: Any) -> SpeciesSpec:
        """What the solver is to know of it in a region."""

    def initial_profile(self, region: Any) -> Profile:
        """Its initial concentrations (mM) in a region."""


class ModelReaction(Protocol):
    """A rate or reaction in some regions."""

    @property
    def key(self) -> Hashable:
        """Changes whenever its laws do."""

    @property
    def regions(self) -> Sequence[Any]:
        """The regions in which it has laws."""

    def replaced_species(self) -> list[str]:
        """The species that it names and whose place others have taken."""

    def law(self, region: Any, numbers: dict[tuple[int, Any], int]) -> Law | None:
        """Its law in a region, or None.

        numbers: {(key of a species, region): its number in the law}.
        """
