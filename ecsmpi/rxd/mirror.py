"""A species' extracellular part as NEURON sees it inside its own reactions: a region with a copy of each segment's voxel."""

from __future__ import annotations

import functools
import warnings
import weakref

import numpy as np

from ecsmpi.solver.copies import Copied
from ecsmpi.cells.membrane import section_centres
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.tissue_species import refuse_live_volume

from neuron import n, rxd as neuron_rxd  # isort: skip  (session has started MPI)
from neuron.rxd import node  # isort: skip


class VoxelShare(neuron_rxd.geometry.RxDGeometry):
    """Each segment has a volume as large as its voxel's free one, which borders on nothing."""

    def __init__(self, region):
        refuse_live_volume(region.tissue)
        self._region = region

    def volumes1d(self, sec) -> np.ndarray:
        """(nseg,) um3."""
        voxels = self._region.box.index_of(section_centres(getattr(sec, "_sec", sec)))
        return self._region.volume_fractions(np.maximum(voxels, 0)) * self._region.box.voxel_volume

    def surface_areas1d(self, sec) -> np.ndarray:
        """(nseg,) um2."""
        return np.zeros(sec.nseg)

    def neighbor_areas1d(self, sec) -> np.ndarray:
        """(nseg + 1,) um2."""
        return np.zeros(sec.nseg + 1)

    def is_volume(self) -> bool:
        """It is."""
        return True

    def is_area(self) -> bool:
        """It is not."""
        return False


class Mirror:
    """A species of NEURON's at sections, that stands for a species in an extracellular region.

    Its region is none of NEURON's sides of the membrane: no current of an ion reaches it, and it sets no ko.
    """

    def __init__(self, part, sections: list):
        self.species, self.region, self._sections = part.species, part.region, set(sections)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a rank may have no sections
            self._place = neuron_rxd.Region(sections, name=f"mirror_{self.species}", geometry=VoxelShare(self.region))
        kind = getattr(neuron_rxd, self.species.original)
        # NEURON counts charges of named species only, and takes the currents of those that have a charge.
        name = self.species.name or f"mirror_{self.species.key}"
        self._copy = kind(self._place, name=name, charge=self.species.charge if self.species.name else 0)
        self.part = self._copy[self._place]
        simulation.crossings.add_mirror(self)

    def covers(self, part, sections) -> bool:
        """Whether it stands for this part of a species at all of these sections."""
        return part.species is self.species and part.region is self.region and self._sections.issuperset(sections)

    def copied(self) -> Copied:
        """Where the copies are: segments in the order of ``n.allsec()``, and NEURON's states of them."""
        first, count = {}, 0
        for sec in n.allsec():
            first[sec] = count
            count += sec.nseg
        numbers = [first[one._sec] + i for one in self._copy._secs for i in range(one.nseg)]
        rows = functools.partial(_rows, weakref.ref(self._copy))
        shares = node._get_data()[0][rows()] / self.region.box.voxel_volume
        return Copied(self.species.key, np.array(numbers, dtype=np.int64), shares, rows)


def _rows(copy: weakref.ref) -> np.ndarray:
    """Where NEURON keeps the states of a species now; weakly, since a plan keeps no mirror."""
    return np.array([row for one in copy()._secs for row in one.indices], dtype=np.int64)


def mirror_of(part, sections: list) -> Mirror:
    """The mirror of a species' part in an extracellular region at these sections, made where there is none."""
    known = (mirror for mirror in simulation.crossings.mirrors if mirror.covers(part, sections))
    return next(known, None) or Mirror(part, sections)
