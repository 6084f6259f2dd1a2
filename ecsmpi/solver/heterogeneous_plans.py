"""What the sweeps through a slab of heterogeneous tissue read: planned for a length of time step.

Each plan is a named tuple of named tuples, which compiled code reads from a record (bodies.py). All
arrays are flat: along x, y, z the next voxel is ``ny nz``, ``nz`` and 1 further on. ``s`` is D dt /
(2 h2) along x, y, z, and M the conductance of a face.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecsmpi.description.grid import aligned_zeros
from ecsmpi.kernels.records import INTEGER, INTEGERS, NUMBER, NUMBERS, SHAPE, TABLE, named, triple
from ecsmpi.solver import threads
from ecsmpi.solver.sizes import TILE, whole_tiles
from ecsmpi.solver.sweep_plans import SOURCES, Sources

GROUP = 2  # tiles of rows that z is solved in at a time, since a line waits for its divisions


class FaceConductances(NamedTuple):
    """M of the face below each voxel along x, y, z: (voxels + stride,), zero where a line ends."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray


class CutLines(NamedTuple):
    """The x-lines of a slab, cut into blocks.

    start: (blocks + 1,) planes where blocks begin. pivot: (voxels,) inverse pivots. near: (blocks +
    1,) the planes near[b] to near[b + 1] of weight and reach are those of block b: weight says what
    its first planes add to its first unknown, and reach how the plane left of it comes through to
    them.
    """

    start: np.ndarray
    pivot: np.ndarray
    near: np.ndarray
    weight: np.ndarray
    reach: np.ndarray


class BorderEntries(NamedTuple):
    """Baths and held voxels (borders.py), by ascending voxel: each adds strength (value - u).

    voxel: (entries,). row_start: (n ny + 1,) where the entries of each z-line begin. strength:
    (entries,) capacity times concentration per mM of difference. value: (entries,) mM, of the bath
    or that the voxel is held at, set anew in each step.
    """

    voxel: np.ndarray
    row_start: np.ndarray
    strength: np.ndarray
    value: np.ndarray


class PlaneTissue(NamedTuple):
    """How y and z are solved in a plane: from the tissue itself, without pivots.

    capacity: (voxels,). y_diagonal, z_diagonal: (voxels,) the capacities, and the implicit half of
    baths along that axis. y, z: M of the face below each voxel.
    """

    capacity: np.ndarray
    y_diagonal: np.ndarray
    z_diagonal: np.ndarray
    y: np.ndarray
    z: np.ndarray


class PlaneScratch(NamedTuple):
    """Memory of each thread, (threads, ...), for a plane.

    b, ratio: y upwards, after a row of 0. x: y downwards in a row. f, whole, m: what z is solved
    from, in GROUP tiles of rows; beyond the rows and their ends f and m are 0, and whole is 1.
    tile, tile_ratio, pivot: z upwards in them.
    """

    b: np.ndarray
    ratio: np.ndarray
    x: np.ndarray
    f: np.ndarray
    whole: np.ndarray
    m: np.ndarray
    tile: np.ndarray
    tile_ratio: np.ndarray
    pivot: np.ndarray

    @classmethod
    def of(cls, ny: int, nz: int) -> PlaneScratch:
        """That of planes of ny rows of nz voxels."""
        count, width = threads.most(), whole_tiles(nz)
        rows = (count, GROUP * TILE * (width + TILE))
        tile = (count, GROUP * TILE * (width + 2))
        plane = (count, (ny + 1) * nz)
        sizes = plane, plane, (count, nz), rows, rows, rows, tile, tile, (count, GROUP * TILE)
        return cls(*map(aligned_zeros, sizes))


class HeterogeneousUpPlan(NamedTuple):
    """What the way up reads.

    d, first: increments, and first planes of the blocks' own solutions. rows: y-rows of a piece of
    work.
    """

    shape: tuple[int, int, int]
    d: np.ndarray
    first: np.ndarray
    faces: FaceConductances
    s: tuple[float, float, float]
    lines: CutLines
    sources: Sources
    border: BorderEntries
    rows: int


class HeterogeneousDownPlan(NamedTuple):
    """What the way down reads.

    left, right: the solution's planes just outside each block. x: M along x. rows: y-rows of a
    piece of work; batch: planes that are finished while they are in cache.
    """

    shape: tuple[int, int, int]
    d: np.ndarray
    left: np.ndarray
    right: np.ndarray
    x: np.ndarray
    s: tuple[float, float, float]
    lines: CutLines
    plane: PlaneTissue
    sources: Sources
    scratch: PlaneScratch
    rows: int
    batch: int


FACES = named(FaceConductances, *[NUMBERS] * 3)
CUT_LINES = named(CutLines, INTEGERS, NUMBERS, INTEGERS, NUMBERS, NUMBERS)
BORDER_ENTRIES = named(BorderEntries, INTEGERS, INTEGERS, NUMBERS, NUMBERS)
PLANE_TISSUE = named(PlaneTissue, *[NUMBERS] * 5)
PLANE_SCRATCH = named(PlaneScratch, *[TABLE] * 9)
UP_PLAN = named(
    HeterogeneousUpPlan,
    SHAPE,
    *[NUMBERS] * 2,
    FACES,
    triple(NUMBER),
    CUT_LINES,
    SOURCES,
    BORDER_ENTRIES,
    INTEGER,
)
DOWN_PLAN = named(
    HeterogeneousDownPlan,
    SHAPE,
    *[NUMBERS] * 4,
    triple(NUMBER),
    CUT_LINES,
    PLANE_TISSUE,
    SOURCES,
    PLANE_SCRATCH,
    *[INTEGER] * 2,
)
