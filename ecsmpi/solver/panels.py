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

ROWS = 2 * TILE  # of a panel, at least
BATCH = 3  # planes
PANELS = 5  # that many threads find work, where rows are enough
SMALL = 100_000  # voxels of a slab that one thread may do alone, in one panel
# bytes of a window: what a second-level cache holds beside u, and what still beats two passes
WINDOW, LARGEST_WINDOW = 512 * 1024, 900 * 1024


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
    def of(cls, shape: tuple[int, int, int], r: np.ndarray) -> Panels | None:
        """The panels of a slab (n, ny, nz), or None where one pass would not stay in cache.

        They depend on the shape and on r = D dt/h2 along each axis alone, not on the number of
        threads.
        """
        n, ny, nz = shape
        planes_ahead = min(n, ahead(r[0]))
        rows_ahead = whole_tiles(ahead(r[1]))
        batch = min(n, BATCH)
        row = 8 * nz * (planes_ahead + batch)  # bytes of a window
        least = max(ROWS, 2 * rows_ahead)
        if ny < 2 * least:
            rows, rows_ahead = ny, 0
            if n * ny * nz > SMALL:
                return None
        else:
            most = max(least, ny // PANELS // TILE * TILE)
            rows = min(max((WINDOW // row - rows_ahead) // TILE * TILE, least), most)
        if (rows + rows_ahead) * row > LARGEST_WINDOW:
            return None
        return cls(_starts(ny, rows, least), rows_ahead, batch, planes_ahead)

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


def _starts(ny: int, rows: int, least: int) -> np.ndarray:
    """Where panels of so many rows begin, and ny; the last one has at least ``least`` rows."""
    starts = [0]
    while ny - starts[-1] - rows >= least:
        starts.append(starts[-1] + rows)
    return np.array([*starts, ny], dtype=np.int64)
