"""What a script reads and sets of the concentrations, on any rank, at any time, without the other ranks.

A rank reads slabs of others from their memory (`ecsmpi.ranks.peers`), at the end of the last step of the grid that it
took part in (`gate`). A few values are read one by one; after some tens of them the whole box is read once, and kept
until the next step. What this rank has set itself is laid over what it reads.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from ecsmpi.description.voxels import Voxels
from ecsmpi.run.gate import Gate
from ecsmpi.run.writes import Write, Writes
from ecsmpi.solver.stepper import Field

FEW = 32  # values that are read one by one in any box
FEW_OF = 2000  # and one of so many voxels: about what a whole box costs to read


class ReadInStep(RuntimeError):
    """The script reads concentrations while all ranks change them."""


class _Whole:
    """A box as it was read. shown: whether the script has it, so that it must stay as it is."""

    __slots__ = ("array", "shown")

    def __init__(self, array: np.ndarray):
        self.array, self.shown = array, False


class Reading:
    """Reads and sets concentrations of a simulation. Nothing here is collective but `renew`, `changing` and `settle`.

    On one process all of it goes to the fields themselves.
    """

    def __init__(self, simulation):
        self._simulation, self.gate = simulation, None
        self._places: dict[tuple, tuple] = {}  # of each planned field: (its number, its slabs, addresses of its slabs)
        self._fields = []  # by number: (species' key, space)
        self._wholes: dict[tuple, _Whole] = {}
        self._few: dict[tuple, int] = {}
        self._writes = Writes()
        self._in_step = False  # between `start_step` and `finish_start`
        self._number = np.zeros(1)
        self._number_at = self._number.ctypes.data

    @property
    def alone(self) -> bool:
        """Whether there is one rank."""
        return self._simulation.comm.size == 1

    # what the simulation does

    @contextmanager
    def changing(self, call: str, timeout: float | None = None):
        """All ranks change concentrations in the block, and none reads. Collective; see `Arrivals.finish`."""
        self.begin(call, timeout)
        yield
        self.completed()

    def begin(self, call: str, timeout: float | None = None) -> None:
        """All ranks have come to a call that changes concentrations, and none reads until `completed`. Collective."""
        if self.alone:
            return
        if self.gate is None:
            self.gate = Gate(self._simulation.comm)
        self.gate.start(call)
        self.gate.finish(timeout)

    def start_step(self) -> None:
        """This rank reads no more until its step is `completed`. Local."""
        if self.gate is not None:
            self.gate.start("a step of the grid", self._writes.difference)
            self._in_step = True

    def finish_start(self) -> bool:
        """Before the first change in a step: wait until no rank reads. Collective.

        Returns whether voxels have been set that only some ranks had set; on all ranks alike.
        """
        if self.gate is None or not self._in_step:
            return False
        self._in_step = False
        all_have_them = self.gate.finish()
        if not all_have_them:
            self.settle()
        self._writes.clear()
        return not all_have_them

    def completed(self) -> None:
        """The change is made on this rank. Local."""
        if self.gate is not None:
            self.gate.completed()
            self._wholes.clear()
            self._few.clear()
        self._simulation.stamp += 1

    def renew(self) -> None:
        """The fields of now are where they are until the next plan. Collective, between `begin` and `completed`."""
        if self.alone:
            return
        self._writes.clear()
        simulation = self._simulation
        self._fields = [(key, space) for space in simulation.spaces_in_order() for key in space.planned_keys]
        slabs = [space.fields[key].owned for key, space in self._fields]
        addresses = zip(*simulation.comm.allgather([slab.ctypes.data for slab in slabs]))
        self._places = {
            (key, space): (number, space.slabs, where)
            for number, ((key, space), where) in enumerate(zip(self._fields, addresses))
        }

    def settle(self) -> None:
        """Ranks have set different voxels: each owner gets them, those of the highest rank last. Collective."""
        comm = self._simulation.comm
        parts = [self._parts_for(rank) for rank in range(comm.size)]
        for part in comm.alltoall(parts):
            for number, local, values in part:
                key, space = self._fields[number]
                space.fields[key].owned.reshape(-1)[local] = values
        self._simulation.touch()

    def _parts_for(self, rank: int) -> list[tuple]:
        """(number of the field, flat indices into the rank's slab, values) of what this rank has set there."""
        parts = []
        for number, (key, space) in enumerate(self._fields):
            for write in self._writes.of((key, space)):
                parts.append((number, *write.within(space.slabs.planes(rank))))
        return parts

    # what scripts do

    def whole(self, species, region) -> np.ndarray:
        """(nx, ny, nz) mM: on one process the field itself, else a read-only copy. Local."""
        field = self._simulation.field(species, region)
        if self.alone:
            return field.owned
        whole = self._whole(species, region)
        whole.shown = True
        return whole.array

    def values(self, species, region, voxels: Voxels) -> np.ndarray:
        """(voxels,) concentrations (mM), a copy. Local."""
        if self.alone:
            flat = self._simulation.field(species, region).owned.reshape(-1)
            return flat.copy() if voxels.whole else flat[voxels.array()]
        if len(voxels) <= FEW:
            index = voxels.array().tolist()
            return np.array([self.value(species, region, flat) for flat in index], dtype=float)
        flat = self._whole(species, region).array.reshape(-1)
        return flat.copy() if voxels.whole else flat[voxels.array()]

    def value(self, species, region, flat: int) -> float:
        """Concentration (mM) of the voxel of a flat index (C order). Local."""
        if self.alone:
            return float(self._simulation.field(species, region).owned.reshape(-1)[flat])
        field, place, few = self._found(species, region)
        if field in self._wholes or place is None or self._writes.of(field) or few > _many(region.box):
            return float(self._whole(species, region).array.reshape(-1)[flat])
        self._few[field] = few + 1
        _, slabs, addresses = place
        plane = region.box.plane
        owner = int(slabs.owner(flat // plane))
        self._may_read(owner)
        address = addresses[owner] + 8 * (flat - slabs.planes(owner)[0] * plane)
        self.gate.peers.read_number(owner, address, self._number, self._number_at)
        return float(self._number[0])

    def kept(self, species, region) -> np.ndarray | None:
        """The box (nx, ny, nz) that answers reads until the simulation's ``stamp`` changes, if there is one. Local."""
        if self.alone:
            return self._simulation.field(species, region).owned
        field, _, few = self._found(species, region)
        if field in self._wholes or few > _many(region.box):
            return self._whole(species, region).array
        return None

    def set(self, species, region, write: Write) -> None:
        """Set voxels: this rank's own now, those of others where these do not set them too. Local."""
        own = self._simulation.field(species, region)
        write.apply(own.owned, own.planes)
        if not self.alone:
            self._keep(species, region, write)
        self._simulation.touch()

    def _keep(self, species, region, write: Write) -> None:
        field, place, _ = self._found(species, region)
        self._writes.add(field, None if place is None else place[0], write)
        if (whole := self._wholes.get(field)) is not None:
            if whole.shown:
                whole = self._wholes[field] = _Whole(whole.array.copy())
            whole.array.flags.writeable = True
            write.apply(whole.array, (0, region.box.shape[0]))
            whole.array.flags.writeable = False
            self._simulation.stamp += 1

    def _found(self, species, region) -> tuple:
        """(what a field is known by on this rank, its place in the plan or None, values read one by one)."""
        field = species.key, self._simulation.space(region)
        return field, self._places.get(field), self._few.get(field, 0)

    def _whole(self, species, region) -> _Whole:
        field, place, _ = self._found(species, region)
        if field not in self._wholes:
            box = region.box
            array = self._initial(species, region) if place is None else self._read(place, box)
            for write in self._writes.of(field):
                write.apply(array, (0, box.shape[0]))
            array.flags.writeable = False
            self._wholes[field] = _Whole(array)
            self._simulation.stamp += 1
        return self._wholes[field]

    def _initial(self, species, region) -> np.ndarray:
        """What a species begins with, since no plan has it yet: every rank can tell that by itself."""
        field = Field(region.box, (0, region.box.shape[0]))
        species.fill(region, field)
        return field.owned

    def _read(self, place: tuple, box) -> np.ndarray:
        _, slabs, addresses = place
        array = np.empty(box.shape)
        for rank in range(slabs.owners):
            self._may_read(rank)
            lo, hi = slabs.planes(rank)
            self.gate.peers.read(rank, addresses[rank], array[lo:hi])
        return array

    def _may_read(self, rank: int) -> None:
        if not self.gate.is_open:
            raise ReadInStep(
                "concentrations of several ranks cannot be read while these make a step: read them between steps, "
                "or in an observer's stepped(simulation, t)"
            )
        self.gate.wait_for(rank)

    def close(self) -> None:
        """Nobody reads after this, at the end of the script. Collective."""
        if self.gate is not None:
            self.gate.close()
            self.gate = None


def _many(box) -> int:
    return max(FEW, box.voxels // FEW_OF)
