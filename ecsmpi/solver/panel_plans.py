"""What a pass through a slab reads and works in: planned once for a length of time step.

As in sweep_plans.py, these are named tuples that compiled code reads from a record.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecsmpi.description.grid import aligned_zeros
from ecsmpi.kernels.records import (
    FLAGS,
    INTEGER,
    INTEGERS,
    NUMBER,
    NUMBERS,
    PLANES,
    SHAPE,
    TABLE,
    named,
)
from ecsmpi.solver import threads
from ecsmpi.solver.panels import Panels
from ecsmpi.solver.sizes import STRIP, STRIP_ROWS, TILE, whole_tiles
from ecsmpi.solver.sweep_plans import (
    PLANE_LINES,
    SOURCES,
    WALLS,
    Lines,
    PlaneLines,
    Sources,
    Walls,
)

APART = 3 * TILE  # numbers between planes of a window, lest all begin in the same lines of a cache


class Axis(NamedTuple):
    """The numbers of one axis of a slab, for each plane, row or voxel of a line.

    before, after: r to the neighbour before and after, 0 where there is none. carry, pivot, ratio:
    how lines are solved, as in sweep_plans.Lines. Zeros follow up to whole tiles. [begin, end):
    where all numbers are those of the middle of the line, and the pivot is 1; whole tiles along y
    and z.
    """

    before: np.ndarray
    after: np.ndarray
    carry: np.ndarray
    pivot: np.ndarray
    ratio: np.ndarray
    begin: int
    end: int

    @classmethod
    def of(cls, n: int, r: float, lines: Lines, tile: int) -> Axis:
        """Those of n planes, rows or voxels; the steady ones in whole tiles of so many."""
        before, after = np.zeros(whole_tiles(n)), np.zeros(whole_tiles(n))
        before[1:n] = after[: n - 1] = r
        numbers = before, after, *lines
        is_steady = np.all([each == each[n // 2] for each in numbers], axis=0)
        return cls(*numbers, *_whole_tiles_about(is_steady & (lines.pivot == 1), n // 2, tile))


def _whole_tiles_about(flags: np.ndarray, place: int, tile: int) -> tuple[int, int]:
    """The longest run [begin, end) of whole tiles about a place whose flags are all true."""
    whole = np.asarray(flags.reshape(-1, tile).all(axis=1))
    begin = end = place // tile
    while end < whole.size and whole[end]:
        end += 1
    while begin > 0 and whole[begin - 1] and end > begin:
        begin -= 1
    return begin * tile, end * tile


class Cut(NamedTuple):
    """The numbers of panels.Panels."""

    start: np.ndarray
    rows_ahead: int
    batch: int
    planes_ahead: int


class Window(NamedTuple):
    """What is solved up and not down yet: a slot for each plane, with rows ``stride`` apart.

    Plane i is in slot i % slots; one more slot stays 0, for the plane before the first.
    slots_of: (threads, ...) the window of each thread's panel. ahead: (panels at work + 1, ...) the
    rows ahead of each panel in all planes, for the panel after it, plane i in slot i + 1 of
    ahead_size numbers.
    """

    slots_of: np.ndarray
    slots: int
    slot_size: int
    stride: int
    ahead: np.ndarray
    ahead_size: int


class Scratch(NamedTuple):
    """Memory of each thread, (threads, ...), and what one panel leaves to the next.

    tile: z of TILE rows. source: sources of TILE rows, 0 between their uses. patch: concentrations
    around rows that do not fill a tile. above: t of the row above, for each plane of a window.
    corner: what sticks out of u. before: (n, width) y upwards in the last row of a panel.
    progress: see claims.py.
    """

    tile: np.ndarray
    source: np.ndarray
    patch: np.ndarray
    above: np.ndarray
    corner: np.ndarray
    before: np.ndarray
    progress: np.ndarray


class PassPlan(NamedTuple):
    """What a pass reads and works in.

    width: voxels of a z-line, up to whole tiles. Right-hand sides are scaled by the pivots in the
    middle of lines along all axes, for pivots to be 1 there: so is r of each axis, and so is
    per_source, by which sources are multiplied.
    """

    shape: tuple[int, int, int]
    width: int
    x: Axis
    y: Axis
    z: Axis
    cut: Cut
    window: Window
    scratch: Scratch
    sources: Sources
    per_source: float


class BorderPlan(NamedTuple):
    """What is done at held walls.

    r: (3,) D dt/h2 along x, y, z. rows: (n, 2, nz) the gaps, wall - u, in the first and last row of
    each plane, 0 in planes that are all wall. ends: (n, ny, 2) those in the first and last voxel of
    each row, 0 also in the first and last row. is_off: (n,) whether a border voxel of the plane is
    not at the wall. ghosts: (2,) whether the ghost plane on either side is all wall.
    """

    walls: Walls
    r: np.ndarray
    rows: np.ndarray
    ends: np.ndarray
    is_off: np.ndarray
    ghosts: np.ndarray


class Edge(NamedTuple):
    """The numbers of one end of a slab that has a neighbour.

    is_first: 1 at the slab's first plane, 0 at its last one. a: A of the slab after the interface,
    d: D of the slab before it. weight: (planes,) how what is outside comes through, from the end
    on. lines, walls: how y and z are solved in a plane, with walls at 0. scratch: memory for that.
    ny, nz: rows of a plane and voxels of a row. rows: y-rows of a piece of work.
    """

    is_first: int
    a: float
    d: float
    weight: np.ndarray
    lines: PlaneLines
    walls: Walls
    scratch: np.ndarray
    ny: int
    nz: int
    rows: int


AXIS = named(Axis, *[NUMBERS] * 5, INTEGER, INTEGER)
CUT = named(Cut, INTEGERS, *[INTEGER] * 3)
WINDOW = named(Window, TABLE, *[INTEGER] * 3, TABLE, INTEGER)
SCRATCH = named(Scratch, *[TABLE] * 6, INTEGERS)
PASS_PLAN = named(
    PassPlan,
    SHAPE,
    INTEGER,
    *[AXIS] * 3,
    CUT,
    WINDOW,
    SCRATCH,
    SOURCES,
    NUMBER,
)

BORDER_PLAN = named(BorderPlan, WALLS, NUMBERS, PLANES, PLANES, FLAGS, FLAGS)
EDGE = named(
    Edge, INTEGER, NUMBER, NUMBER, NUMBERS, PLANE_LINES, WALLS, NUMBERS, INTEGER, INTEGER, INTEGER
)

PATCH_ROWS = 3 * TILE + 2  # TILE rows of three planes, and one before and after the middle ones


def memory_shapes(
    shape: tuple[int, int, int], panels: Panels, count: int
) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays that ``count`` threads need for a pass through a slab."""
    n, _, nz = shape
    width = whole_tiles(nz)
    stride = width + TILE
    rows = whole_tiles(panels.most_rows)
    at_work = min(count, panels.count) + 1 if panels.count > 1 else 1
    return {
        "slots_of": (count, panels.window + 1, rows * stride + APART),
        "ahead": (at_work, n + 1, panels.rows_ahead * stride + APART),
        "tile": (count, (width + 2) * TILE),
        "source": (count, width * TILE),
        "patch": (count, PATCH_ROWS * (width + 2 * TILE)),
        "above": (count, panels.window * (stride + TILE)),
        "corner": (count, panels.window * STRIP_ROWS * STRIP),
        "before": (n, width),
    }


class PassMemory:
    """The window and the scratch of passes with the same panels, which species share.

    Parameters
    ----------
    shape : (int, int, int)
        The slab's planes, rows and voxels of a row.
    panels : Panels
        How the slab is cut.
    """

    def __init__(self, shape: tuple[int, int, int], panels: Panels):
        shapes = memory_shapes(shape, panels, threads.most())
        arrays = {name: aligned_zeros(each) for name, each in shapes.items()}
        slots_of, ahead = arrays.pop("slots_of"), arrays.pop("ahead")
        self.window = Window(
            _flat(slots_of),
            panels.window,
            slots_of.shape[2],
            whole_tiles(shape[2]) + TILE,
            _flat(ahead),
            ahead.shape[2],
        )
        self.scratch = Scratch(**arrays, progress=np.zeros(panels.count + 1, dtype=np.int64))


def _flat(planes: np.ndarray) -> np.ndarray:
    """Planes of each panel as one row of numbers."""
    return planes.reshape(planes.shape[0], -1)
