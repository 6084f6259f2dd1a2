"""NEURON's pointers to voxels, kept in step with the concentrations.

`pointers.Pointers` of each region has the copies that NEURON points to. This module shows the
voxels' values in them, and sets the voxels that a script, Vector.play or a mechanism has changed
through them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecsmpi.description.voxels import Voxels
from ecsmpi.neuron_api import sections
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry
from ecsmpi.run.writes import Write

if TYPE_CHECKING:
    from ecsmpi.run.reading import Reading


class VoxelPointers:
    """The pointers to voxels of all regions. Local."""

    def __init__(self, registry: ModelRegistry, solvers: RegionSolvers):
        self._registry = registry
        self._solvers = solvers
        # (reference to a species, region, voxel) of pointers that are not in the plan yet
        self._late: list[tuple] = []

    def point(self, species, region, flat: int):
        """NEURON's pointer to a copy of a voxel's value, and whether it is new.

        The copy follows the voxel on this rank from the next finitialize on; see `follow_late`.
        """
        pointers = self._solvers.of(region).pointers
        is_new = (species.key, flat) not in pointers
        sections.let_record()
        vector, place = pointers.to(species.key, flat)
        return vector._ref_x[place], is_new

    def follow_late(self, species, region, flat: int) -> None:
        """Show a voxel too whose pointer has come after the plan."""
        self._late.append((self._registry.reference(species), region, flat))

    def forget_late(self) -> None:
        """Forget which pointers came after the last plan: all are in the next one."""
        self._late.clear()

    def show_late(self, reading: Reading) -> None:
        """Show the voxels of pointers that came after the plan."""
        for reference, region, flat in self._late:
            species = reference()
            if species is not None and not reference.replaced:
                value = reading.value(species, region, flat)
                self._solvers.of(region).pointers.show(species.key, flat, value)

    def show_all(self, reading: Reading) -> None:
        """Show what this rank reads, after a change that was no step."""
        for region in self._registry.regions:
            pointers = self._solvers.of(region).pointers
            if not pointers:
                continue
            for species in self._registry.species_in(region):
                flat = pointers.voxels_of(species.key)
                values = reading.values(species, region, Voxels(region.box, flat))
                pointers.show_all(species.key, flat, values)

    def ignore_writes(self) -> None:
        """Forget what was set through pointers: all voxels get their initial concentrations."""
        for _, solver in self._solvers.items():
            solver.pointers.ignore_writes()

    def apply_writes(self, reading: Reading) -> None:
        """Set the voxels that were set through pointers; ValueError where one was set to NaN."""
        for region, solver in self._solvers.items():
            if solver.pointers:
                for key, flat, values in solver.pointers.take_writes():
                    self._set(reading, region, key, flat, values)

    def _set(self, reading: Reading, region, key, flat: np.ndarray, values: np.ndarray) -> None:
        finite = np.isfinite(values)
        for species in self._registry.species_in(region):
            if species.key == key:
                write = Write.of(Voxels(region.box, flat[finite]), values[finite])
                reading.set(species, region, write)
                if not finite.all():
                    odd = int(flat[~finite][0])
                    self._refuse(reading, species, region, odd, values[~finite][0])

    def _refuse(self, reading: Reading, species, region, flat: int, value: float) -> None:
        """Raise ValueError for a value that is not finite; its pointer shows the voxel again."""
        box = region.box
        kept = reading.value(species, region, flat)
        self._solvers.of(region).pointers.show(species.key, flat, kept)
        ijk = tuple(int(index) for index in np.unravel_index(flat, box.shape))
        at = ", ".join(f"{x:g}" for x in box.centre(*ijk))
        raise ValueError(
            f"{species} is set to {value:g} mM through the pointer (_ref_value) to voxel {ijk} at "
            f"({at}) um, which must be finite: "
            "look at what the script, Vector.play or a mechanism writes there"
        )
