"""How a slab is cut for one pass through memory: panels of rows, and batches of planes in them.

                 y  -->  panel 0        panel 1        panel 2
        x   batch 0   |.............|.............|.............|
        |   batch 1   |.............|.............|.............|
        v   batch 2   |......####***|*............|.............|    # becomes final
                               ^^^^                                  * solved so far, and ahead

A line is solved up and down. Down, a voxel feels those above it by lambda**k (tridiagonal.decay), k
voxels away. So a voxel is final once the way up is so many voxels ahead that the rest is below
round-off: ``planes_ahead`` along x, ``rows_ahead`` along y. What has been solved and is not final
stays in cache, where these numbers are small.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecsmpi.solver.sizes import TILE, whole_tiles
from ecsmpi.solver.tridiagonal import ROUND_OFF, decay

LEAST_ROWS = 2 * TILE  # of a panel
BATCH, LARGEST_BATCH = 3, 6  # planes
WIDE = 4  # times the rows ahead: rows of a panel for which batches need not be small
FEW = 6  # panels are fewer only where rows do not suffice
SMALL = 100_000  # voxels of a slab that one thread may do alone, in one panel
LARGEST = 1.75  # a window of so many times what stays in cache still beats two passes


def ahead(r: float) -> int:
    """Voxels ahead along an axis with r = D dt/h2 that a solution feels; at least one."""
    factor = decay(r)
    if factor <= ROUND_OFF:
        return 1
    return int(np.ceil(np.log(ROUND_OFF) / np.log(factor)))


@dataclass(frozen=True)
class Panels:
    """The panels and batches of a slab.

    Attributes
    ----------
    start : (panels + 1,) int
        The first row of each panel, a multiple of TILE, and the number of rows of the box.
    rows_ahead : int
        Rows that y is solved ahead of what is final, a multiple of TILE; 0 for one panel.
    batch : int
        Planes of a batch.
    planes_ahead : int
        Planes that x is solved ahead of what is final.
    """

    start: np.ndarray
    rows_ahead: int
    batch: int
    planes_ahead: int

    @classmethod
    def of(cls, shape: tuple[int, int, int], r: np.ndarray, cache: int) -> Panels | None:
        """The panels of a slab (n, ny, nz), or None where one pass would not stay in cache.

        They depend on the shape, on r = D dt/h2 along each axis, and on the bytes of cache that a
        core has for a window; not on the number of threads.
        """
        n, ny, nz = shape
        planes_ahead = min(n, ahead(r[0]))
        rows_ahead = whole_tiles(ahead(r[1]))
        least, wide = max(LEAST_ROWS, 2 * rows_ahead), WIDE * rows_ahead
        if ny < 2 * least:
            if n * ny * nz > SMALL:
                return None
            start, rows_ahead, batch = np.array([0, ny]), 0, min(n, BATCH)
        else:
            for batch in range(min(n, LARGEST_BATCH), 0, -1):
                fitting = cache // (8 * nz * (planes_ahead + batch)) - rows_ahead
                if fitting >= min(wide, ny // FEW) or batch <= BATCH:
                    break
            start = _starts(ny, _count(ny, max(fitting // TILE * TILE, least), least, wide))
        panels = cls(start, rows_ahead, batch, planes_ahead)
        if 8 * nz * panels.window * panels.most_rows > LARGEST * cache:
            return None
        return panels

    @property
    def key(self) -> tuple:
        """What cuts that are alike have in common."""
        return self.start.tobytes(), self.rows_ahead, self.batch, self.planes_ahead

    @property
    def count(self) -> int:
        """Number of panels."""
        return self.start.size - 1

    @property
    def most_rows(self) -> int:
        """Rows of the largest panel, and those ahead of it."""
        return int(np.diff(self.start).max()) + self.rows_ahead

    @property
    def window(self) -> int:
        """Planes of which something is solved and not final, at most."""
        return self.batch + self.planes_ahead


def _count(ny: int, most: int, least: int, wide: int) -> int:
    """How many panels of at most so many rows, if these can be: 4, 8, 12 ... where they are wide.

    Otherwise an even number, so that some threads have as much to do as others.
    """
    possible = ny // least
    count = min(max(FEW, -(-ny // most)), possible)
    for multiple, rows in ((4, wide), (2, least)):
        rounded = -(-count // multiple) * multiple
        if rounded <= possible and ny // rounded >= rows:
            return rounded
    return count


def _starts(ny: int, count: int) -> np.ndarray:
    """Where so many panels of nearly as many tiles begin, and ny."""
    starts = np.arange(count) * (ny // TILE) // count * TILE
    return np.array([*starts, ny], dtype=np.int64)
