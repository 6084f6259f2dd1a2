"""Warnings about a model when it is planned, each given once."""

from __future__ import annotations

import warnings

import numpy as np

from ecsmpi.cells.coupled_segments import CoupledSegments
from ecsmpi.cells.duplicates import Duplicates
from ecsmpi.cells.misspelt_ions import misspelt_ions
from ecsmpi.cells.segments import without_address
from ecsmpi.description.model import can_name_ion
from ecsmpi.run.overlaps import warn_of_overlaps
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry

MOST_NAMED = 5  # segments outside the box that a warning names


class ModelWarnings:
    """Warns of what is most likely a mistake, and remembers what has been said. Collective."""

    def __init__(self):
        self._duplicates = Duplicates()
        self._misspelt: set[tuple] = set()
        self._outside: list | None = None
        self._overlaps_of_version: int | None = None

    def forget(self) -> None:
        """Warn of segments outside all boxes again. Local."""
        self._outside = None

    def warn_of_misspelt_ions(self, registry: ModelRegistry, comm) -> None:
        """Warn of species that no mechanism uses while one uses a similar ion, such as K and k.

        Collective; rank 0 warns.
        """
        names = []
        for species in registry.species:
            if species.charge and can_name_ion(species.name):
                names.append(species.name)
        found: dict[tuple, None] = {}
        for of_rank in comm.allgather(misspelt_ions(names)):
            found.update(dict.fromkeys(of_rank))
        used = {ion for _, ion in found}
        for name, ion in found:
            if comm.rank == 0 and name not in used and (name, ion) not in self._misspelt:
                warnings.warn(
                    f"no mechanism uses {name}, the name of an extracellular species; "
                    f"did you mean {ion}?",
                    stacklevel=2,
                )
                self._misspelt.add((name, ion))

    def warn_of_places(
        self, registry: ModelRegistry, solvers: RegionSolvers, segments: CoupledSegments
    ) -> None:
        """Warn of segments outside all boxes, duplicates and overlapping boxes. Collective."""
        comm = solvers.comm
        self._warn_of_segments_outside(registry, solvers, segments)
        in_boxes = [solver.in_box for solver in solvers.of_all(registry.regions)]
        self._duplicates.warn(comm, segments.all, in_boxes)
        if comm.rank == 0 and self._overlaps_of_version != registry.version:
            self._overlaps_of_version = registry.version
            warn_of_overlaps(registry.species)

    def _warn_of_segments_outside(
        self, registry: ModelRegistry, solvers: RegionSolvers, segments: CoupledSegments
    ) -> None:
        """Warn on rank 0 with their number, some names and where they are. Collective."""
        numbers = np.flatnonzero(_in_no_box(registry, solvers, segments))
        names = [without_address(segments.all.name(int(i))) for i in numbers[:MOST_NAMED]]
        own = (len(numbers), names, _corners(segments.all.centre[numbers]))
        of_ranks = solvers.comm.gather(own)
        if solvers.comm.rank or of_ranks == self._outside:
            return
        self._outside = of_ranks
        count = sum(number for number, _, _ in of_ranks)
        if count:
            named = [name for _, some, _ in of_ranks for name in some][:MOST_NAMED]
            corners = [corner for _, _, of_rank in of_ranks for corner in of_rank]
            low, high = _corners(np.array(corners))
            more = ", ..." if count > len(named) else ""
            warnings.warn(
                f"{count} segments lie outside every extracellular box and take no part in it: "
                f"{', '.join(named)}{more}; enlarge the box to include them, whose centres go from "
                f"{_shown(low)} to {_shown(high)} um",
                stacklevel=2,
            )


def _corners(places: np.ndarray) -> list[list[float]]:
    """Return the lowest and the highest (x, y, z) of places (n, 3) in um; [] of none."""
    if not len(places):
        return []
    return [places.min(axis=0).tolist(), places.max(axis=0).tolist()]


def _shown(corner: list[float]) -> str:
    return f"({', '.join(f'{number:g}' for number in corner)})"


def _in_no_box(
    registry: ModelRegistry, solvers: RegionSolvers, segments: CoupledSegments
) -> np.ndarray:
    """(segments,) whether a segment lies in none of the boxes of some ion. Local."""
    regions: dict[str, set] = {}
    for species in registry.species:
        regions.setdefault(species.name, set()).update(species.regions)
    outside = np.zeros(segments.all.count, dtype=bool)
    for where in {frozenset(regions[name]) for name in segments.ions}:
        lost = np.ones(segments.all.count, dtype=bool)
        for region in where:
            lost[solvers.of(region).in_box] = False
        outside |= lost
    return outside
