"""Induced currents of membrane reactions, in a box whose volume fraction is a State.

A reaction across the membrane moves ions, and so it carries a current. NEURON calls that current
induced: it follows from the reaction and from no channel. It shows in the ion's total current, such
as ik. NEURON does three things with a voxel outside, and a box does the same:

1. The reaction changes the concentration of the voxel by its ions over alpha_initial, the volume
   fraction at initialisation (voxel_copies.py).
2. The total current flows into the voxel. Its induced part I (mM/ms of a whole voxel) adds
   dt I / alpha, over the volume fraction of now.
3. The induced current is taken out again, so that the ions do not count twice. It takes out
   dt I / alpha_initial, over the volume fraction at initialisation.

The second and the third leave dt I (1 / alpha - 1 / alpha_initial), which this module adds. It is 0
as long as the volume fraction stays. With the first, the whole change is dt I / alpha: the ions of
the reaction over the volume fraction of now.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.exchange import Exchange, plan_exchange
from ecsmpi.solver.tissue import SlabTissue


class InducedCurrents:
    """The induced currents of some species in one box, from segments to the voxels' owners.

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
        """Add what the currents leave in the voxels to the sources of a step. Collective.

        exchange: of the box. Its sources are divided by the volume fraction later, so that what is
        added here is dt I (1 - alpha / alpha_initial).
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
