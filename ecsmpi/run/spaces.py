"""The run-time spaces of a script's regions, and how their boxes are cut into slabs."""

from __future__ import annotations

import weakref

import numpy as np

from ecsmpi.cells.coupled_segments import CoupledSegments
from ecsmpi.description.decomposition import GRAIN, Slabs, plane_weights
from ecsmpi.neuron_api import sections
from ecsmpi.neuron_api.worlds import Worlds
from ecsmpi.run.observers.fields import labels
from ecsmpi.run.region_solver import Space
from ecsmpi.run.registry import ModelRegistry
from ecsmpi.solver.timing import Phases


class Spaces(ModelRegistry):
    """What a script has described, and a `Space` for each region that has been looked into."""

    def __init__(self, comm):
        super().__init__()
        self.worlds = Worlds(comm)
        self.comm, self.phases, self.segments = comm, Phases(), CoupledSegments()
        self.reproducible = False
        self._spaces, self._slabs = {}, {}  # boxes that are alike are cut alike
        self._changed = False

    def forget(self) -> None:
        """There is nothing any more, and no messages between ranks for it. Collective."""
        super().forget()
        for space in self._spaces.values():
            space.free()
        self._spaces, self._slabs = {}, {}
        self.segments.release([])
        self._changed = False
        sections.forget_recorder()

    def space(self, region) -> Space:
        """The run-time space of a region, made at the first call. Local."""
        key = weakref.ref(region)
        if key not in self._spaces:
            if not self._spaces:
                self.enter_world()
            slabs = self._slabs.setdefault(region.box, self._even_slabs(region.box))
            self._spaces[key] = Space(self.comm, region.box, region.tissue, self.phases, slabs)
        return self._spaces[key]

    def spaces_in_order(self) -> list[Space]:
        """Those of the script's regions, in an order that is the same on all ranks. Local."""
        return [self.space(region) for region in self.regions]

    def enter_world(self) -> None:
        """Go on in the world of now; what was planned in another one is dropped. Collective over
        the world where it is new.
        """
        comm = self.worlds.now()
        if comm is self.comm:
            return
        self.comm, old = comm, self._spaces
        self._spaces, self._slabs = {}, {}
        for reference, space in old.items():
            space.leave()
            if (region := reference()) is not None:
                self.space(region).take_over(space)

    def _even_slabs(self, box) -> Slabs:
        return Slabs(box.shape[0], self.comm.size, GRAIN if self.reproducible else None)

    def field(self, species, region):
        """A species' field, with its initial concentrations if it is new. Local."""
        space = self.space(region)
        key = species.key
        if key not in space.fields:
            field = space.field(key)
            profile = species.initial_profile(region)
            field.owned[:] = profile.planes(region.box, *field.planes)
        return space.fields[key]

    def add_flux(self, species, region, flux) -> None:
        """A flux into a species, from the next plan on. Local."""
        self.space(region).fluxes.add(species.key, flux)
        self.change()

    def change(self) -> None:
        """The description has changed: plan anew before the grid's next step. Local, to be called
        on every rank.
        """
        self._changed = True

    def change_tissue(self, region, tissue, conserve_mass: bool) -> None:
        """A region becomes another tissue. Local, to be called on every rank."""
        was_live = any(profile.live for profile in region.tissue.profiles)
        if (space := self._spaces.get(weakref.ref(region))) is not None:
            space.change_tissue(tissue, conserve_mass)
        if (
            was_live
            or any(profile.live for profile in tissue.profiles)
            or any(species.ion(region).tissue for species in self.on(region))
        ):
            # their own tissue has parts of the region's, or the region's is made of them
            self.change()

    def watch(self, species, region, flat: int):
        """NEURON's pointer to a copy of a voxel's value, which follows it on this rank from the
        next finitialize on. Local.
        """
        sections.let_record()
        vector, place = self.space(region).pointers.to(species.key, flat)
        return vector._ref_x[place]

    def reproduce(self, wanted: bool) -> None:
        """Whether results have the same bits at any number of ranks; for boxes that are not in use
        yet. Local.
        """
        if wanted != self.reproducible and any(
            reference() is not None for reference in self._spaces
        ):
            raise RuntimeError(
                "rxd.options.reproducible must be set before any concentration is used: set it first"
            )
        self.reproducible = bool(wanted)

    def fields(self) -> list[tuple]:
        """(name, box, field) of each species in each region."""
        species = self.species
        return [
            (label, region.box, self.field(one, region))
            for label, one in zip(labels(species), species)
            for region in one.regions
        ]

    def _free_dropped_spaces(self) -> None:
        """Spaces whose regions are gone give their messages back. Collective."""
        for reference in [reference for reference in self._spaces if reference() is None]:
            self._spaces.pop(reference).free()
        self._slabs = {space.box: space.slabs for space in self._spaces.values()}

    def _partition(self) -> None:
        """Cut the boxes that nobody has looked into yet by what their planes cost. Collective."""
        for box in dict.fromkeys(region.box for region in self.regions):
            if (
                not self.comm.allreduce(box in self._slabs)
                and not self.reproducible
                and self.comm.size > 1
            ):
                self._slabs[box] = Slabs.weighed(
                    plane_weights(box.plane, self._asked(box)), self.comm.size
                )

    def _asked(self, box) -> np.ndarray:
        """(planes,) voxels with segments, once for each rank of these. Collective."""
        voxels = np.unique(box.index_of(self.segments.all.centre))
        own = np.bincount(voxels[voxels >= 0] // box.plane, minlength=box.shape[0])
        return self.comm.allreduce(own)
