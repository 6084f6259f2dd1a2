"""What the species of one box share while they are advanced, one after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from ecsmpi.description.decomposition import Slabs
from ecsmpi.description.grid import Box, aligned_zeros
from ecsmpi.ranks import caches
from ecsmpi.ranks.mpi import MPI
from ecsmpi.solver import threads
from ecsmpi.solver.interfaces import GatheredInterfaces, NeighbourInterfaces
from ecsmpi.solver.panel_plans import PassMemory
from ecsmpi.solver.panels import Panels
from ecsmpi.solver.sizes import SHORT, TILE, whole_tiles
from ecsmpi.solver.timing import Phases
from ecsmpi.solver.tridiagonal import Ends, neighbours_suffice

CACHE_BYTES = 512 * 1024  # what a core's second-level cache is trusted to hold
STRIP = 1024  # voxels in a row of memory whose right-hand side is made at a time
PLANES_IN_HAND = 6  # that elimination reads or writes for one row
BATCHES = 4  # planes for each thread in a batch, at least


def lines_are_short(box: Box) -> bool:
    """Whether kernels of their own solve the box's z-lines, by the inverse of a line."""
    return box.shape[2] < SHORT


def scratch_of_a_plane(box: Box) -> int:
    """Numbers that a thread needs room for while it finishes a plane."""
    _, ny, nz = box.shape
    width = whole_tiles(nz)
    if lines_are_short(box):
        return (whole_tiles(ny) + 2 + TILE) * width
    return (width + 2 + TILE) * TILE + 2 * TILE * nz


@dataclass(frozen=True)
class InterfaceSolve:
    """The interfaces of a species at one length of time step.

    interfaces: how they are settled. numbers: with which numbers. coupling: the largest B or C of
    tridiagonal.py.
    """

    interfaces: NeighbourInterfaces | GatheredInterfaces
    numbers: Any
    coupling: float

    def solve(self) -> None:
        """Fill the workspace's left and right from first and last. Collective."""
        self.interfaces.solve(self.numbers)

    def __str__(self) -> str:
        return f"{self.interfaces.name} (coupling {self.coupling:.1e})"


class Workspace:
    """Increments, interface planes and their messages. Making a workspace is collective.

    Parameters
    ----------
    comm
        Communicator of the slabs' owners.
    box : Box
        The box.
    partition : Slabs
        Which rank owns which planes.
    phases : Phases
        Where the sweeps put down their times.

    Attributes
    ----------
    shape : (int, int, int)
        The slab's planes, rows and voxels of a row.
    at_walls : (2,) bool
        Whether the slab has the box's first and last planes.
    ghosts_at_walls : (2,) bool
        Whether the plane before the slab is the box's first, and the one after it the last.
    threads : int
        Threads that the slab is worth.
    rows : int
        y-rows that a thread takes at a time on the way up.
    batch : int
        Planes that are finished together on the way down.
    strip : int
        y-rows whose right-hand side is made at a time.
    working_bytes : int
        Bytes of a core's cache that one pass may work in.
    """

    def __init__(self, comm, box: Box, partition: Slabs, phases: Phases):
        self.comm = comm
        self.box = box
        self.partition = partition
        self.phases = phases
        lo, hi = partition.planes(comm.rank)
        ny, nz = box.shape[1:]
        self.at_walls = np.array([lo == 0, hi == box.shape[0]])
        self.ghosts_at_walls = np.array([lo == 1, hi == box.shape[0] - 1])
        self.shape = (hi - lo, ny, nz)
        self.blocks = partition.blocks(comm.rank)
        self.threads = threads.for_work(math.prod(self.shape))
        self.rows = self._rows_at_a_time()
        self.batch = self._planes_at_a_time()
        self.scratch = aligned_zeros((threads.most(), scratch_of_a_plane(box)))
        self.strip = max(1, STRIP // nz)
        # the least of all nodes, since all ranks take one pass, or none
        self.working_bytes: int = comm.allreduce(caches.working_bytes(), MPI.MIN)
        self._interfaces: dict[type, NeighbourInterfaces | GatheredInterfaces] = {}
        self._factors: dict[Hashable, Any] = {}
        self._factors_dt: float | None = None
        self._pass_memories: WeakValueDictionary[tuple, PassMemory] = WeakValueDictionary()

    # One pass needs none of the next four, and d is as large as a species.

    @cached_property
    def d(self) -> np.ndarray:
        """(n, ny, nz) Increments of the slab."""
        return aligned_zeros(self.shape)

    @cached_property
    def first(self) -> np.ndarray:
        """(blocks, ny, nz) The first plane of each block's own solution."""
        return self._planes_of_blocks()

    @cached_property
    def left(self) -> np.ndarray:
        """(blocks, ny, nz) The solution just before each block."""
        return self._planes_of_blocks()

    @cached_property
    def right(self) -> np.ndarray:
        """(blocks, ny, nz) The solution just after each block."""
        return self._planes_of_blocks()

    def _planes_of_blocks(self) -> np.ndarray:
        return aligned_zeros((len(self.blocks), *self.shape[1:]))

    @cached_property
    def border_gaps(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(n, 2, nz), (n, ny, 2), (n,): see panel_plans.BorderPlan."""
        n, ny, nz = self.shape
        return np.zeros((n, 2, nz)), np.zeros((n, ny, 2)), np.zeros(n, dtype=bool)

    def pass_memory(self, panels: Panels) -> PassMemory:
        """Where passes of a slab that is cut so work, which species share."""
        memory = self._pass_memories.get(panels.key)
        if memory is None:
            memory = self._pass_memories[panels.key] = PassMemory(self.shape, panels)
        return memory

    def _rows_at_a_time(self) -> int:
        """Rows that stay in cache, so that all threads have as much to do in each round."""
        _, ny, nz = self.shape
        cached = max(1, CACHE_BYTES // (8 * PLANES_IN_HAND * nz))
        rounds = -(-ny // (cached * self.threads))
        return -(-ny // (rounds * self.threads))

    def _planes_at_a_time(self) -> int:
        """Planes that stay in cache. Threads meet after each batch: that should be rare."""
        n, ny, nz = self.shape
        planes = BATCHES * self.threads if self.threads > 1 else 1
        return max(1, min(n, max(planes, CACHE_BYTES // (16 * ny * nz))))

    def shared_factors(self, dt: float, key: Hashable, make: Callable[[], Any]) -> Any:
        """The numbers for steps of dt (ms), which species with the same key share.

        make() makes them at the first call, which is as collective as make() is.
        """
        if self._factors_dt != dt:
            self._factors = {}
            self._factors_dt = dt
        if key not in self._factors:
            self._factors[key] = make()
        return self._factors[key]

    def join(self, ends: Ends) -> InterfaceSolve:
        """Plan the interfaces from the numbers of this slab's blocks. Collective.

        The exact bound on their coupling decides how they are settled.
        """
        begin = (
            1 if 0 in self.blocks else 0
        )  # the box's first and last blocks lie between no others
        end = len(self.blocks)
        if self.partition.n_blocks - 1 in self.blocks:
            end -= 1
        coupling = max(self.comm.allgather(ends.coupling(slice(begin, end))))
        if neighbours_suffice(coupling):
            interfaces = self._interfaces_of(NeighbourInterfaces)
        else:
            interfaces = self._interfaces_of(GatheredInterfaces)
        return InterfaceSolve(interfaces, interfaces.plan(ends), coupling)

    @property
    def asks_neighbours(self) -> bool:
        """Whether all interfaces that have been planned are settled between neighbours."""
        return set(self._interfaces) <= {NeighbourInterfaces}

    def _interfaces_of(self, kind: type) -> NeighbourInterfaces | GatheredInterfaces:
        if kind not in self._interfaces:
            lo = self.partition.planes(self.comm.rank)[0]
            ends = [self.partition.block(b)[1] - 1 - lo for b in self.blocks]
            self._interfaces[kind] = kind(
                self.comm, self.partition, self.d, ends, self.first, self.left, self.right
            )
        return self._interfaces[kind]

    def free(self) -> None:
        """Release the messages."""
        for interfaces in self._interfaces.values():
            interfaces.free()
