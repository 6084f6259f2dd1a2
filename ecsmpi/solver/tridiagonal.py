"""The numbers of tridiagonal lines along one axis, cut into blocks, and of the blocks' interfaces.

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
    """lambda: the factor by which a solution decays from one plane to the next."""
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
        lower = np.full(n, r / 2)
        upper = np.full(n, r / 2)
        diagonal = np.full(n, 1 + r)
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
    """The numbers of one block's sweeps (n,), and of its interfaces.

    Attributes
    ----------
    lower, pivot, ratio : (n,) float
        Of the elimination, see sweep_up.py.
    reach : (n,) float
        How `left` comes through to each plane.
    weight : (n,) float
        First row of the block's inverse: what each plane's right-hand side adds to F.
    A, B, C, D : float
        See the module's text.
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
        """The block of these rows, as if nothing were outside."""
        n = rows.diagonal.size
        pivot, ratio, reach, weight = (np.empty(n) for _ in range(4))
        above, through = 0.0, 1.0
        for i in range(n):
            pivot[i] = 1 / (rows.diagonal[i] - rows.lower[i] * (above if i else 0.0))
            ratio[i] = above = rows.upper[i] * pivot[i]
            reach[i] = through = rows.lower[i] * pivot[i] * through
        # the adjoint of the two sweeps: what f[j] adds to x[0]
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

    start: (blocks + 1,) the plane where each begins, and n. lower, pivot, ratio, reach, weight:
    (n,) those of the blocks. n_weights, n_reach: how many planes at the beginning of a block have a
    weight, or a reach, above round-off, at most.
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
        """The slab that these blocks make up."""
        start = np.cumsum([0, *(block.pivot.size for block in blocks)], dtype=np.int64)
        return cls(
            start=start,
            lower=np.concatenate([block.lower for block in blocks]),
            pivot=np.concatenate([block.pivot for block in blocks]),
            ratio=np.concatenate([block.ratio for block in blocks]),
            reach=np.concatenate([block.reach for block in blocks]),
            weight=np.concatenate([block.weight for block in blocks]),
            n_weights=max(block.n_weights for block in blocks),
            n_reach=max(block.n_reach for block in blocks),
        )


@dataclass(frozen=True)
class Ends:
    """A, B, C, D of some consecutive blocks.

    (blocks, 1) where they are the same for all lines, otherwise (blocks, lines).
    """

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    D: np.ndarray

    @classmethod
    def of(cls, blocks: list[Block]) -> Ends:
        """The numbers of these blocks, the same for all lines."""
        return cls(*(np.array([[getattr(block, key)] for block in blocks]) for key in "ABCD"))

    def coupling(self, inner: slice = slice(None)) -> float:
        """The largest B or C of the blocks ``inner``: how much their neighbours feel each other."""
        return float(max(np.abs(each[inner]).max(initial=0.0) for each in (self.B, self.C)))


def neighbours_suffice(coupling: float) -> bool:
    """Whether the two blocks of each interface can settle it alone, exactly to round-off."""
    return coupling <= 10 * ROUND_OFF


def eliminated(ends: Ends) -> dict[str, np.ndarray]:
    """The numbers of interface_kernels.join_blocks, from those of all blocks.

    Eliminated upwards along the chain of blocks: x_last[p] = last[p] + ratio[p] x_first[p + 1].
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
    """All blocks of a line in order, its coefficients the same everywhere."""

    blocks: tuple[Block, ...]

    @classmethod
    def of(cls, n: int, r: float, held: bool, partition: Slabs) -> Chain:
        """The line of n planes with r = D dt/h2, its ends held by walls or without flux."""
        rows = TridiagonalRows.of_line(n, r, held)
        blocks = []
        for number in range(partition.n_blocks):
            blocks.append(Block.of(rows.planes(*partition.block(number))))
        return cls(tuple(blocks))

    def slab(self, blocks: range) -> SlabBlocks:
        """The blocks of one rank, given by number."""
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
        """Whether the two blocks of each interface can settle it alone, exactly to round-off."""
        return neighbours_suffice(self.coupling)
