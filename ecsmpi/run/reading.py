"""What a script reads and sets of the concentrations, on any rank, at any time.

A rank reads the slabs of other ranks from their memory (`remote_fields`) while they do something
else. It sees the concentrations at the end of the last step of the grid that it took part in
(`read_gate`), with what this rank has set since then laid over them (`writes`). A few values are
read one by one; after some tens of them the whole box is read once, and kept until the next step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.description.voxels import Voxels
from ecsmpi.run.box_copy import BoxCopy
from ecsmpi.run.differing_writes import apply_own_writes, exchange_writes
from ecsmpi.run.model_parts import ModelRegion, ModelSpecies
from ecsmpi.run.read_gate import Gate
from ecsmpi.run.region_solvers import RegionSolvers
from ecsmpi.run.registry import ModelRegistry
from ecsmpi.run.remote_fields import FieldKey, RemoteFields
from ecsmpi.run.voxel_pointers import VoxelPointers
from ecsmpi.run.writes import Write, Writes

FEW = 32  # values that are read one by one in any box
FEW_OF = 2000  # and one of so many voxels: about what a whole box costs to read


class Reading:
    """Reads and sets concentrations of a model. On one process it uses the fields themselves.

    Attributes
    ----------
    stamp : int
        Changes with all that may change what a script reads.
    touched : bool
        Whether the script or a restart has set concentrations that the segments' copies do not
        show.
    gate : Gate or None
        Between reads and changes of several ranks.
    pointers : VoxelPointers
        NEURON's pointers to voxels.
    """

    def __init__(self, registry: ModelRegistry, solvers: RegionSolvers):
        self._registry = registry
        self._solvers = solvers
        self.pointers = VoxelPointers(registry, solvers)
        self.stamp = 0
        self.touched = False
        self.gate: Any = None  # Gate, on several ranks
        self._gates: list[Gate] = []  # of the worlds that this rank has been in
        self._remote = RemoteFields()
        self._boxes: dict[FieldKey, BoxCopy] = {}
        self._counts: dict[FieldKey, int] = {}  # values that were read one by one
        self._live: set[FieldKey] = set()  # fields of which the script has a live view
        self._writes = Writes()
        self._moment = 0
        self._planning = False  # from `forget_plan` to `renew`
        self._in_step = False  # from `start_step` to `finish_start`

    @property
    def alone(self) -> bool:
        """Whether there is one rank."""
        return self._solvers.comm.size == 1

    def renew_stamp(self) -> None:
        """Take note that a script may read something else from now on. Local."""
        self.stamp += 1

    def touch(self) -> None:
        """Take note that the script or a restart has set concentrations. Local."""
        self.touched = True

    # what the simulation does

    @contextmanager
    def changing(self, call: str, timeout: float | None = None) -> Iterator[None]:
        """Let all ranks change concentrations in the block, while none reads. Collective.

        For the arguments see `begin`.
        """
        self.begin(call, timeout)
        yield
        self.completed()

    def settle(self, call: str, timeout: float | None = None) -> None:
        """Bring what the script has set on any rank into the fields. Collective; see `begin`."""
        self.begin(call, timeout)
        self.completed()

    def begin(self, call: str, timeout: float | None = None) -> None:
        """Wait for all ranks, bring what any has set to its owner, and bar reads. Collective.

        Reads are possible again after `completed`.

        Parameters
        ----------
        call : str
            What the ranks have come to, for messages.
        timeout : float, optional
            Seconds to wait; None for as long as it takes.

        Raises
        ------
        RanksApart
            As `Arrivals.finish` does.
        """
        self.apply_pointer_writes()
        self._find_gate()
        if self.gate is None:
            return
        self.gate.start(call, self._difference())
        self._take_writes(*self.gate.finish(timeout))

    def _difference(self) -> int:
        return self._writes.difference(self._remote.fields)

    def _find_gate(self) -> None:
        """Use the gate of the ranks of now, which a script may change. Collective."""
        comm = self._solvers.comm
        self.gate = next((gate for gate in self._gates if gate.comm is comm), None)
        if self.gate is None and comm.size > 1:
            self.gate = Gate(comm)
            self._gates.append(self.gate)

    def step_begins(self) -> None:
        """Let what is set from now on come after what was set before. Local, on every rank."""
        self._moment += 1

    def start_step(self) -> None:
        """Bar reads of this rank until its step is `completed`. Local."""
        if self.gate is not None:
            self.gate.start("a step of the grid", self._difference())
            self._in_step = True

    def finish_start(self) -> bool:
        """Wait, before the first change in a step, until no rank reads. Collective.

        Returns whether the script has set concentrations since the last step, the same on all
        ranks.
        """
        if self.gate is None or not self._in_step:
            return False
        self._in_step = False
        return self._take_writes(*self.gate.finish())

    def completed(self) -> None:
        """Allow reads of this rank, which has made the change. Local."""
        if self.gate is not None:
            self.gate.completed()
            self._forget_copies()
        self.stamp += 1

    def _forget_copies(self) -> None:
        self._boxes.clear()
        self._counts.clear()

    def forget_plan(self) -> None:
        """Prepare for another plan. Local.

        Functions that give initial concentrations read those of other species meanwhile.
        """
        self._planning = True
        self._remote.forget()
        self._writes = Writes()
        self._moment = 0
        self._forget_copies()
        self.stamp += 1

    def renew(self) -> None:
        """Use the new plan, since which nothing has been set. Collective, while no rank reads."""
        self._planning = False
        self._writes = Writes()
        self.find_fields()

    def find_fields(self) -> None:
        """Find the plan's fields in the memory of all ranks. Collective, while no rank reads."""
        if self.alone:
            return
        solvers = self._solvers.of_all(self._registry.regions)
        new = self._remote.find(self._solvers.comm, solvers)
        self._live &= set(self._remote.fields)
        self._writes.keep(self._remote.fields)
        for field in new - self._live:
            for write in self._writes.of(field):
                write.is_done = False  # it takes its turn after those of lower ranks

    def _take_writes(self, least: int, greatest: int) -> bool:
        """Bring what was set into the fields, if anything was. Collective.

        least, greatest: of `_difference` over the ranks.
        """
        if greatest == 0:
            return False
        if least == greatest:
            apply_own_writes(self._writes, self._remote.fields)
        else:
            exchange_writes(self._solvers.comm, self._writes, self._remote.fields)
        self._writes.clear(self._remote.fields)
        self.touch()
        return True

    def apply_pointer_writes(self) -> None:
        """Set the voxels that were set through NEURON's pointers. Local."""
        self.pointers.apply_writes(self)

    def show_pointers(self) -> None:
        """Show what this rank reads in NEURON's pointers, after a change without a step. Local."""
        self.pointers.show_all(self)

    # what scripts do

    def whole(self, species: ModelSpecies, region: ModelRegion) -> np.ndarray:
        """(nx, ny, nz) mM: on one process the field itself, else a read-only copy. Local."""
        self.apply_pointer_writes()
        if self.alone:
            return self._owned(species, region)
        copy = self._box(species, region)
        copy.is_shown = True
        return copy.array

    def values(self, species: ModelSpecies, region: ModelRegion, voxels: Voxels) -> np.ndarray:
        """(voxels,) concentrations (mM), a copy. Local."""
        self.apply_pointer_writes()
        if not self.alone and len(voxels) <= FEW:
            index = voxels.array().tolist()
            return np.array([self.value(species, region, flat) for flat in index], dtype=float)
        box = self._owned(species, region) if self.alone else self._box(species, region).array
        flat = box.reshape(-1)
        return flat.copy() if voxels.whole else flat[voxels.array()]

    def value(self, species: ModelSpecies, region: ModelRegion, flat: int) -> float:
        """Concentration (mM) of the voxel of a flat index (C order). Local."""
        if self.alone:
            return float(self._owned(species, region).reshape(-1)[flat])
        field = self._field(species, region)
        count = self._counts.get(field, 0)
        are_many = count > _many(region.box) and field not in self._live
        is_remote = field in self._remote and field not in self._boxes
        if are_many or not is_remote or self._writes.of(field):
            return float(self._box(species, region).array.reshape(-1)[flat])
        self._counts[field] = count + 1
        return self._remote.read_one(field, region.box.plane, flat, self.gate)

    def slab(self, species: ModelSpecies, region: ModelRegion) -> np.ndarray:
        """(n, ny, nz) mM: this rank's planes, a live, writable view. Local."""
        self.apply_pointer_writes()
        owned = self._owned(species, region)
        if not self.alone:
            apply_own_writes(self._writes, self._remote.fields)
            field = self._field(species, region)
            self._live.add(field)
            self._boxes.pop(field, None)
            self.stamp += 1
        return owned

    def kept(self, species: ModelSpecies, region: ModelRegion) -> np.ndarray | None:
        """The box (nx, ny, nz) that answers reads until `stamp` changes, if there is one. Local."""
        if self.alone:
            return self._owned(species, region)
        field = self._field(species, region)
        is_worth_it = field in self._boxes or self._counts.get(field, 0) > _many(region.box)
        if is_worth_it and field not in self._live:
            return self._box(species, region).array
        return None

    def set(self, species: ModelSpecies, region: ModelRegion, write: Write) -> None:
        """Set voxels, on this rank at once and on the others from the next change on. Local."""
        self.apply_pointer_writes()
        field = self._field(species, region)
        own = self._solvers.field(species, region)
        if not self.alone:
            write = write.at_once()
            write.within(own.planes)  # a wrong value is refused now
            write.moment = self._moment
            self._writes.add(field, write)
        if self.alone or self._is_set_at_once(field):
            write.apply(own.owned, own.planes)
            write.is_done = True
        self._lay_over(field, lambda box: write.apply(box, (0, region.box.shape[0])))
        self._show_in_pointers(species, region, write)
        self.touch()

    def _show_in_pointers(self, species: ModelSpecies, region: ModelRegion, write: Write) -> None:
        """Show what a write has set in NEURON's pointers. Local."""
        pointers = self._solvers.of(region).pointers
        flat = pointers.voxels_of(species.key)
        if not flat.size:
            return
        if self.alone:
            values = self._owned(species, region).reshape(-1)[flat]
        else:
            flat, values = write.among(flat)
        pointers.show_all(species.key, flat, values)

    def set_one(self, species: ModelSpecies, region: ModelRegion, flat: int, value: float) -> None:
        """Set the voxel of a flat index (C order), on one of several ranks. Local; see `set`."""
        field = self._field(species, region)
        plane = region.box.plane
        is_done = self._is_set_at_once(field)
        if is_done:
            own = self._solvers.field(species, region)
            lo, hi = own.planes
            if lo <= flat // plane < hi:
                own.owned.reshape(-1)[flat - lo * plane] = value
        self._writes.add_one(field, plane, flat, value, is_done, self._moment)
        if field in self._boxes:
            self._lay_over(field, lambda box: _put(box, flat, value))
        self.touch()

    def _is_set_at_once(self, field: FieldKey) -> bool:
        """Whether this rank's planes are set by the call itself.

        That is so where no plan has the field, or the script has a live view of the planes.
        """
        return field not in self._remote or field in self._live

    def _lay_over(self, field: FieldKey, change: Callable[[np.ndarray], None]) -> None:
        """Let the copy that is kept of a box be as the script has set it."""
        copy = self._boxes.get(field)
        if copy is not None:
            changed = copy.changed_by(change)
            self._boxes[field] = changed
            if changed is not copy:
                self.stamp += 1

    def _field(self, species: ModelSpecies, region: ModelRegion) -> FieldKey:
        return species.key, self._solvers.of(region)

    def _owned(self, species: ModelSpecies, region: ModelRegion) -> np.ndarray:
        return self._solvers.field(species, region).owned

    def _box(self, species: ModelSpecies, region: ModelRegion) -> BoxCopy:
        """The whole box as this rank reads it. Local."""
        field = self._field(species, region)
        if field in self._boxes:
            return self._boxes[field]
        if field in self._remote:
            array = self._remote.read(field, region.box, self.gate)
        else:
            array = self._initial(species, region)
        for write in self._writes.of(field):
            write.apply(array, (0, region.box.shape[0]))
        copy = BoxCopy(array)
        if self._planning or field not in self._live:
            self._boxes[field] = copy
            self.stamp += 1
        return copy

    def _initial(self, species: ModelSpecies, region: ModelRegion) -> np.ndarray:
        """The initial concentrations of a field that no plan has: each rank can compute them."""
        values = np.empty(region.box.shape)
        species.initial_profile(region).fill(values, region.box, 0)
        if not self._planning:
            own = self._solvers.field(species, region)
            values[slice(*own.planes)] = own.owned
        return values

    def close(self) -> None:
        """Bar all reads, at the end of the script. Collective."""
        for gate in self._gates:
            gate.close()


def _put(box: np.ndarray, flat: int, value: float) -> None:
    box.reshape(-1)[flat] = value


def _many(box: Box) -> int:
    """How many single reads cost as much as reading the box."""
    return max(FEW, box.voxels // FEW_OF)
