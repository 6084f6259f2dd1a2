"""A step of uniform diffusion in two passes through memory: any r, held walls, any blocks.

The right-hand side and the elimination along x go up through the planes (sweep_up.py), the blocks
settle their interfaces (interfaces.py), and the substitution along x, y and z comes down again
(sweep_down.py). The increments between them, d, lie in memory. diffusion.py has the equations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.description.grid import aligned_zeros
from ecsmpi.kernels.calls import kernels_of
from ecsmpi.kernels.records import Record
from ecsmpi.solver.sizes import whole_tiles
from ecsmpi.solver.sweep_plans import (
    DOWN_PLAN,
    NO_INVERSE,
    NO_LINES,
    UP_PLAN,
    DownPlan,
    Lines,
    PlaneLines,
    Sources,
    Stencil,
    UpPlan,
    Walls,
)
from ecsmpi.solver.tridiagonal import Block, Chain, SlabBlocks, TridiagonalRows
from ecsmpi.solver.workspace import InterfaceSolve, Workspace, lines_are_short

sweep_up = kernels_of("ecsmpi.solver.sweep_up")
sweep_down = kernels_of("ecsmpi.solver.sweep_down")


@dataclass(frozen=True)
class TwoPassFactors:
    """All numbers of two passes, the same for species that differ in nothing else.

    Attributes
    ----------
    stencil : Stencil
        The second differences.
    blocks : SlabBlocks
        How x is solved in this rank's blocks.
    lines : PlaneLines
        How y and z are solved in a plane.
    interfaces : InterfaceSolve
        How the blocks meet.
    """

    stencil: Stencil
    blocks: SlabBlocks
    lines: PlaneLines
    interfaces: InterfaceSolve

    @classmethod
    def of(cls, work: Workspace, chain: Chain, r: np.ndarray, is_held: bool) -> TwoPassFactors:
        """The numbers with r = D dt/h2 along each axis; chain: of all blocks. Collective."""
        _, ny, nz = work.shape
        y = Lines.of(Block.of(TridiagonalRows.of_line(ny, r[1], is_held)))
        along_z = TridiagonalRows.of_line(nz, r[2], is_held)
        if lines_are_short(work.box):
            lines = PlaneLines(y, NO_LINES, _inverse(along_z))
        else:
            lines = PlaneLines(y, Lines.of(Block.of(along_z)), NO_INVERSE)
        rz = np.full(work.strip * nz + 1, r[2])
        rz[::nz] = 0.0  # nothing flows from the end of a z-line to the beginning of the next
        blocks = chain.slab(work.blocks)
        if work.partition.n_blocks == 1:  # nothing is outside the block
            blocks = blocks._replace(n_weights=1, n_reach=1)
        interfaces = work.join(chain.ends(work.blocks))
        return cls(Stencil(r, rz, work.strip), blocks, lines, interfaces)


class TwoPasses:
    """Steps of one species and one length, in two passes.

    Parameters
    ----------
    work : Workspace
        Of all species of the box.
    factors : TwoPassFactors
        The numbers of the step.
    sources : Sources
        The voxels that get sources.
    per_volume_fraction : float
        1 over the volume fraction.
    walls : Walls
        The border voxels that are held.
    """

    def __init__(
        self,
        work: Workspace,
        factors: TwoPassFactors,
        sources: Sources,
        per_volume_fraction: float,
        walls: Walls,
    ):
        self._phases = work.phases
        self._interfaces = factors.interfaces
        short = lines_are_short(work.box)
        self._substitute = sweep_down.substitute_short_lines if short else sweep_down.substitute
        up = UpPlan(
            work.shape,
            work.d.reshape(-1),
            work.first.reshape(-1),
            factors.stencil,
            factors.blocks,
            sources,
            per_volume_fraction,
            walls,
            work.rows,
        )
        down = DownPlan(
            work.d,
            work.left.reshape(-1),
            work.right.reshape(-1),
            factors.blocks,
            factors.lines,
            sources,
            walls,
            work.scratch,
            work.rows,
            work.batch,
        )
        self._up, self._down = Record(UP_PLAN, up), Record(DOWN_PLAN, down)

    def advance(self, u: np.ndarray, sources: np.ndarray, values: np.ndarray) -> None:
        """Take both passes. Collective."""
        with self._phases["up"]:
            sweep_up.eliminate(self._up.address, u, sources)
        with self._phases["interfaces"]:
            self._interfaces.solve()
        with self._phases["down"]:
            self._substitute(self._down.address, u, values)

    def finish(self, u: np.ndarray, values: np.ndarray) -> None:
        """Nothing is left to be done."""

    def __str__(self) -> str:
        return f"two passes, {self._interfaces}"


def _inverse(rows: TridiagonalRows) -> np.ndarray:
    """(voxels, width) the transposed inverse of short lines, for short_lines.py."""
    n = rows.diagonal.size
    below = np.diag(rows.lower[1:], -1)
    above = np.diag(rows.upper[:-1], 1)
    inverse = np.linalg.inv(np.diag(rows.diagonal) - below - above)
    columns = aligned_zeros((n, whole_tiles(n)))
    columns[:, :n] = inverse.T
    return columns
