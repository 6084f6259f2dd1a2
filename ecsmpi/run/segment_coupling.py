"""How NEURON's segments and the voxels of one region reach each other.

    currents of segments --take_currents--> sources of voxels
    concentrations of voxels --give_concentrations--> outside concentrations of segments

The arrays of the segments lie in NEURON's memory. The exchange carries the values between ranks.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ecsmpi.cells.segments import Segments
from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box
from ecsmpi.description.model import SpeciesSpec
from ecsmpi.solver.exchange import Exchange, plan_exchange

UM2_MA_PER_CM2 = 1e4  # mA/cm2 * um2 / (C/mol * um3) is 1e4 mM/ms


class SegmentCoupling:
    """The segments of this rank that lie in one box, and the exchange that serves them. Collective.

    Parameters
    ----------
    comm
        Communicator of all ranks of the model.
    box, slabs : Box, Slabs
        The region's box and which rank owns which planes of it.
    species : list of SpeciesSpec
        All species of the region, in the order of their fields.
    ions : list of SegmentIon or None
        The segments' ion of each species, None where no ion has its name.
    segments : Segments
        All segments of this rank.
    further_voxels : (n,) int
        Flat indices of the voxels that pointers lead to, followed by those that fluxes go into.
    faraday : float
        C/mol.

    Attributes
    ----------
    exchange : Exchange
        Carries sources to the owners of the voxels, and concentrations back.
    in_box : (entries,) int
        Numbers of the segments that lie in the box.
    voxel : (entries,) int
        Flat index into the box of the voxel of each of them.
    """

    def __init__(
        self,
        comm,
        box: Box,
        slabs: Slabs,
        species: list[SpeciesSpec],
        ions: list,
        segments: Segments,
        further_voxels: np.ndarray,
        faraday: float,
    ):
        voxel = box.index_of(segments.centre)
        self.in_box = np.flatnonzero(voxel >= 0)
        self.voxel = voxel[self.in_box]
        self._comm = comm
        self._box = box
        self._slabs = slabs
        self._segment_count = segments.count
        self._species = species
        self._ions = ions
        self.exchange = plan_exchange(
            comm, slabs, box.plane, self.voxel, len(species), further_voxels
        )
        self._rate_of_charge = segments.area * (UM2_MA_PER_CM2 / (faraday * box.voxel_volume))
        self._currents: list[tuple] = []
        self._outsides: list[tuple] = []

    def rate_of_current(self, f: int) -> np.ndarray:
        """(segments,) mM/ms of a current of 1 mA/cm2 that species number f carries. Local."""
        return self._rate_of_charge / self._species[f].charge

    def find(self) -> None:
        """Look up NEURON's memory of the segments' variables, where the ions have just found it.

        Local. The entries are reordered, so that a step goes through memory with few leaps.
        """
        named = [ion for ion in self._ions if ion is not None]
        order: Any = slice(0)  # no ion, so no entries
        if named:
            order = self.exchange.order(named[0].outside.rows[self.in_box])
        self.exchange.reorder(order)
        in_box = self.in_box[order]
        self._currents = []
        self._outsides = []
        for f, (species, ion) in enumerate(zip(self._species, self._ions)):
            if species.name and species.charge and not species.constant:
                rates = self.rate_of_current(f)[in_box]
                self._currents.append((f, *ion.current.memory_of(in_box), rates))
            if ion is not None:
                self._outsides.append((f, *ion.outside.memory_of(in_box)))

    def take_currents(self, dt: float) -> None:
        """Add what the segments' ions carry during dt (ms) to the sources. Local."""
        for f, currents, at, rates in self._currents:
            self.exchange.add_sources(f, currents, at, rates, dt)

    def give_concentrations(self) -> None:
        """Set the segments' outside concentrations to those that have been fetched. Local."""
        for outside in self._outsides:
            self.exchange.scatter_values(*outside)

    def values_at_segments(self, values: np.ndarray, elsewhere: float) -> np.ndarray:
        """(segments,) values of the segments' voxels. Collective.

        values: (n, ny, nz) of this rank's planes. elsewhere: the value of segments outside the box.
        """
        found = np.full(self._segment_count, elsewhere)
        exchange = Exchange(self._comm, self._slabs, self._box.plane, self.voxel, 1)
        exchange.set_values([values.reshape(-1)])
        exchange.fetch_values()
        exchange.scatter_values(0, found, self.in_box.astype(np.uint32))
        exchange.free()
        return found

    def free(self) -> None:
        """Release the messages. Collective."""
        self.exchange.free()
