"""Copies of voxels at segments, in which reactions of cells run.

    voxel's owner --renew--> copies at segments --reactions--> their changes
    voxel's owner <--settle, summed over the segments of the voxel-- changes

A copy is as large as the free volume that its voxel had when the copy was made. What the copy
gains, the voxel gains: in ions, or in concentration where the tissue says that copies keep their
volume.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.solver.exchange import plan_exchange
from ecsmpi.solver.tissue import SlabTissue

entry_kernels = kernels_of("ecsmpi.solver.entry_kernels")


class VoxelCopies:
    """All copies of one box on this rank. Making them is collective.

    Parameters
    ----------
    comm
        Communicator of all ranks of the box.
    slabs : Slabs
        Which rank owns which planes.
    plane_size : int
        Voxels of a plane.
    fields : list of (n, ny, nz) float
        Concentrations in the slab of each species with copies: the same species on all ranks.
    tissues : list of SlabTissue
        The tissue of each of these species.
    voxels : (entries,) int
        Flat index into the box of each segment in it.
    places : (entries,) int
        Where in each of ``copies`` the segment's copy is.
    copies : list of (places,) float
        For each species, the concentrations (mM) that reactions change.
    relative_volumes : list of (places,) float
        For each species, the volume of each copy over that of a voxel, tissue and all.
    """

    def __init__(
        self,
        comm,
        slabs: Slabs,
        plane_size: int,
        fields: list[np.ndarray],
        tissues: list[SlabTissue],
        voxels: np.ndarray,
        places: np.ndarray,
        copies: list[np.ndarray],
        relative_volumes: list[np.ndarray],
    ):
        self._tissues = tissues
        self._fields = [field.reshape(-1) for field in fields]
        self._exchange = plan_exchange(comm, slabs, plane_size, voxels, len(fields))
        order = self._exchange.order(places)
        self._exchange.reorder(order)
        self._places = places[order].astype(np.uint32)
        self._voxels = voxels[order]
        self._weights = []  # what a change of 1 mM in a copy adds to the sources of its voxel
        for tissue, relative_volume in zip(tissues, relative_volumes):
            if tissue.copies_keep_volume:
                self._weights.append(np.ones(order.size))
            else:
                self._weights.append(relative_volume[self._places])
        self._copies = copies
        self._before = [np.zeros_like(each) for each in copies]
        self._change = np.zeros(copies[0].size)

    def settle(self) -> None:
        """Add to the voxels what has changed in the copies, each change once. Collective."""
        for f, copies in enumerate(self._copies):
            before = self._before[f]
            np.subtract(copies, before, out=self._change)
            before[:] = copies
            self._exchange.add_sources(f, self._change, self._places, self._weights[f], 1.0)
        self._exchange.send_sources()
        local = self._exchange.local_voxels
        for field, sources, tissue in zip(self._fields, self._exchange.sources, self._tissues):
            fraction = 1.0 if tissue.copies_keep_volume else tissue.volume_fraction
            divisor = np.asarray(fraction, dtype=float).reshape(-1)
            entry_kernels.add_over(sources, local, divisor, field)

    def renew(self) -> None:
        """Set the copies to what their voxels are now. Collective."""
        self._exchange.set_values(self._fields)
        self._exchange.fetch_values()
        for f, copies in enumerate(self._copies):
            self._exchange.scatter_values(f, copies, self._places)
            self._before[f][:] = copies

    def renew_from(self, values: Callable[[int, np.ndarray], np.ndarray]) -> None:
        """Set the copies to values that this rank knows. Local.

        values(number of the species, flat indices into the box) -> (entries,) mM.
        """
        for f, copies in enumerate(self._copies):
            copies[self._places] = values(f, self._voxels)
            self._before[f][:] = copies

    def free(self) -> None:
        """Release the messages."""
        self._exchange.free()
