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

from dataclasses import dataclass, replace

import numpy as np

from ecsmpi.solver.sizes import TILE, whole_tiles
from ecsmpi.solver.tridiagonal import ROUND_OFF, decay

LEAST_ROWS = 2 * TILE  # of a panel
BATCH = 6  # planes that are enough where few are ahead
IN_FLIGHT = 4  # panels that threads can be at work in, at least, where batches are longer
WIDE = 4  # times the rows ahead: rows of a panel that may come in fours
FEW = 6  # panels are fewer only where rows do not suffice
SMALL = 100_000  # voxels of a slab that one thread may do alone, in one panel
LARGEST = 1.75  # a window of so many times what stays in cache still beats two passes
# how long what a panel leaves to the next one takes, beside solving it down once
LEFT = 4.0
# of Panels.effort: above the first, a larger window is better; above the second, two passes are
MUCH, TOO_MUCH = 4.5, 7.0


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
        """The panels of a slab (n, ny, nz), or None where two passes are faster.

        They are those of the least effort in the cache, or beyond it where that is much. They
        depend on the shape, on r = D dt/h2 along each axis, and on the bytes of cache
        that a core has for a window; not on the number of threads.
        """
        n, ny, nz = shape
        planes_ahead = min(n, ahead(r[0]))
        rows_ahead = whole_tiles(ahead(r[1]))
        least = max(LEAST_ROWS, 2 * rows_ahead)
        if ny >= 2 * least:
            counts = _counts(ny, least, WIDE * rows_ahead)
        elif n * ny * nz <= SMALL:
            counts, rows_ahead = [1], 0
        else:
            return None
        longest = min(n, max(BATCH, min(planes_ahead, n // IN_FLIGHT)))
        for room, most in ((cache, MUCH), (LARGEST * cache, TOO_MUCH)):
            possible = []
            for count in counts:
                panels = cls(_starts(ny, count), rows_ahead, longest, planes_ahead)
                fitting = int(room / (8 * nz * panels.most_rows)) - planes_ahead
                if fitting > 0:
                    possible.append(replace(panels, batch=min(longest, fitting)))
            best = min(possible, key=lambda panels: panels.effort, default=None)
            if best and best.effort <= most:
                return best
        return None

    def in_thinner(self, n: int) -> Panels:
        """Those of another slab of the same box, of n planes at most as many."""
        return replace(self, batch=min(n, self.batch), planes_ahead=min(n, self.planes_ahead))

    @property
    def effort(self) -> float:
        """How often a voxel is solved down along x, and LEFT for what panels leave to the next.

        It is solved once more for each batch, and in each panel, that it is ahead of.
        """
        again = self.rows_ahead * self.count / self.start[-1]
        return float((1 + self.planes_ahead / self.batch) * (1 + again) + LEFT * again)

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


def _counts(ny: int, least: int, wide: int) -> list[int]:
    """Numbers of panels of at least so many rows, of which threads have as much to do as others."""
    possible = ny // least
    counts = range(min(FEW, possible), possible + 1)
    return sorted({_rounded(count, ny, least, wide) for count in counts})


def _rounded(count: int, ny: int, least: int, wide: int) -> int:
    """The next of 4, 8, 12 ... where panels are wide, or else the next even number, if possible."""
    for multiple, rows in ((4, wide), (2, least)):
        rounded = -(-count // multiple) * multiple
        if ny // rounded >= rows:
            return rounded
    return count


def _starts(ny: int, count: int) -> np.ndarray:
    """Where so many panels of nearly as many tiles begin, and ny."""
    starts = np.arange(count) * (ny // TILE) // count * TILE
    return np.array([*starts, ny], dtype=np.int64)
