"""Copies of voxels at segments, in which NEURON's reactions at the membrane run; their changes reach the voxel once.

    voxel's owner --renew--> copies at segments --NEURON's step--> their changes --settle, summed--> voxel's owner

A copy is one of NEURON's states for one ion and segment, in a volume as large as the free volume that the voxel had when it was
made. What the copy gains, the voxel gains.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ecsmpi.solver import entry_kernels
from ecsmpi.description.decomposition import Slabs
from ecsmpi.solver.exchange import ExactExchange, Exchange
from ecsmpi.solver.tissue import SlabTissue


@dataclass(frozen=True)
class Copied:
    """Copies of one ion. key: the ion's; segments: (n,) their numbers; rows(): (n,) where NEURON keeps each state now.

    shares: (n,) the volume of each copy over that of a voxel, tissue and all.
    """

    key: object
    segments: np.ndarray
    shares: np.ndarray
    rows: Callable[[], np.ndarray]


class Copies:
    """All copies of one box on this rank. `settle` and `renew` are collective; a change is settled once."""

    def __init__(
        self, comm, slabs: Slabs, plane_size: int, fields: dict, tissues: list[SlabTissue], copied: list[Copied], voxel, states
    ):  # fmt: skip
        """Collective. fields: {key: (n, ny, nz) slab} of the ions with copies, the same keys on all ranks; tissues: theirs.

        voxel: (segments,) flat index into the box of every segment; states: () -> NEURON's array of states.
        """
        self._states, self._copied, self._tissues = states, copied, tissues
        self._fields = [field.reshape(-1) for field in fields.values()]
        number = {key: f for f, key in enumerate(fields)}
        self._field = np.array([number[one.key] for one in copied for _ in one.segments], dtype=np.int64)
        kind = ExactExchange if slabs.grain else Exchange
        voxels = _joined([voxel[one.segments] for one in copied])
        self._exchange = kind(comm, slabs, plane_size, voxels, len(fields))
        self._sources = np.zeros((len(fields), self._exchange.local_voxels.size))
        self._order = self._exchange.order.astype(np.uint32)
        shares = np.concatenate([np.zeros(0), *(one.shares for one in copied)])
        self._shares = [np.where(self._field == f, shares, 0.0)[self._order] for f in range(len(fields))]
        self._before, self._change = np.zeros(voxels.size), np.zeros(voxels.size)
        self._held = np.zeros((len(fields), voxels.size))
        self.find()

    def find(self) -> None:
        """Find where NEURON keeps the states, as its changes of structure make needed. Local."""
        self._rows = _joined([one.rows() for one in self._copied])

    def settle(self) -> None:
        """Add what has happened to the copies to their voxels. Collective."""
        entry_kernels.take_changes(self._states(), self._rows, self._before, self._change)
        for f, shares in enumerate(self._shares):
            self._exchange.take(f, self._change, self._order, shares, 1.0, True)
        self._exchange.deposit(self._sources)
        for field, sources, tissue in zip(self._fields, self._sources, self._tissues):
            fractions = np.asarray(tissue.volume_fraction, dtype=float).reshape(-1)
            entry_kernels.add_over(sources, self._exchange.local_voxels, fractions, field)

    def renew(self) -> None:
        """Let the copies be what their voxels are now. Collective."""
        self._exchange.collect(self._fields)
        for f, held in enumerate(self._held):
            self._exchange.give(f, held, self._order)
        entry_kernels.hold(self._held, self._field, self._rows, self._before, self._states())

    def free(self) -> None:
        """Release the messages."""
        self._exchange.free()


def _joined(parts: list) -> np.ndarray:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts]).astype(np.int64)


def compile_kernels() -> None:
    """Compile the loops, or load them from the cache."""
    nothing, nowhere = np.zeros(0), np.zeros(0, dtype=np.int64)
    entry_kernels.take_changes(nothing, nowhere, nothing, nothing)
    entry_kernels.subtract_from(nothing, nowhere.astype(np.uint32), nothing)
    entry_kernels.add_over(nothing, nowhere, nothing, nothing)
    entry_kernels.hold(np.zeros((1, 0)), nowhere, nowhere, nothing, nothing)
