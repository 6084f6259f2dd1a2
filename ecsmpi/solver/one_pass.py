"""A step of uniform diffusion in one pass through memory: small r, one block a slab.

It moves 16 to 20 bytes a voxel, where two passes move 48, and has no array of increments. Slabs
settle their interfaces after the pass, by one round of messages a step (slab_edges.py). Border
voxels at held walls have pivots 0, so that a pass leaves them alone (held_walls.py).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.kernels.calls import kernels_of
from ecsmpi.kernels.records import Record
from ecsmpi.solver.held_walls import HeldWalls
from ecsmpi.solver.panel_plans import PASS_PLAN, Axis, Cut, PassPlan
from ecsmpi.solver.panels import Panels
from ecsmpi.solver.sizes import TILE
from ecsmpi.solver.slab_edges import EdgeNumbers, SlabEdges
from ecsmpi.solver.sweep_plans import NO_INVERSE, Lines, PlaneLines, Sources
from ecsmpi.solver.tridiagonal import Block, Chain, TridiagonalRows
from ecsmpi.solver.workspace import Workspace, lines_are_short

entry_kernels = kernels_of("ecsmpi.solver.entry_kernels")
panel_sweep = kernels_of("ecsmpi.solver.panel_sweep")


@dataclass(frozen=True)
class PassFactors:
    """All numbers of a pass, the same for species that differ in nothing else.

    Attributes
    ----------
    panels : Panels
        How the slab is cut.
    axes : (Axis, Axis, Axis)
        The numbers of x, y and z in the slab.
    scale : float
        What right-hand sides are multiplied by.
    edges : EdgeNumbers
        How the slab meets its neighbours.
    coupling : float
        The largest B or C of tridiagonal.py.
    """

    panels: Panels
    axes: tuple[Axis, Axis, Axis]
    scale: float
    edges: EdgeNumbers
    coupling: float

    @classmethod
    def of(
        cls, work: Workspace, chain: Chain, r: np.ndarray, panels: Panels, is_held: bool
    ) -> PassFactors:
        """The numbers with r = D dt/h2 along each axis, x as in the chain of all slabs. Local."""
        number = work.blocks[0]
        n, ny, nz = work.shape
        x = Lines.of(chain.blocks[number])
        y = Lines.of(Block.of(TridiagonalRows.of_line(ny, r[1], is_held)))
        z = Lines.of(Block.of(TridiagonalRows.of_line(nz, r[2], is_held)))
        edges = EdgeNumbers.of(chain, number, PlaneLines(y, z, NO_INVERSE), work, is_held)
        lines = [x, y, z]
        middle = [each.pivot[size // 2] for each, size in zip(lines, work.shape)]
        scale = float(np.prod(middle))
        lines = [each.over(pivot) for each, pivot in zip(lines, middle)]
        if is_held:
            on_wall = [place for place, is_wall in zip((0, n - 1), work.at_walls) if is_wall]
            borders = on_wall, [0, ny - 1], [0, nz - 1]
            lines = [each.at_rest(places) for each, places in zip(lines, borders)]
        axes = (
            Axis.of(n, scale * r[0], lines[0], 1),
            Axis.of(ny, scale * r[1], lines[1], TILE),
            Axis.of(nz, scale * r[2], lines[2], TILE),
        )
        return cls(panels, axes, scale, edges, chain.coupling)


def panels_of_slab(work: Workspace, chain: Chain, r: np.ndarray) -> Panels | None:
    """How one pass cuts this rank's slab; None, on all ranks alike, where two passes are taken.

    They are, where a slab has several blocks, as reproducible ones do; where z-lines are short;
    where slabs are so thin that their ends feel each other; and where r is so large that a pass
    would solve too much twice, or not stay in cache. The thickest slab decides.
    """
    if work.partition.grain or lines_are_short(work.box):
        return None
    if not chain.neighbours_suffice:
        return None
    n, ny, nz = work.shape
    thickest = max(block.pivot.size for block in chain.blocks)
    panels = Panels.of((thickest, ny, nz), r, work.working_bytes)
    return panels and panels.in_thinner(n)


class OnePass:
    """Steps of one species and one length, in one pass.

    Parameters
    ----------
    work : Workspace
        Of all species of the box.
    factors : PassFactors
        The numbers of the step.
    sources : Sources
        The voxels that get sources.
    per_volume_fraction : float
        1 over the volume fraction.
    edges : SlabEdges
        The species' messages to neighbouring slabs.
    walls : HeldWalls or None
        Where they are held.
    """

    def __init__(
        self,
        work: Workspace,
        factors: PassFactors,
        sources: Sources,
        per_volume_fraction: float,
        edges: SlabEdges,
        walls: HeldWalls | None = None,
    ):
        self._phases = work.phases
        self._factors = factors
        self._sources = sources
        self._edges = edges
        self._walls = walls
        panels, memory = factors.panels, work.pass_memory(factors.panels)
        cut = Cut(panels.start, panels.rows_ahead, panels.batch, panels.planes_ahead)
        plan = PassPlan(
            work.shape,
            factors.axes[2].pivot.size,
            *factors.axes,
            cut,
            memory.window,
            memory.scratch,
            sources,
            per_volume_fraction * factors.scale,
        )
        self._shape = work.shape
        self._plan = Record(PASS_PLAN, plan)
        self._memory = memory  # which other species find while one has it

    def advance(self, u: np.ndarray, sources: np.ndarray, values: np.ndarray) -> None:
        """Take the pass, and send what the neighbours need. Collective among neighbours."""
        walls = None
        with self._phases["pass"]:
            if self._walls and self._walls.find_gaps(u):
                walls = self._walls
        with self._phases["interfaces"]:
            self._edges.keep()
        with self._phases["pass"]:
            if walls:
                walls.aim(u)
            panel_sweep.sweep(self._plan.address, u, sources, values)
        with self._phases["interfaces"]:
            self._edges.send()  # increments of planes that the pass has left alone are 0
        if walls:
            with self._phases["pass"]:
                walls.hold(u)
                self._pick(0, self._shape[0], u, values)

    def finish(self, u: np.ndarray, values: np.ndarray) -> None:
        """Add what comes from the neighbours. Collective among neighbours."""
        with self._phases["interfaces"]:
            self._edges.receive(self._factors.edges)
            for begin, end in self._factors.edges.planes(self._shape[0]):
                self._pick(begin, end, u, values)

    def _pick(self, begin: int, end: int, u: np.ndarray, values: np.ndarray) -> None:
        """Set the values of voxels in the planes [begin, end), which have changed."""
        _, ny, nz = self._shape
        row_start = self._sources.row_start
        first, last = row_start[begin * ny], row_start[end * ny]
        entry_kernels.pick(first, last, self._sources.voxel, u.reshape(-1), ny * nz, values)

    def __str__(self) -> str:
        return f"one pass, neighbour pairs (coupling {self._factors.coupling:.1e})"
