"""The tissue of one region in this rank's slab, for each of its species."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec, Tissue
from ecsmpi.solver.tissue import SlabTissue


class SlabTissues:
    """Shares of this rank's slab in the tissue of a region, and in that of species with their own.

    Species with the same tissue share one `SlabTissue`.

    Attributes
    ----------
    tissue : Tissue
        The region's tissue as it is now.
    """

    def __init__(self, comm, box: Box, planes: tuple[int, int], tissue: Tissue):
        self._comm = comm
        self._box = box
        self._planes = planes
        self.tissue = tissue
        self._of: dict[tuple[bool, Tissue], Any] = {}  # by (whether a species' own, tissue)
        self._fingerprint: tuple[Tissue | None, str] = (None, "")

    def plan(self, species: list[SpeciesSpec]) -> list[SlabTissue]:
        """The slab's tissue of each species; tissues that no species has any more go. Local."""
        described = [(one.tissue is not None, one.tissue or self.tissue) for one in species]
        found: dict[tuple[bool, Tissue], Any] = {}
        for which in dict.fromkeys(described):
            found[which] = self._of.get(which) or self._slab_of(which[1])
        self._of = found
        return [found[which] for which in described]

    def change(self, tissue: Tissue) -> tuple[np.ndarray | float, np.ndarray | float]:
        """Replace the region's tissue; (volume fraction before, volume fraction now). Local."""
        slab: Any = self._of.get((False, self.tissue)) or self._slab_of(self.tissue)
        before = slab.volume_fraction
        slab.change(tissue)
        self._of.pop((False, self.tissue), None)
        self._of[False, tissue] = slab
        self.tissue = tissue
        return before, slab.volume_fraction

    def volume_fractions(self) -> np.ndarray:
        """(n, ny, nz) volume fractions of the slab now, of tissue where they vary. Local."""
        fraction: Any = self.tissue.volume_fraction
        planes = fraction.planes(self._box, *self._planes)
        return np.ascontiguousarray(planes, dtype=float)

    def state(self) -> dict[str, np.ndarray]:
        """Volume fractions and permeabilities that are a State of the script, by name. Local.

        They lag behind the State where it diffuses.
        """
        found = {}
        for i, slab in enumerate(self._of.values()):
            for name, array in slab.state_arrays().items():
                found[f"{name} {i}"] = array
        return found

    def refilled(self) -> None:
        """Take over what a restart has written to the arrays of `state`. Local."""
        for slab in self._of.values():
            slab.refilled()

    def fingerprint(self) -> str:
        """Digest of the values of tissue that varies; "" for a tissue of numbers. Collective.

        It tells apart tissues that are described alike, such as by functions of one name.
        """
        if self._fingerprint[0] is not self.tissue:
            self._fingerprint = self.tissue, self._take_fingerprint()
        return self._fingerprint[1]

    def _take_fingerprint(self) -> str:
        fixed = [profile for profile in self.tissue.profiles if not profile.live]
        digest = 0
        for profile in fixed:
            for i in range(*self._planes):
                plane = profile.planes(self._box, i, i + 1)
                digest += zlib.crc32(i.to_bytes(8, "little") + plane.tobytes())
        total = self._comm.allreduce(digest)
        return f" ({total:x})" if fixed else ""

    def _slab_of(self, tissue: Tissue) -> SlabTissue:
        return SlabTissue(self._box, self._planes, tissue)
