"""Concentrations of all ranks' slabs, read from the memory of their processes."""

from __future__ import annotations

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.run.read_gate import Gate
from ecsmpi.run.region_solver import RegionSolver

FieldKey = tuple[object, RegionSolver]  # (key of the species, solver of the region)


class ReadInStep(RuntimeError):
    """The script reads concentrations while all ranks change them."""


class RemoteFields:
    """Where the slabs of the planned fields lie in the memory of each rank.

    Attributes
    ----------
    fields : list
        The fields of the plan by number, the same on all ranks.
    """

    def __init__(self):
        self.fields: list[FieldKey] = []
        self._addresses: dict[FieldKey, tuple[int, ...]] = {}
        self._number = np.zeros(1)
        self._number_at = self._number.ctypes.data

    def __contains__(self, field: FieldKey) -> bool:
        return field in self._addresses

    def forget(self) -> None:
        """Forget the plan. Local."""
        self.fields = []
        self._addresses = {}

    def find(self, comm, solvers: list[RegionSolver]) -> set[FieldKey]:
        """Tell each other where the slabs are; the fields that are new. Collective.

        They stay there until the next plan.
        """
        self.fields = []
        for solver in solvers:
            self.fields += [(key, solver) for key in solver.planned_keys]
        own = [solver.fields[key].owned.ctypes.data for key, solver in self.fields]
        before = self._addresses.keys()
        self._addresses = dict(zip(self.fields, zip(*comm.allgather(own))))
        return self._addresses.keys() - before

    def read(self, field: FieldKey, box: Box, gate: Gate) -> np.ndarray:
        """(nx, ny, nz) the whole field. Local."""
        slabs = field[1].slabs
        addresses = self._addresses[field]
        array = np.empty(box.shape)
        for rank in range(slabs.owners):
            _wait_until_readable(gate, rank)
            lo, hi = slabs.planes(rank)
            gate.peers.read(rank, addresses[rank], array[lo:hi])
        return array

    def read_one(self, field: FieldKey, plane: int, flat: int, gate: Gate) -> float:
        """The value of the voxel of a flat index. Local. plane: voxels of a plane of the box."""
        slabs = field[1].slabs
        owner = int(slabs.owner(flat // plane))
        _wait_until_readable(gate, owner)
        address = self._addresses[field][owner] + 8 * (flat - slabs.planes(owner)[0] * plane)
        gate.peers.read_number(owner, address, self._number, self._number_at)
        return float(self._number[0])


def _wait_until_readable(gate: Gate, rank: int) -> None:
    if not gate.is_open:
        raise ReadInStep(
            "concentrations of several ranks cannot be read while these make a step: "
            "read them between steps, or in an observer's stepped(simulation, t)"
        )
    gate.wait_for(rank)
