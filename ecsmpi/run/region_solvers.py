"""The solvers of a script's regions, the ranks they run on, and how boxes are cut into slabs."""

from __future__ import annotations

import weakref
from collections.abc import Iterator

import numpy as np

from ecsmpi.description.decomposition import GRAIN, Slabs, plane_weights
from ecsmpi.description.grid import Box
from ecsmpi.description.model import Tissue
from ecsmpi.neuron_api.worlds import Worlds
from ecsmpi.run.model_parts import ModelRegion, ModelSpecies
from ecsmpi.run.region_solver import RegionSolver
from ecsmpi.run.registry import ModelRegistry
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.timing import Phases


class RegionSolvers:
    """A `RegionSolver` for each region that has been used, made at its first use.

    Attributes
    ----------
    comm
        Communicator of the ranks that compute the model together.
    worlds : Worlds
        Tells which ranks these are now.
    phases : Phases
        Time of each phase of the steps on this rank.
    reproducible : bool
        Whether results have the same bits at any number of ranks.
    """

    def __init__(self, comm):
        self.worlds = Worlds(comm)
        self.comm = comm
        self.phases = Phases()
        self.reproducible = False
        self._solvers: dict[weakref.ref, RegionSolver] = {}  # by region
        self._slabs: dict[Box, Slabs] = {}  # boxes that are alike are cut alike

    def of(self, region: ModelRegion) -> RegionSolver:
        """The solver of a region. Local."""
        key = weakref.ref(region)
        if key not in self._solvers:
            if not self._solvers:
                self.enter_world()
            slabs = self._slabs.setdefault(region.box, self._even_slabs(region.box))
            solver = RegionSolver(self.comm, region.box, region.tissue, self.phases, slabs)
            self._solvers[key] = solver
        return self._solvers[key]

    def of_all(self, regions: list) -> list[RegionSolver]:
        """The solvers of regions. Local."""
        return [self.of(region) for region in regions]

    def items(self) -> Iterator[tuple]:
        """(region, solver) of each region that the script has and that has been used. Local."""
        for reference, solver in self._solvers.items():
            region = reference()
            if region is not None:
                yield region, solver

    def field(self, species: ModelSpecies, region: ModelRegion) -> SlabField:
        """The field of a species; a new field has its initial concentrations. Local."""
        solver = self.of(region)
        if species.key not in solver.fields:
            self.fill(species, region)
        return solver.fields[species.key]

    def fill(self, species: ModelSpecies, region: ModelRegion) -> None:
        """Set a species to its initial concentrations. Local."""
        field = self.of(region).field(species.key)
        species.initial_profile(region).fill(field.owned, region.box, field.planes[0])

    def fields(self, registry: ModelRegistry) -> list[tuple[str, Box, SlabField]]:
        """(label, box, field) of each species in each region. Local."""
        found = []
        for label, species in zip(registry.labels(), registry.species):
            for region in species.regions:
                found.append((label, region.box, self.field(species, region)))
        return found

    def change_tissue(self, region: ModelRegion, tissue: Tissue, conserve_mass: bool) -> None:
        """Give a region another tissue. Local, called on every rank."""
        solver = self._solvers.get(weakref.ref(region))
        if solver is not None:
            solver.change_tissue(tissue, conserve_mass)

    def reproduce(self, wanted: bool) -> None:
        """Set whether results have the same bits at any number of ranks. Local.

        Raises RuntimeError where a box is in use.
        """
        if wanted != self.reproducible and any(True for _ in self.items()):
            raise RuntimeError(
                "rxd.options.reproducible must be set before any concentration is used: "
                "set it first"
            )
        self.reproducible = bool(wanted)

    # ranks and slabs

    def enter_world(self) -> None:
        """Go on with the ranks of the world of now; plans of another world are dropped.

        Collective over the world where it is new.
        """
        comm = self.worlds.now()
        if comm is self.comm:
            return
        former = self._solvers
        self.comm = comm
        self._solvers = {}
        self._slabs = {}
        for reference, solver in former.items():
            solver.leave_world()
            region = reference()
            if region is not None:
                self.of(region).inherit(solver)

    def partition(self, regions: list, centres: np.ndarray) -> None:
        """Cut the boxes that no rank has used yet, by what their planes cost. Collective.

        centres: (segments, 3) um, of this rank's segments.
        """
        for box in dict.fromkeys(region.box for region in regions):
            is_used = self.comm.allreduce(box in self._slabs)
            if not is_used and not self.reproducible and self.comm.size > 1:
                weights = plane_weights(box.plane, self._requests_per_plane(box, centres))
                self._slabs[box] = Slabs.weighed(weights, self.comm.size)

    def _requests_per_plane(self, box: Box, centres: np.ndarray) -> np.ndarray:
        """(planes,) voxels with segments, counted once for each rank of these. Collective."""
        voxels = np.unique(box.index_of(centres))
        own = np.bincount(voxels[voxels >= 0] // box.plane, minlength=box.shape[0])
        return self.comm.allreduce(own)

    def _even_slabs(self, box: Box) -> Slabs:
        return Slabs(box.shape[0], self.comm.size, GRAIN if self.reproducible else None)

    def free_dropped(self) -> None:
        """Release what belongs to regions that the script has dropped. Collective."""
        for reference in list(self._solvers):
            if reference() is None:
                self._solvers.pop(reference).free()
        self._slabs = {solver.box: solver.slabs for solver in self._solvers.values()}

    def clear(self) -> None:
        """Release everything. Collective."""
        for solver in self._solvers.values():
            solver.free()
        self._solvers = {}
        self._slabs = {}
