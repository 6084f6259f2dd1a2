"""What is measured: a box of voxels, its species and the segments in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

VOLUME_FRACTION = 0.2
TORTUOSITY = 1.6
D = 2.62  # um2/ms, of potassium
BYTES_A_VOXEL = 16  # least traffic of a step: concentrations are read once and written once
# Traffic of the phases of a step where tissue varies, in arrays of 8 bytes a voxel. Up reads u, M
# along three axes and the pivots of x, and writes d, whose lines are fetched before that. Down
# reads d, M, pivots, the volume fraction and u, and writes d and u.
BYTES_OF_PHASES = {"up": 8 * (5 + 2), "down": 8 * (7 + 2)}


@dataclass(frozen=True)
class Problem:
    """A box of voxels with segments of cells spread in it.

    Attributes
    ----------
    shape
        Voxels along x, y and z.
    species
        Species in the box.
    segments
        Segments of all cells together.
    dt
        Time step, ms.
    dx
        Edge of a voxel, um.
    varies
        Whether volume fraction and tortuosity differ from voxel to voxel.
    """

    shape: tuple[int, int, int]
    species: int = 1
    segments: int = 0
    dt: float = 0.025
    dx: float = 5.0
    varies: bool = False

    def __post_init__(self):
        if len(self.shape) != 3 or min(self.shape) < 1:
            raise ValueError(f"a box has three positive numbers of voxels, got {self.shape}")
        if self.species < 1 or self.segments < 0:
            raise ValueError(
                "need one species or more and no negative number of segments, "
                f"got {self.species} and {self.segments}"
            )
        for name in ("dt", "dx"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name} must be > 0, got {getattr(self, name)}")

    @property
    def voxels(self) -> int:
        """Voxels of the box."""
        return prod(self.shape)

    @property
    def traffic(self) -> int:
        """Bytes that a step moves through memory at least."""
        return BYTES_A_VOXEL * self.voxels * self.species

    @property
    def r(self) -> float:
        """D dt / dx**2, with D over the squared tortuosity; the solver's choices depend on it."""
        return D / TORTUOSITY**2 * self.dt / self.dx**2

    def times(self, ranks: int) -> Problem:
        """The problem with this much for each rank: longer along x, with more segments."""
        nx, ny, nz = self.shape
        return replace(self, shape=(nx * ranks, ny, nz), segments=self.segments * ranks)

    def __str__(self):
        nx, ny, nz = self.shape
        tissue = " in tissue that varies" if self.varies else ""
        return (
            f"{nx} x {ny} x {nz} voxels of {self.dx:g} um{tissue}, {self.species} species, "
            f"{self.segments} segments, dt {self.dt:g} ms (r {self.r:.2g})"
        )
