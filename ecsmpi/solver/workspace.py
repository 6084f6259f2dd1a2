"""What the species of one box share while they are advanced, one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.description.grid import Box, aligned_zeros
from ecsmpi.solver import threads
from ecsmpi.solver.interfaces import GatheredInterfaces, NeighbourInterfaces
from ecsmpi.solver.registers import TILE
from ecsmpi.solver.short_lines import SHORT
from ecsmpi.solver.timing import Phases
from ecsmpi.solver.tridiagonal import Ends, neighbours_suffice

CACHE_BYTES = 512 * 1024  # what a core's second-level cache is trusted to hold
STRIP = 1024  # voxels in a row of memory whose right-hand side is made at a time


def lines_are_short(box: Box) -> bool:
    """Whether its z-lines are solved by the inverse of a line, by kernels of their own."""
    return box.shape[2] < SHORT


@dataclass(frozen=True)
class InterfaceSolve:
    """The interfaces of a species at one length of time step: how they are settled, and with which
    numbers.
    """

    interfaces: NeighbourInterfaces | GatheredInterfaces
    numbers: object
    coupling: float

    def solve(self) -> None:
        """Fill the workspace's left and right from first and last. Collective."""
        self.interfaces.solve(self.numbers)

    def __str__(self):
        return f"{self.interfaces.name} (coupling {self.coupling:.1e})"


class Workspace:
    """What the species of one box share: increments, interface planes and their messages.

    Collective. comm: of the slabs' owners. n: planes of this slab; rows: y-rows a thread takes at a
    time.
    """

    def __init__(self, comm, box: Box, partition, phases: Phases):
        self.comm, self.box, self.partition, self.phases = comm, box, partition, phases
        lo, hi = partition.planes(comm.rank)
        _, ny, nz = box.shape
        self.at_walls = np.array([lo == 0, hi == box.shape[0]])
        self.d = aligned_zeros((hi - lo, ny, nz))
        self.blocks = partition.blocks(comm.rank)
        self.first, self.left, self.right = (
            aligned_zeros((len(self.blocks), ny, nz)) for _ in range(3)
        )
        self.threads = count = threads.for_work(self.d.size)
        cached = max(
            1, CACHE_BYTES // (8 * 6 * nz)
        )  # rows of the six planes that elimination has in hand
        rounds = -(-ny // (cached * count))
        self.rows = -(
            -ny // (rounds * count)
        )  # so that all threads have as much to do in each round
        planes = (
            4 * count if count > 1 else 1
        )  # threads meet after each batch: rarely, but with it still in cache
        self.batch = max(1, min(hi - lo, max(planes, CACHE_BYTES // (16 * ny * nz))))
        rows, width = (-(-count // TILE) * TILE for count in (ny, nz))
        for_a_plane = (
            (rows + 2 + TILE) * width
            if lines_are_short(box)
            else (width + 2 + TILE) * TILE + 2 * TILE * nz
        )
        self.scratch = aligned_zeros((threads.most(), for_a_plane))
        self.strip = max(1, STRIP // nz)
        self._interfaces = {}
        self._factors, self._factors_of = {}, None

    def shared_factors(self, dt: float, which, make):
        """The numbers for steps of dt (ms) of all species alike, told by ``which``; make() makes
        them, once. Collective then.
        """
        if self._factors_of != dt:
            self._factors, self._factors_of = {}, dt
        if which not in self._factors:
            self._factors[which] = make()
        return self._factors[which]

    def join(self, ends: Ends) -> InterfaceSolve:
        """Plan the interfaces from the numbers of this slab's blocks; the exact bound on their
        coupling decides. Collective.
        """
        first, last = (edge in self.blocks for edge in (0, self.partition.n_blocks - 1))
        inner = ends.coupling(slice(int(first), len(self.blocks) - int(last)))
        coupling = max(self.comm.allgather(inner))
        interfaces = self._interfaces_of(
            NeighbourInterfaces if neighbours_suffice(coupling) else GatheredInterfaces
        )
        return InterfaceSolve(interfaces, interfaces.plan(ends), coupling)

    @property
    def asks_neighbours(self) -> bool:
        """Whether no interfaces but those between neighbours have been planned."""
        return set(self._interfaces) <= {NeighbourInterfaces}

    def _interfaces_of(self, kind: type):
        if kind not in self._interfaces:
            ends = [
                self.partition.block(b)[1] - 1 - self.partition.planes(self.comm.rank)[0]
                for b in self.blocks
            ]
            self._interfaces[kind] = kind(
                self.comm, self.partition, self.d, ends, self.first, self.left, self.right
            )
        return self._interfaces[kind]

    def free(self) -> None:
        """Release the messages."""
        for interfaces in self._interfaces.values():
            interfaces.free()
