"""Copies of voxels' values, to which NEURON's pointers lead. They follow the voxels, and set them.

A script, a vector that is played or a mechanism may write to a copy at any time, without notice. So
the copies are compared with what they were last made to show: before each step, before reads, and
before anything else is set.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ecsmpi.neuron_api.interpreter import n
from ecsmpi.solver.exchange import Exchange

FIRST = 16  # copies in the first block; each further one has twice as many as the one before


class Pointers:
    """The copies of voxels of one box. Local.

    A copy is known by (key of the species, flat index of the voxel).
    """

    def __init__(self):
        self._blocks: list[_Block] = []
        self._places: dict[tuple, tuple[_Block, int]] = {}

    def __bool__(self):
        return bool(self._places)

    def __contains__(self, known_by: tuple) -> bool:
        return known_by in self._places

    def to(self, key, flat: int) -> tuple:
        """(NEURON's vector, place in it) of a voxel's copy, which the first call makes."""
        if (key, flat) not in self._places:
            if not self._blocks or self._blocks[-1].is_full:
                self._blocks.append(_Block(FIRST << len(self._blocks)))
            self._places[key, flat] = self._blocks[-1].add((key, flat))
        block, place = self._places[key, flat]
        return block.vector, place

    def voxels_of(self, key) -> np.ndarray:
        """The flat indices of a species' voxels that have copies."""
        return np.array([flat for one, flat in self._places if one == key], dtype=np.int64)

    def hand_over(self, old, new) -> None:
        """Let the copies of a species follow another species, which has none yet.

        old, new: keys of the two.
        """
        for key, flat in list(self._places):
            if key == old:
                block, place = self._places.pop((key, flat))
                block.known_by[place] = new, flat
                self._places[new, flat] = block, place

    def forget(self, keys) -> None:
        """Let the copies of species that are not among ``keys`` follow nothing any more."""
        for known_by in list(self._places):
            if known_by[0] not in keys:
                block, place = self._places.pop(known_by)
                block.known_by[place] = None

    # showing

    def plan(self, keys: list) -> np.ndarray:
        """Flat indices of the voxels whose values `show_fetched` will need.

        keys: of all species, in the order of their numbers.
        """
        voxels = sorted({flat for _, flat in self._places})
        number = {key: f for f, key in enumerate(keys)}
        which = {flat: i for i, flat in enumerate(voxels)}
        for block in self._blocks:
            block.plan(number, which)
        return np.array(voxels, dtype=np.int64)

    def show_fetched(self, exchange: Exchange) -> None:
        """Show what an exchange has fetched from the voxels of the plan."""
        for block in self._blocks:
            if block.at.size:
                block.show(block.at, exchange.further_values(block.species, block.which))

    def show(self, key, flat: int, value: float) -> None:
        """Show the value (mM) of a voxel, if it has a copy."""
        if (found := self._places.get((key, flat))) is not None:
            block, place = found
            block.show(place, value)

    def show_all(self, key, flat: np.ndarray, values: np.ndarray) -> None:
        """Show the values (mM) of some voxels of a species that have copies."""
        for one, value in zip(flat.tolist(), values.tolist()):
            self.show(key, one, value)

    # what was written

    def is_set(self, key, flat: int) -> bool:
        """Whether a voxel was set through its pointer since it was last shown."""
        if (found := self._places.get((key, flat))) is None:
            return False
        block, place = found
        return block.bits[place] != block.shown[place]

    def take_writes(self) -> Iterator[tuple]:
        """(key, ascending flat indices, values (mM)) of what was set through pointers.

        These values count as shown from now on.
        """
        found: dict[object, dict[int, float]] = {}
        for block in self._blocks:
            if block.differs():
                for (key, flat), value in block.take_writes():
                    found.setdefault(key, {})[flat] = value
        for key, values in found.items():
            flat = np.array(sorted(values), dtype=np.int64)
            yield key, flat, np.array([values[one] for one in flat.tolist()])

    def ignore_writes(self) -> None:
        """Forget what was set through pointers: the voxels are about to be set anew."""
        for block in self._blocks:
            block.shown[:] = block.bits


class _Block:
    """Copies in one vector of NEURON, which keeps its place, as pointers into it are in use.

    Attributes
    ----------
    values, bits : (size,)
        The vector's memory as doubles, and as whole numbers, by which NaN equals itself.
    shown : (size,)
        The whole numbers when the copies were last shown.
    known_by : list
        What `Pointers` knows each copy in use by; None if it follows nothing any more.
    at, species, which : (n,) int
        Of the plan: places in the vector, numbers of species, places among the voxels that
        `Pointers.plan` returned.
    """

    def __init__(self, size: int):
        self.vector = n.Vector(size)
        self.values = self.vector.as_numpy()
        self.bits = self.values.view(np.int64)
        self.shown = self.bits.copy()
        self.known_by: list[tuple | None] = []
        self.at = self.species = self.which = np.zeros(0, dtype=np.int64)
        self._differ = np.zeros(size, dtype=bool)

    @property
    def is_full(self) -> bool:
        return len(self.known_by) == self.values.size

    def add(self, known_by: tuple) -> tuple[_Block, int]:
        self.known_by.append(known_by)
        return self, len(self.known_by) - 1

    def plan(self, number: dict, which: dict) -> None:
        used = []
        for place, known_by in enumerate(self.known_by):
            if known_by is not None:
                key, flat = known_by
                used.append((place, number[key], which[flat]))
        columns = np.array(used, dtype=np.int64).reshape(-1, 3).T
        self.at, self.species, self.which = columns.copy()

    def show(self, at, values) -> None:
        self.values[at] = values
        self.shown[at] = self.bits[at]

    def differs(self) -> bool:
        np.not_equal(self.bits, self.shown, out=self._differ)
        return bool(self._differ.any())

    def take_writes(self) -> list[tuple]:
        places = np.flatnonzero(self._differ).tolist()
        self.shown[:] = self.bits
        found = []
        for place in places:
            known_by = self.known_by[place] if place < len(self.known_by) else None
            if known_by is not None:
                found.append((known_by, float(self.values[place])))
        return found
