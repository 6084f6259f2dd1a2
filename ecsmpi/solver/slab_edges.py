"""Where slabs meet in one pass: ghost planes before it, and one round of messages after it.

Each slab takes its step as if nothing were outside: no flux through its ends, and no neighbour in
the x-solve. What is missing at an end between the last plane l of one slab and the first plane f of
the next is linear in the planes outside. With x the increment after y and z, u the concentrations
before the step, and Q = (1 - Ay/2)**-1 (1 - Az/2)**-1 (u_f - u_l),

    x_l = L + D (x_f + 2 Q)          x_f = F + A (x_l - 2 Q)

with L and F the slabs' own increments there, A and D as in tridiagonal.py. For the neighbour acts
through r/2 x in the x-solve, and through r (u_f - u_l) in the right-hand side, which y and z solve
too. So each side sends its old concentrations, as a ghost plane, and after the pass its own
increment. Both settle the interface, and add what comes through to the planes that feel it:

    outside f:  x_l - 2 Q, by `from_before`          outside l:  x_f + 2 Q, by `from_after`

Where walls are held, X gy and X Y gz (held_walls.py) also read gaps of the plane beyond, by -r/2.
What y and z make of these is H, the solution in that plane of 0 with its gaps in the border:

    x_l = L + D (x_f + 2 Q - H_f)    x_f = F + A (x_l - 2 Q - H_l)

Both sides know these gaps by the old concentrations. One solve of y and z still does: Q gets a
border that makes up for H_f and H_l in what is outside (edge_kernels.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecsmpi.description.grid import Box, aligned_zeros
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.kernels.records import Record
from ecsmpi.solver.panel_plans import EDGE, Edge
from ecsmpi.solver.routes import finish, start
from ecsmpi.solver.sweep_plans import NO_INVERSE, Lines, PlaneLines, Walls
from ecsmpi.solver.tridiagonal import ROUND_OFF, Block, Chain, TridiagonalRows
from ecsmpi.solver.workspace import Workspace, scratch_of_a_plane

edge_kernels = kernels_of("ecsmpi.solver.edge_kernels")

NO_PLANES = np.zeros(2, dtype=bool)


def _felt(through: np.ndarray) -> np.ndarray:
    """The part of numbers, from the first one on, that is above round-off."""
    return through[: max(1, np.count_nonzero(np.abs(through) > ROUND_OFF))]


def from_before(block: Block) -> np.ndarray:
    """How the plane before a block comes through to its planes, from the first one on."""
    through = block.reach.copy()
    for i in range(through.size - 2, -1, -1):
        through[i] += block.ratio[i] * through[i + 1]
    return _felt(through)


def from_after(block: Block) -> np.ndarray:
    """How the plane after a block comes through to its planes, from the last one on."""
    return _felt(np.cumprod(block.ratio[::-1]))


@dataclass(frozen=True)
class EdgeNumbers:
    """The ends of a slab that have neighbours, for a length of time step.

    Attributes
    ----------
    first, last : Edge or None
        At the slab's first plane, and at its last one.
    """

    first: Edge | None
    last: Edge | None

    @classmethod
    def of(
        cls, chain: Chain, number: int, lines: PlaneLines, work: Workspace, is_held: bool
    ) -> EdgeNumbers:
        """Those of block ``number`` of a chain, which is this rank's slab."""
        blocks, own = chain.blocks, chain.blocks[number]
        _, ny, nz = work.box.shape
        rows = -(-ny // work.threads)
        walls = Walls(NO_PLANES, int(is_held), 0.0)
        in_plane = (lines, walls, work.scratch[0], ny, nz, rows)
        first = last = None
        if number > 0:
            first = Edge(1, own.A, blocks[number - 1].D, from_before(own), *in_plane)
        if number < len(blocks) - 1:
            last = Edge(0, blocks[number + 1].A, own.D, from_after(own), *in_plane)
        return cls(first, last)

    @cached_property
    def records(self) -> dict[bool, Record]:
        """The records of the ends that have neighbours, by whether it is the first."""
        ends = {True: self.first, False: self.last}
        return {is_first: Record(EDGE, edge) for is_first, edge in ends.items() if edge}

    def planes(self, n: int) -> list[tuple[int, int]]:
        """The planes [begin, end) of a slab of n planes that feel its neighbours."""
        found = []
        if self.first:
            found.append((0, self.first.weight.size))
        if self.last:
            found.append((n - self.last.weight.size, n))
        return found


@dataclass(frozen=True)
class _End:
    """An end of a slab that has a neighbour; each array has a plane.

    is_first: whether it is the slab's first plane. plane: that plane of u. ghost, before: the
    neighbour's concentrations and the slab's own before the step. own, received: the increments of
    the slab's own solution, and of the neighbour's.
    """

    is_first: bool
    plane: np.ndarray
    ghost: np.ndarray
    before: np.ndarray
    own: np.ndarray
    received: np.ndarray


class SlabEdges:
    """The messages of one species between slabs, negotiated once and replayed in each step.

    Parameters
    ----------
    comm
        Communicator of the slabs' owners, in the order of the slabs.
    u : (n + 2, ny, nz) float
        Concentrations of the species, with ghost planes from before the step.
    wall : float
        What border voxels are held at (mM), if they are.
    """

    def __init__(self, comm, u: np.ndarray, wall: float):
        self._u = u
        self._wall = wall
        self._requests = []
        self._ends: list[_End] = []
        for is_first, other in ((True, comm.rank - 1), (False, comm.rank + 1)):
            if not 0 <= other < comm.size:
                continue
            own, received, before = aligned_zeros((3, *u.shape[1:]))
            to_before, to_after = 11, 12
            sent, got = (to_before, to_after) if is_first else (to_after, to_before)
            self._requests += [
                comm.Send_init(own, other, sent),
                comm.Recv_init(received, other, got),
            ]
            plane, ghost = (u[1], u[0]) if is_first else (u[-2], u[-1])
            self._ends.append(_End(is_first, plane, ghost, before, own, received))
        if self._ends:
            self._step, self._outside = (np.zeros(u[0].size) for _ in range(2))

    def keep(self) -> None:
        """Remember the concentrations before the pass. Local."""
        for end in self._ends:
            np.copyto(end.before, end.plane)

    def send(self) -> None:
        """Send what the neighbours need, after the pass. Collective among neighbours."""
        for end in self._ends:
            np.subtract(end.plane, end.before, out=end.own)
        start(self._requests)

    def receive(self, numbers: EdgeNumbers) -> None:
        """Wait for the neighbours, and add what is outside the slab. Collective among them."""
        finish(self._requests)
        for end in self._ends:
            edge = numbers.records[end.is_first]
            edge_kernels.settle(
                edge.address,
                self._wall,
                end.own.reshape(-1),
                end.before.reshape(-1),
                end.received.reshape(-1),
                end.ghost.reshape(-1),
                self._step,
                self._outside,
            )
            edge_kernels.add_outside(edge.address, self._u, self._outside)

    def free(self) -> None:
        """Release the messages."""
        for request in self._requests:
            request.Free()


def compile_edges(box: Box) -> None:
    """Compile what slabs of such boxes do after one pass, or load it. Local."""
    _, ny, nz = box.shape
    y, z = (Lines.of(Block.of(TridiagonalRows.of_line(n, 1.0, False))) for n in (ny, nz))
    scratch = np.zeros(scratch_of_a_plane(box))
    in_plane = (PlaneLines(y, z, NO_INVERSE), Walls(NO_PLANES, 0, 0.0), scratch, ny, nz, 1)
    edge = Record(EDGE, Edge(1, 0.0, 0.0, np.zeros(1), *in_plane))
    edge_kernels.settle(edge.address, 0.0, *np.zeros((6, box.plane)))
    edge_kernels.add_outside(edge.address, np.zeros((3, ny, nz)), np.zeros(box.plane))
