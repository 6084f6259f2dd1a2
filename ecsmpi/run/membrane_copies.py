"""The voxels of one region that reactions at the membrane change, as copies at the segments."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecsmpi.cells.membrane_reaction_plan import MembraneReactionPlan
from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.voxels import Voxels
from ecsmpi.run.segment_coupling import SegmentCoupling
from ecsmpi.solver.induced import InducedCurrents
from ecsmpi.solver.slab_field import SlabField
from ecsmpi.solver.tissue import SlabTissue
from ecsmpi.solver.voxel_copies import VoxelCopies


class MembraneCopies:
    """Copies of voxels for the reactions at segments, and the currents that these induce.

    Parameters
    ----------
    comm, slabs, box
        Of the region.
    keys : list
        Keys of the species that have copies, the same on all ranks.
    fields, tissues : list
        The field and the slab's tissue of each of these species.
    plan : MembraneReactionPlan
        The reactions.
    region
        The region, as the reactions know it.
    """

    def __init__(
        self,
        comm,
        slabs: Slabs,
        box: Box,
        keys: list,
        fields: list[SlabField],
        tissues: list[SlabTissue],
        plan: MembraneReactionPlan,
        region,
    ):
        own_copies = plan.extracellular(region)
        self._comm = comm
        self._slabs = slabs
        self._box = box
        self._keys = keys
        self._voxels, self._places, own_volumes = plan.copies(region)
        copies = []
        relative_volumes = []
        # each key has copies of its own, also where only reactions of other ranks name the species
        for key in keys:
            copies.append(own_copies.get(key, np.zeros(plan.at.size)))
            relative_volumes.append(own_volumes.get(key, np.zeros(plan.at.size)))
        self._copies = VoxelCopies(
            comm,
            slabs,
            box.plane,
            [field.owned for field in fields],
            tissues,
            self._voxels,
            self._places,
            copies,
            relative_volumes,
        )
        self.induced: InducedCurrents | None = None

    def induce_currents(
        self,
        plan: MembraneReactionPlan,
        names: dict[int, str],
        tissue: SlabTissue,
        initial_fractions: np.ndarray,
        coupling: SegmentCoupling,
    ) -> None:
        """Plan the currents of reactions where a State is the volume fraction. Collective.

        As in NEURON, a current is per area of NEURON's segment (``seg.area()``), and the voxel gets
        it through the area that rxd takes from the 3-D points, as any current of an ion.

        Parameters
        ----------
        names : dict
            {number of the species: its name} of the ions that may carry currents.
        tissue : SlabTissue
            The tissue that these ions share.
        initial_fractions : (voxels of the slab,)
            The volume fraction at initialisation.
        coupling : SegmentCoupling
            Of the region's segments.
        """
        carried = plan.carried()
        no_current = np.zeros(plan.at.size)
        segments = plan.at[self._places]
        self.induced = InducedCurrents(
            self._comm,
            self._slabs,
            self._box.plane,
            tissue,
            initial_fractions,
            self._voxels,
            self._places,
            list(names),
            [carried.get(name, no_current) for name in names.values()],
            [coupling.rate_of_current(f)[segments] for f in names],
        )

    def settle(self) -> None:
        """Bring what reactions have changed in the copies to the voxels. Collective."""
        self._copies.settle()

    def renew(self) -> None:
        """Set the copies to the concentrations now. Collective."""
        self._copies.renew()

    def renew_alone(self, values: Callable[[object, Voxels], np.ndarray]) -> None:
        """Set the copies of this rank to what it reads: values(key, voxels) in mM. Local."""
        self._copies.renew_from(lambda f, at: values(self._keys[f], Voxels(self._box, at)))

    def free(self) -> None:
        """Release the messages. Collective."""
        self._copies.free()
        if self.induced is not None:
            self.induced.free()
