"""Currents of membrane reactions in a box whose volume fraction is a State.

A reaction brings its ions to the voxel itself. NEURON also adds the reaction's current, as any
current of the membrane, over the volume fraction of now, and takes it out again over the volume
fraction at initialisation. A voxel is left with

    dt I (1 / alpha - 1 / alpha_initial),

which is 0 as long as the volume fraction stays. Together with the reaction's own change, over
alpha_initial, that is the ions over alpha.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.exchange import Exchange, plan_exchange
from ecsmpi.solver.tissue import SlabTissue


class InducedCurrents:
    """The currents of some species in one box, on their way from segments to voxels' owners.

    Making them is collective.

    Parameters
    ----------
    comm
        Communicator of all ranks of the box.
    slabs : Slabs
        Which rank owns which planes.
    plane_size : int
        Voxels of a plane.
    tissue : SlabTissue
        The tissue of the species.
    initial_fraction : (voxels of the slab,) float
        Its volume fraction at initialisation.
    voxels : (entries,) int
        Flat index into the box of each segment with a reaction.
    places : (entries,) int
        Where in each of ``currents`` the segment's current is.
    species : list of int
        Numbers of the species in the box, the same on all ranks.
    currents : list of (places,) float
        For each of these species, mA/cm2.
    factors : list of (entries,) float
        For each of these species, mM/ms of a current of 1.
    """

    def __init__(
        self,
        comm,
        slabs: Slabs,
        plane_size: int,
        tissue: SlabTissue,
        initial_fraction: np.ndarray,
        voxels: np.ndarray,
        places: np.ndarray,
        species: list[int],
        currents: list[np.ndarray],
        factors: list[np.ndarray],
    ):
        self._exchange = plan_exchange(comm, slabs, plane_size, voxels, len(species))
        order = self._exchange.order(places)
        self._exchange.reorder(order)
        self._places = places[order].astype(np.uint32)
        self._currents = currents
        self._factors = [factor[order] for factor in factors]
        self._species = species
        self._tissue = tissue
        self._initial_fraction = initial_fraction[self._exchange.local_voxels]

    def add_sources(self, dt: float) -> None:
        """Add the currents of now, during dt (ms). Local."""
        for f, (current, factors) in enumerate(zip(self._currents, self._factors)):
            self._exchange.add_sources(f, current, self._places, factors, dt)

    def forget_sources(self) -> None:
        """Drop the currents that were added since `add_to`. Local."""
        self._exchange.forget_sources()

    def add_to(self, exchange: Exchange) -> None:
        """Add what is left in the voxels to the sources of a step. Collective.

        exchange: of the box; the volume fraction divides its sources.
        """
        self._exchange.send_sources()
        local = self._exchange.local_voxels
        at = np.searchsorted(exchange.local_voxels, local)
        fraction = self._tissue.volume_fraction.reshape(-1)[local]
        left = 1.0 - fraction / self._initial_fraction
        for f, number in enumerate(self._species):
            exchange.sources[number][at] += left * self._exchange.sources[f]

    def free(self) -> None:
        """Release the messages."""
        self._exchange.free()
