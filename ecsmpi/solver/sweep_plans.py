"""What the sweeps through a slab of uniform tissue read: planned once for a length of time step.

Each plan is a named tuple of named tuples, which compiled code reads from a record (bodies.py). It
is made of arrays and numbers only. Slabs have n planes of ny rows of nz voxels.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecsmpi.kernels.records import (
    FLAGS,
    INTEGER,
    INTEGERS,
    NUMBER,
    NUMBERS,
    PLACES,
    PLANES,
    SHAPE,
    TABLE,
    named,
)
from ecsmpi.solver.sizes import whole_tiles
from ecsmpi.solver.tridiagonal import Block, SlabBlocks


class Stencil(NamedTuple):
    """Second differences times D dt.

    r: (3,) D dt/h2 along x, y, z. strip: rows of memory whose right-hand side is made at a time.
    rz: (strip * nz + 1,) r along z between each voxel of these rows and the one before, 0 where a
    z-line ends.
    """

    r: np.ndarray
    rz: np.ndarray
    strip: int


class Sources(NamedTuple):
    """The voxels of a slab that get sources.

    voxel: (sources,) flat, ascending. row_start: (n ny + 1,) where those of each z-line begin.
    """

    voxel: np.ndarray
    row_start: np.ndarray

    @classmethod
    def of(cls, voxel: np.ndarray, shape: tuple[int, int, int]) -> Sources:
        """The sources in these voxels of a slab (n, ny, nz)."""
        n, ny, nz = shape
        row_start = np.searchsorted(voxel, np.arange(n * ny + 1) * nz)
        return cls(voxel, row_start.astype(np.int64))


class Walls(NamedTuple):
    """Border voxels that are held at a value (mM).

    first_last: (2,) whether the slab's first and last planes are. edges: whether the four faces
    along y and z are (0 or 1).
    """

    first_last: np.ndarray
    edges: int
    value: float


class Lines(NamedTuple):
    """The numbers of lines of one axis, for tiles.add_solved: zeros follow up to whole tiles.

    b[k] = carry[k] b[k-1] + pivot[k] f[k], x[k] = b[k] + ratio[k] x[k+1].
    """

    carry: np.ndarray
    pivot: np.ndarray
    ratio: np.ndarray

    @classmethod
    def of(cls, block: Block) -> Lines:
        """Those of a block of a line."""
        n = block.pivot.size
        numbers = np.zeros((3, whole_tiles(n)))
        numbers[0, :n] = block.lower * block.pivot
        numbers[1, :n] = block.pivot
        numbers[2, :n] = block.ratio
        return cls(*(np.ascontiguousarray(each) for each in numbers))

    def over(self, pivot: float) -> Lines:
        """The same numbers for right-hand sides that have been multiplied by a pivot."""
        return self._replace(pivot=self.pivot / pivot)

    def at_rest(self, places: list[int]) -> Lines:
        """The same numbers, but x = 0 in some places; their rows must be x = f."""
        pivot = self.pivot.copy()
        pivot[places] = 0.0
        return self._replace(pivot=pivot)


class PlaneLines(NamedTuple):
    """How y and z are solved in a plane.

    Where z-lines are short, ``z`` has no elements, and inverse (nz, width) is that of a z-line,
    transposed, its rows filled with zeros to whole registers; otherwise the inverse has none.
    """

    y: Lines
    z: Lines
    inverse: np.ndarray


class UpPlan(NamedTuple):
    """What the way up reads.

    d, first: increments, and first planes of the blocks' own solutions, flat. per_volume_fraction:
    1 over the volume fraction, by which sources are multiplied. rows: y-rows of a piece of work.
    """

    shape: tuple[int, int, int]
    d: np.ndarray
    first: np.ndarray
    stencil: Stencil
    blocks: SlabBlocks
    sources: Sources
    per_volume_fraction: float
    walls: Walls
    rows: int


class DownPlan(NamedTuple):
    """What the way down reads.

    d: (n, ny, nz) increments. left, right: flat, the solution's planes just outside each block,
    zero at the box's ends. scratch: (threads, ...) memory for a plane's lines. rows: y-rows of a
    piece of work; batch: planes that are finished while they are in cache.
    """

    d: np.ndarray
    left: np.ndarray
    right: np.ndarray
    blocks: SlabBlocks
    lines: PlaneLines
    sources: Sources
    walls: Walls
    scratch: np.ndarray
    rows: int
    batch: int


NO_LINES = Lines(*[np.zeros(0)] * 3)
NO_INVERSE = np.zeros((0, 0))

STENCIL = named(Stencil, NUMBERS, NUMBERS, INTEGER)
BLOCKS = named(SlabBlocks, INTEGERS, *[NUMBERS] * 5, INTEGER, INTEGER)
SOURCES = named(Sources, PLACES, INTEGERS)
WALLS = named(Walls, FLAGS, INTEGER, NUMBER)
LINES = named(Lines, NUMBERS, NUMBERS, NUMBERS)
PLANE_LINES = named(PlaneLines, LINES, LINES, TABLE)
UP_PLAN = named(UpPlan, SHAPE, NUMBERS, NUMBERS, STENCIL, BLOCKS, SOURCES, NUMBER, WALLS, INTEGER)
DOWN_PLAN = named(
    DownPlan,
    PLANES,
    *[NUMBERS] * 2,
    BLOCKS,
    PLANE_LINES,
    SOURCES,
    WALLS,
    TABLE,
    *[INTEGER] * 2,
)
