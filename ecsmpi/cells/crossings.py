"""What NEURON's reactions at the membrane take from voxels and bring to them, and the currents that they carry.

NEURON adds such a current to the ion's (ik) between two calls of its nonvint blocks, and it must not count a second time:
the reaction has brought its ions to the voxel already.
"""

from __future__ import annotations

import weakref

import numpy as np

from ecsmpi.solver import entry_kernels
from ecsmpi.cells.segment_ion import SegmentIon


class Crossings:
    """The script's mirrors and reactions across the membrane, held weakly.

    A mirror has ``species`` and ``region``, of which it is a copy at segments, and ``copied()``. A reaction has ``carried``,
    the names of the ions whose currents it makes.
    """

    def __init__(self, states):
        """states: () -> NEURON's array of the states of all its reactions."""
        self.states = states
        self._mirrors, self._reactions = [], []
        self._carried: list[tuple[SegmentIon, np.ndarray]] = []

    @property
    def mirrors(self) -> list:
        """The mirrors in the order they were made."""
        return [mirror for reference in self._mirrors if (mirror := reference()) is not None]

    def add_mirror(self, mirror) -> None:
        """Take part from the next finitialize on. Local."""
        self._mirrors.append(weakref.ref(mirror))

    def add_reaction(self, reaction) -> None:
        """Take part from the next finitialize on. Local."""
        self._reactions.append(weakref.ref(reaction))

    def keys_in(self, region) -> list:
        """Keys of the species with mirrors in a region, in the order of the species; the same on all ranks."""
        return sorted({mirror.species.key for mirror in self.mirrors if mirror.region is region})

    def plan(self, ions: dict[str, SegmentIon], count: int) -> None:
        """From now on the reactions of now carry currents of some of the ions at this number of segments. Local."""
        reactions = [reaction for reference in self._reactions if (reaction := reference()) is not None]
        names = sorted({name for reaction in reactions for name in reaction.carried if name in ions})
        self._carried = [(ions[name], np.zeros(count)) for name in names]

    def before_currents(self) -> None:
        """NEURON's reactions are about to add their currents. Local."""
        for ion, carried in self._carried:
            np.take(ion.current.column, ion.current.rows, out=carried, mode="clip")  # "raise" would allocate

    def after_currents(self) -> None:
        """They have. Local."""
        for ion, carried in self._carried:
            entry_kernels.subtract_from(ion.current.column, ion.current.rows, carried)

    def carried_by(self, name: str) -> np.ndarray | None:
        """(segments,) mA/cm2 of an ion's current that reactions carry, or None."""
        return next((carried for ion, carried in self._carried if ion.name == name), None)
