"""Currents of reactions at the membrane, where a State is the volume fraction of the box: what
NEURON lets them leave in a voxel.

A reaction brings its ions to the voxel itself. NEURON also takes its current in, as any current of
the membrane, over the volume fraction of now, and takes it out again over the volume fraction at
initialisation. A voxel is left with

    dt I (1 / alpha - 1 / alpha_then),

which is 0 as long as the volume fraction stays. With the reaction's own change, over alpha_then,
that is the ions over alpha.
"""

from __future__ import annotations

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.exchange import Exchange, plan_exchange
from ecsmpi.solver.tissue import SlabTissue


class InducedCurrents:
    """Of some ions in one box, from this rank's segments to the owners of their voxels."""

    def __init__(
        self,
        comm,
        slabs: Slabs,
        plane_size: int,
        tissue: SlabTissue,
        then: np.ndarray,
        voxels: np.ndarray,
        places: np.ndarray,
        ions: list[int],
        currents: list[np.ndarray],
        factors: list[np.ndarray],
    ):
        """Collective. tissue: of the ions; then: (voxels of the slab,) its volume fraction at
        initialisation.

        voxels, places: (entries,) the voxel in the box of each segment with a reaction, and where
        its current is. ions: numbers of the ions in the box, the same on all ranks; currents:
        (places,) of each, mA/cm2; factors: (entries,) mM/ms of a current.
        """
        self._exchange = plan_exchange(comm, slabs, plane_size, voxels, len(ions))
        turn = self._exchange.order(places)
        self._exchange.reorder(turn)
        self._places = places[turn].astype(np.uint32)
        self._currents, self._factors = currents, [factor[turn] for factor in factors]
        self._ions, self._tissue = ions, tissue
        self._then = then[self._exchange.local_voxels]

    def add_sources(self, dt: float) -> None:
        """Take in the currents of now, during dt (ms). Local."""
        for f, (current, factors) in enumerate(zip(self._currents, self._factors)):
            self._exchange.add_sources(f, current, self._places, factors, dt)

    def forget_sources(self) -> None:
        """What was taken since `add_to` does not count. Local."""
        self._exchange.forget_sources()

    def add_to(self, exchange: Exchange) -> None:
        """Add what is left in the voxels to the sources of a step, which the volume fraction
        divides. Collective.
        """
        self._exchange.send_sources()
        local = self._exchange.local_voxels
        at = np.searchsorted(exchange.local_voxels, local)
        left = 1.0 - self._tissue.volume_fraction.reshape(-1)[local] / self._then
        for f, ion in enumerate(self._ions):
            exchange.sources[ion][at] += left * self._exchange.sources[f]

    def free(self) -> None:
        """Release the messages."""
        self._exchange.free()
