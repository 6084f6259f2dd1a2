"""Tridiagonal lines along one axis, cut into blocks: their numbers, and what crosses the cuts.

Backward in an axis with r = D dt/h2, the half step (1 - A/2) x = f has rows

    (1 + r) x[i] - r/2 x[i-1] - r/2 x[i+1] = f[i]

with diagonal 1 + r/2 at an end without flux, and x = f at an end held by a wall. A block of a cut
line solves its own rows first, as if nothing were outside. With `left` and `right`, the solution
in the planes just outside, its ends are

    x_first = F + A left + B right        F, L: first and last of the block's own solution
    x_last  = L + C left + D right

(the SPIKE splitting of Polizzi and Sameh 2006, Parallel Computing 32:177, with scalar blocks). B
and C decay like lambda**n in the thickness n, lambda = r / (1 + r + sqrt(1 + 2r)). Where they are
under round-off, two neighbours settle their interface from one plane each way; else all blocks' F
and L of a share of the lines meet on one rank, which solves them exactly. interfaces.py does both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ecsmpi.description.decomposition import Slabs

ROUND_OFF = 1e-17  # a tenth of what can change a sum of doubles near 1


def decay(r: float) -> float:
    """lambda: how much a solution dies away from one plane to the next."""
    return r / (1 + r + np.sqrt(1 + 2 * r))


@dataclass(frozen=True)
class TridiagonalRows:
    """diagonal x[i] - lower x[i-1] - upper x[i+1] = f[i] for some consecutive planes of a line."""

    lower: np.ndarray
    diagonal: np.ndarray
    upper: np.ndarray

    @classmethod
    def of_line(cls, n: int, r: float, held: bool) -> TridiagonalRows:
        """A whole line of n planes with r = D dt/h2, its ends held by walls or without flux."""
        lower, upper, diagonal = np.full(n, r / 2), np.full(n, r / 2), np.full(n, 1 + r)
        lower[0] = upper[-1] = 0.0
        if held:
            upper[0] = lower[-1] = 0.0
            diagonal[0] = diagonal[-1] = 1.0
        else:
            diagonal[0] -= r / 2
            diagonal[-1] -= r / 2
        return cls(lower, diagonal, upper)

    def planes(self, lo: int, hi: int) -> TridiagonalRows:
        """The rows of planes [lo, hi)."""
        return TridiagonalRows(self.lower[lo:hi], self.diagonal[lo:hi], self.upper[lo:hi])


@dataclass(frozen=True)
class Block:
    """What one block's sweeps and interfaces need, all (n,) or scalars; see kernels.py.

    pivot, ratio: of the elimination. reach: how `left` comes through. weight: first row of the
    block's inverse. A, B, C, D: the module's text.
    """

    lower: np.ndarray
    pivot: np.ndarray
    ratio: np.ndarray
    reach: np.ndarray
    weight: np.ndarray
    A: float
    B: float
    C: float
    D: float

    @classmethod
    def of(cls, rows: TridiagonalRows) -> Block:
        n = rows.diagonal.size
        pivot, ratio, reach, weight = (np.empty(n) for _ in range(4))
        above, through = 0.0, 1.0
        for i in range(n):
            pivot[i] = 1 / (rows.diagonal[i] - rows.lower[i] * (above if i else 0.0))
            ratio[i] = above = rows.upper[i] * pivot[i]
            reach[i] = through = rows.lower[i] * pivot[i] * through
        # adjoint of the two sweeps: what f[j] adds to x[0]
        passed = np.concatenate([[1.0], np.cumprod(ratio[:-1])])
        later = 0.0
        for j in range(n - 1, -1, -1):
            later = passed[j] + (rows.lower[j + 1] * pivot[j + 1] * later if j + 1 < n else 0.0)
            weight[j] = pivot[j] * later
        return cls(
            rows.lower,
            pivot,
            ratio,
            reach,
            weight,
            A=rows.lower[0] * weight[0],
            B=rows.upper[-1] * weight[-1],
            C=reach[-1],
            D=ratio[-1],
        )

    @property
    def n_reach(self) -> int:
        """Planes that feel `left` above round-off."""
        return int(np.count_nonzero(np.abs(self.reach) > ROUND_OFF))

    @property
    def n_weights(self) -> int:
        """Planes that count in F above round-off."""
        return int(np.count_nonzero(np.abs(self.weight) > ROUND_OFF * self.weight[0]))


class SlabBlocks(NamedTuple):
    """The blocks of one rank, end to end.

    start: (blocks + 1,) planes where they begin; lower, pivot, ratio, reach, weight: (n,) theirs.
    n_weights, n_reach: planes of a block that count at most.
    """

    start: np.ndarray
    lower: np.ndarray
    pivot: np.ndarray
    ratio: np.ndarray
    reach: np.ndarray
    weight: np.ndarray
    n_weights: int
    n_reach: int

    @classmethod
    def of(cls, blocks: list[Block]) -> SlabBlocks:
        start = np.cumsum([0, *(block.pivot.size for block in blocks)], dtype=np.int64)
        names = ("lower", "pivot", "ratio", "reach", "weight")
        lines = [np.concatenate([getattr(block, name) for block in blocks]) for name in names]
        return cls(start, *lines, max(b.n_weights for b in blocks), max(b.n_reach for b in blocks))


@dataclass(frozen=True)
class Ends:
    """A, B, C, D of some consecutive blocks: (blocks, 1) where all lines have the same ones, else
    (blocks, lines).
    """

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    D: np.ndarray

    @classmethod
    def of(cls, blocks: list[Block]) -> Ends:
        """Those of lines that are all the same."""
        return cls(*(np.array([[getattr(block, key)] for block in blocks]) for key in "ABCD"))

    def coupling(self, inner: slice = slice(None)) -> float:
        """The largest of B and C among the blocks ``inner``: how far these let the blocks beside
        them feel each other.
        """
        return float(max(np.abs(each[inner]).max(initial=0.0) for each in (self.B, self.C)))


def neighbours_suffice(coupling: float) -> bool:
    """Whether each interface can be settled by its two blocks alone, exactly to round-off."""
    return coupling <= 10 * ROUND_OFF


def eliminated(ends: Ends) -> dict[str, np.ndarray]:
    """The numbers of interface_kernels.join_blocks, of all blocks: x_last[p] = last[p] + ratio[p]
    x_first[p + 1].
    """
    a, b, c, d = ends.A, ends.B, ends.C, ends.D
    pivot, carry, ratio = np.ones_like(a), np.zeros_like(a), d.copy()
    for p in range(1, len(a)):
        pivot[p] = 1 / (1 - a[p] * ratio[p - 1])
        carry[p] = b[p] * pivot[p]
        ratio[p] = d[p] + c[p] * ratio[p - 1] * carry[p]
    return dict(from_left=a, through=c, pivot=pivot, ratio=ratio, carry=carry)


@dataclass(frozen=True)
class Chain:
    """All blocks of a line with the same coefficients everywhere, in order."""

    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, n: int, r: float, held: bool, partition: Slabs) -> Chain:
        rows = TridiagonalRows.of_line(n, r, held)
        return cls(
            tuple(Block.of(rows.planes(*partition.block(b))) for b in range(partition.n_blocks))
        )

    def slab(self, blocks: range) -> SlabBlocks:
        """Those of one rank."""
        return SlabBlocks.of([self.blocks[b] for b in blocks])

    def ends(self, blocks: range | None = None) -> Ends:
        """The interface numbers of one rank's blocks, or of all."""
        return Ends.of([self.blocks[b] for b in blocks or range(len(self.blocks))])

    @property
    def coupling(self) -> float:
        """The largest B or C of a block between two others."""
        return self.ends().coupling(slice(1, -1))

    @property
    def neighbours_suffice(self) -> bool:
        """Whether each interface can be settled by its two blocks alone, exactly to round-off."""
        return neighbours_suffice(self.coupling)
