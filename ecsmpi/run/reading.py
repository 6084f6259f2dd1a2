"""What a script reads and sets of the concentrations, on any rank, at any time, without the other
ranks.

A rank reads slabs of others from their memory (`ecsmpi.ranks.peers`): the concentrations at the end
of the last step of the grid that it took part in (`gate`), with what this rank has set since then
laid over them (`writes`). A few values are read one by one; after some tens of them the whole box
is read once, and kept until the next step.
"""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from ecsmpi.description.voxels import Voxels
from ecsmpi.run.differing_writes import Part, apply_apart
from ecsmpi.run.read_gate import Gate
from ecsmpi.run.writes import Write, Writes

FEW = 32  # values that are read one by one in any box
FEW_OF = 2000  # and one of so many voxels: about what a whole box costs to read


class ReadInStep(RuntimeError):
    """The script reads concentrations while all ranks change them."""


class Whole:
    """A box as this rank reads it. shown: whether the script has it, so that it must stay as it is."""

    __slots__ = ("array", "shown")

    def __init__(self, array: np.ndarray):
        array.flags.writeable = False
        self.array, self.shown = array, False

    def changed_by(self, change) -> Whole:
        """The box after change(array)."""
        array = self.array.copy() if self.shown else self.array
        array.flags.writeable = True
        change(array)
        if self.shown:
            return Whole(array)
        array.flags.writeable = False
        return self


class Reading:
    """Reads and sets concentrations of a simulation.

    On one process that concerns the fields themselves. A field is known by (key of the species, its
    `Space`).
    """

    def __init__(self, simulation):
        self._simulation, self.gate, self._gates = simulation, None, []
        self._fields = []  # those of the plan, by number
        self._places: dict[tuple, tuple] = {}  # field -> addresses of its slabs
        self._wholes: dict[tuple, Whole] = {}
        self._few: dict[tuple, int] = {}  # how many values were read one by one
        self._live = set()  # fields of which the script has a live view: nothing is kept of them
        self._writes, self._moment = Writes(), 0
        self._planning = False  # from `forget_plan` to `renew`
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
        """All ranks change concentrations in the block, and none reads. Collective; see `begin`."""
        self.begin(call, timeout)
        yield
        self.completed()

    def begin(self, call: str, timeout: float | None = None) -> None:
        """All ranks have come to a call, have what any has set, and none reads until `completed`.
        Collective.

        timeout: seconds, or None for as long as it takes. Raises RanksApart as `Arrivals.finish`
        does.
        """
        self._simulation.take_pointers()
        self._find_gate()
        if self.gate is None:
            return
        self.gate.start(call, self._difference())
        self._take_writes(*self.gate.finish(timeout))

    def _difference(self) -> int:
        return self._writes.difference(self._fields)

    def _find_gate(self) -> None:
        """That of the ranks of now, which a script may change (`ecsmpi.neuron_api.worlds`).
        Collective.
        """
        comm = self._simulation.comm
        self.gate = next((gate for gate in self._gates if gate.comm is comm), None)
        if self.gate is None and comm.size > 1:
            self.gate = Gate(comm)
            self._gates.append(self.gate)

    def step_begins(self) -> None:
        """NEURON's next step begins: what is set from now on comes after what was set before.
        Local, on every rank.
        """
        self._moment += 1

    def start_step(self) -> None:
        """This rank reads no more until its step is `completed`. Local."""
        if self.gate is not None:
            self.gate.start("a step of the grid", self._difference())
            self._in_step = True

    def finish_start(self) -> bool:
        """Before the first change in a step: wait until no rank reads. Collective.

        Returns whether the script has set concentrations since the last step; the same on all
        ranks.
        """
        if self.gate is None or not self._in_step:
            return False
        self._in_step = False
        return self._take_writes(*self.gate.finish())

    def completed(self) -> None:
        """The change is made on this rank. Local."""
        if self.gate is not None:
            self.gate.completed()
            self._wholes.clear()
            self._few.clear()
        self._simulation.stamp += 1

    def forget_plan(self) -> None:
        """Another plan is being made: functions that give initial concentrations read those of
        other species. Local.
        """
        self._planning = True
        self._fields, self._places, self._writes, self._moment = [], {}, Writes(), 0
        self._wholes.clear()
        self._few.clear()
        self._simulation.stamp += 1

    def renew(self) -> None:
        """There is another plan, and nothing has been set since. Collective, between `begin` and
        `completed`.
        """
        self._planning, self._writes = False, Writes()
        self.find_fields()

    def find_fields(self) -> None:
        """The fields of now stay where they are until the next plan. Collective, while no rank
        reads.
        """
        if self.alone:
            return
        simulation = self._simulation
        self._fields = [
            (key, space) for space in simulation.spaces_in_order() for key in space.planned_keys
        ]
        self._live &= set(self._fields)
        slabs = [space.fields[key].owned for key, space in self._fields]
        addresses = zip(*simulation.comm.allgather([slab.ctypes.data for slab in slabs]))
        before, self._places = self._places, dict(zip(self._fields, addresses))
        self._writes.keep(self._fields)
        for field in self._places.keys() - before.keys() - self._live:
            for write in self._writes.of(field):
                write.is_done = False  # in its turn after those of lower ranks

    def _take_writes(self, least: int, greatest: int) -> bool:
        """Bring what was set into the fields, if anything was; least, greatest: of `_difference`
        over ranks. Collective.
        """
        if greatest == 0:
            return False
        if least == greatest:
            self.take_own_writes()
        else:
            self._exchange_writes()
        self._writes.clear(self._fields)
        self._simulation.touch()
        return True

    def take_own_writes(self) -> None:
        """Bring what this rank has set in its own planes into them. Local."""
        for key, space in self._fields:
            for write in self._writes.of((key, space)):
                if not write.is_done:
                    write.apply(space.fields[key].owned, space.planes)
                    write.is_done = True

    def _exchange_writes(self) -> None:
        """Ranks have set different voxels: each owner gets them. Collective."""
        comm = self._simulation.comm
        parts = comm.alltoall([self._parts_for(rank) for rank in range(comm.size)])
        for number, (key, space) in enumerate(self._fields):
            of_ranks = [[part for part in of_rank if part.field == number] for of_rank in parts]
            apply_apart(of_ranks, space.fields[key].owned)

    def _parts_for(self, rank: int) -> list[Part]:
        """What this rank has set in a rank's planes."""
        is_own = rank == self._simulation.comm.rank
        parts = []
        for number, (key, space) in enumerate(self._fields):
            for write in self._writes.of((key, space)):
                inside = write.within(space.slabs.planes(rank))
                parts.append(Part(number, write.moment, is_own and write.is_done, *inside))
        return parts

    # what scripts do

    def whole(self, species, region) -> np.ndarray:
        """(nx, ny, nz) mM: on one process the field itself, else a read-only copy. Local."""
        self._simulation.take_pointers()
        if self.alone:
            return self._owned(species, region)
        whole = self._whole(species, region)
        whole.shown = True
        return whole.array

    def values(self, species, region, voxels: Voxels) -> np.ndarray:
        """(voxels,) concentrations (mM), a copy. Local."""
        self._simulation.take_pointers()
        if not self.alone and len(voxels) <= FEW:
            index = voxels.array().tolist()
            return np.array([self.value(species, region, flat) for flat in index], dtype=float)
        box = self._owned(species, region) if self.alone else self._whole(species, region).array
        flat = box.reshape(-1)
        return flat.copy() if voxels.whole else flat[voxels.array()]

    def value(self, species, region, flat: int) -> float:
        """Concentration (mM) of the voxel of a flat index (C order). Local."""
        if self.alone:
            return float(self._owned(species, region).reshape(-1)[flat])
        field = self._field(species, region)
        place, few = self._places.get(field), self._few.get(field, 0)
        many = few > _many(region.box) and field not in self._live
        if many or field in self._wholes or place is None or self._writes.of(field):
            return float(self._whole(species, region).array.reshape(-1)[flat])
        self._few[field] = few + 1
        slabs, plane = field[1].slabs, region.box.plane
        owner = int(slabs.owner(flat // plane))
        self._may_read(owner)
        address = place[owner] + 8 * (flat - slabs.planes(owner)[0] * plane)
        self.gate.peers.read_number(owner, address, self._number, self._number_at)
        return float(self._number[0])

    def slab(self, species, region) -> np.ndarray:
        """(n, ny, nz) mM: this rank's planes, a live, writable view. Local."""
        self._simulation.take_pointers()
        owned = self._owned(species, region)
        if not self.alone:
            self.take_own_writes()
            field = self._field(species, region)
            self._live.add(field)
            self._wholes.pop(field, None)
            self._simulation.stamp += 1
        return owned

    def kept(self, species, region) -> np.ndarray | None:
        """The box (nx, ny, nz) that answers reads until the simulation's ``stamp`` changes, if
        there is one. Local.
        """
        if self.alone:
            return self._owned(species, region)
        field = self._field(species, region)
        if field not in self._live and (
            field in self._wholes or self._few.get(field, 0) > _many(region.box)
        ):
            return self._whole(species, region).array
        return None

    def set(self, species, region, write: Write) -> None:
        """Set voxels, on this rank at once and on the others from the next change on. Local."""
        self._simulation.take_pointers()
        field = self._field(species, region)
        if not self.alone:
            write = write.at_once()
            write.within(
                self._simulation.field(species, region).planes
            )  # a wrong value is refused now
            write.moment = self._moment
            self._writes.add(field, write)
        if self.alone or self._is_set_at_once(field):
            own = self._simulation.field(species, region)
            write.apply(own.owned, own.planes)
            write.is_done = True
        self._lay_over(field, lambda box: write.apply(box, (0, region.box.shape[0])))
        self._show_pointers(species, region, write)
        self._simulation.touch()

    def _show_pointers(self, species, region, write: Write) -> None:
        """NEURON's pointers to voxels show what a write has set there. Local."""
        pointers = self._simulation.space(region).pointers
        flat = pointers.voxels_of(species.key)
        if not flat.size:
            return
        if self.alone:
            values = self._owned(species, region).reshape(-1)[flat]
        else:
            flat, values = write.among(flat)
        pointers.show_all(species.key, flat, values)

    def set_one(self, species, region, flat: int, value: float) -> None:
        """As `set`, of the voxel of a flat index (C order), on one of several ranks. Local."""
        field, plane = self._field(species, region), region.box.plane
        if self._is_set_at_once(field):
            self._set_own(species, region, flat, value)
        self._writes.add_one(field, plane, flat, value, self._is_set_at_once(field), self._moment)
        if field in self._wholes:
            self._lay_over(field, lambda box: _put(box, flat, value))
        self._simulation.touch()

    def _set_own(self, species, region, flat: int, value: float) -> None:
        """Set the voxel of a flat index if it is this rank's."""
        own, plane = self._simulation.field(species, region), region.box.plane
        lo, hi = own.planes
        if lo <= flat // plane < hi:
            own.owned.reshape(-1)[flat - lo * plane] = value

    def _is_set_at_once(self, field: tuple) -> bool:
        """Whether this rank's planes are set by the call itself: no plan has the field, or the
        script looks at the planes.
        """
        return field not in self._places or field in self._live

    def _lay_over(self, field: tuple, change) -> None:
        """Let what is kept of a box be as the script has set it: change(box)."""
        if (whole := self._wholes.get(field)) is not None:
            self._wholes[field] = whole.changed_by(change)
            if self._wholes[field] is not whole:
                self._simulation.stamp += 1

    def _field(self, species, region) -> tuple:
        return species.key, self._simulation.space(region)

    def _owned(self, species, region) -> np.ndarray:
        return self._simulation.field(species, region).owned

    def _whole(self, species, region) -> Whole:
        field = self._field(species, region)
        if field in self._wholes:
            return self._wholes[field]
        if field in self._places:
            array = self._read(field, region.box)
        else:
            array = self._initial(species, region)
        for write in self._writes.of(field):
            write.apply(array, (0, region.box.shape[0]))
        whole = Whole(array)
        if self._planning or field not in self._live:
            self._wholes[field] = whole
            self._simulation.stamp += 1
        return whole

    def _initial(self, species, region) -> np.ndarray:
        """What a species begins with, which each rank can tell by itself: no plan has it yet."""
        profile = species.initial_profile(region)
        values = profile.planes(region.box, 0, region.box.shape[0])
        if not self._planning:
            own = self._simulation.field(species, region)
            values[slice(*own.planes)] = own.owned
        return values

    def _read(self, field: tuple, box) -> np.ndarray:
        slabs, addresses = field[1].slabs, self._places[field]
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
        for gate in self._gates:
            gate.close()


def _put(box: np.ndarray, flat: int, value: float) -> None:
    box.reshape(-1)[flat] = value


def _many(box) -> int:
    return max(FEW, box.voxels // FEW_OF)
