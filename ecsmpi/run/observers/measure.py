"""Numbers about a species in a region: amount, extremes, fronts, balance.

Each rank looks at its slab alone. A sampling sums one short vector over the ranks and takes the
extremes; the box is never gathered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ecsmpi.description.grid import AXES, Box, each_axis, finite
from ecsmpi.files.table import Column, Table
from ecsmpi.ranks.mpi import MPI
from ecsmpi.run.observers.fronts import AxisProfile, RadialProfile, front, radii
from ecsmpi.run.region_solver import RegionSolver
from ecsmpi.solver.accounts import amount

AXIS_FRONTS = (*AXES, *(f"-{axis}" for axis in AXES))
FRONTS = (*AXIS_FRONTS, "radius")
AMOUNTS = {
    "came_in": "amount that currents and fluxes have brought in",
    "reacted": "amount that reactions have made",
    "through_walls": "amount that has come in through walls",
    "residual": "stored less what was stored at first and what the columns before explain",
}
STORED, FREE_VOLUME, ABOVE = range(3)  # places in the summed vector
CHANGES = slice(3, 6)
SUMS = 6  # the sums of profiles follow


class Quantities:
    """Which quantities of a species are measured. Raises ValueError for wrong arguments.

    Parameters
    ----------
    threshold : float, optional
        mM, for the volume above it and for a front.
    front : str, optional
        "x", "-x" and so on for a front that moves up or down an axis; "radius" for one that moves
        away from the centre.
    centre : (x, y, z), optional
        um. Asks for the mean in shells around it.
    shell : float, optional
        Width of a shell (um), by default a voxel's longest edge.
    balance : bool
        Whether to keep account of what changes the amount.
    """

    def __init__(
        self,
        threshold: float | None = None,
        front: str | None = None,
        centre: Sequence[float] | None = None,
        shell: float | None = None,
        balance: bool = False,
    ) -> None:
        self.threshold = None if threshold is None else finite("threshold", threshold)
        self.centre = None if centre is None else each_axis("centre", centre)
        self.shell = None if shell is None else finite("shell", shell)
        self.front = front
        self.balance = bool(balance)
        if front is not None and front not in FRONTS:
            raise ValueError(f"front must be one of {', '.join(FRONTS)}, got {front!r}")
        if front is not None and threshold is None:
            raise ValueError(
                f"a front is where the threshold is: give threshold=... (mM) with front={front!r}"
            )
        if centre is None and (front == "radius" or shell is not None):
            raise ValueError("a radius is from a centre: give centre=(x, y, z) um")
        if self.shell is not None and self.shell <= 0:
            raise ValueError(f"shell must be > 0 um, got {shell}")

    def shells(self, box: Box) -> float:
        """Width of a shell (um)."""
        return self.shell or max(box.spacing)

    def table(self, box: Box) -> Table:
        """The table of a box in a file."""
        axes = {}
        if self.centre is not None:
            axes["radius"] = radii(box, self.centre, self.shells(box))
        return Table(self.columns(), axes)

    def columns(self) -> dict[str, Column]:
        """The columns that a sampling fills."""
        found = {
            "stored": Column("amol", "amount in the extracellular space"),
            "mean": Column("mM", "mean over the extracellular space"),
            "min": Column("mM", "least concentration of a voxel"),
            "max": Column("mM", "greatest concentration of a voxel"),
        }
        if self.balance:
            for name, text in AMOUNTS.items():
                found[name] = Column("amol", text)
        if self.threshold is not None:
            found["volume_above"] = Column(
                "um3", f"volume of the voxels above {self.threshold:g} mM, tissue and all"
            )
        if self.centre is not None:
            found["radial_mean"] = Column("mM", "mean over the voxels of each shell", "radius")
        if self.front is not None:
            found["front"] = Column(
                "um", f"where the mean falls through {self.threshold:g} mM, along {self.front}"
            )
            found["speed"] = Column("um/ms", "of the front, since the time before")
        return found


class Measure:
    """Measures the quantities of one species in one region. Collective."""

    def __init__(self, solver: RegionSolver, key, quantities: Quantities):
        self._solver = solver
        self._key = key
        self._quantities = quantities
        self._account = solver.open_account(key) if quantities.balance else None
        self._axis = self._axis_profile()
        self._radial = self._radial_profile()
        profiles = [one for one in (self._axis, self._radial) if one is not None]
        ends = SUMS + np.cumsum([0, *(one.counts.size for one in profiles)])
        self._sums = np.zeros(ends[-1])
        self._profile_sums: list[tuple[Any, np.ndarray]] = []
        for profile, lo, hi in zip(profiles, ends, ends[1:]):
            self._profile_sums.append((profile, self._sums[lo:hi]))
        self._extremes = np.zeros(2)
        self._first: float | None = None  # amol, stored at the first sampling
        self._before: tuple[float, float] | None = None  # (t, front) of the last sampling

    def _axis_profile(self) -> AxisProfile | None:
        front_along = self._quantities.front
        if front_along is None or front_along not in AXIS_FRONTS:
            return None
        return AxisProfile(self._solver.box, self._solver.planes, front_along[-1])

    def _radial_profile(self) -> RadialProfile | None:
        box = self._solver.box
        centre = self._quantities.centre
        if centre is None:
            return None
        width = self._quantities.shells(box)
        profile = RadialProfile(box, self._solver.planes, centre, width)
        self._solver.comm.Allreduce(profile.my_counts, profile.counts)
        return profile

    def state(self) -> dict:
        """The sums over the run, for a checkpoint. Collective."""
        changes = np.array([one.value for one in self._totals()])
        self._solver.comm.Allreduce(MPI.IN_PLACE, changes)
        before = self._before if self._before and math.isfinite(self._before[1]) else None
        return {"first": self._first, "before": before, "changes": changes.tolist()}

    def resume(self, state: dict) -> None:
        """Go on from a checkpoint: rank 0 keeps the sums of all ranks. Local."""
        self._first = state["first"]
        self._before = state["before"]
        for total, change in zip(self._totals(), state["changes"]):
            total.add(change if self._solver.comm.rank == 0 else 0.0)

    def _totals(self) -> list:
        account = self._account
        if account is None:
            return []
        return [account.came_in, account.reacted, account.through_walls]

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """The radius of the shells (um), if there are any."""
        return {} if self._radial is None else {"radius": self._radial.positions}

    def sample(self, t: float) -> dict:
        """The quantities at t (ms), the same on every rank. Collective."""
        self._sum_slab()
        self._solver.comm.Allreduce(MPI.IN_PLACE, self._sums)
        self._solver.comm.Allreduce(MPI.IN_PLACE, self._extremes, MPI.MAX)
        stored, free_volume, above, *changes = self._sums[:SUMS].tolist()
        row = {
            "stored": stored,
            "mean": stored / free_volume,
            "min": -self._extremes[0],
            "max": self._extremes[1],
        }
        if self._account is not None:
            if self._first is None:
                self._first = stored
            row |= dict(zip(AMOUNTS, changes))
            row["residual"] = stored - math.fsum([self._first, *changes])
        if self._quantities.threshold is not None:
            row["volume_above"] = above * self._solver.box.voxel_volume
        return row | self._profiles(t)

    def _sum_slab(self) -> None:
        """Fill the sums and extremes with this slab's share. Local."""
        u = self._solver.fields[self._key].owned
        tissue: Any = self._solver.slab_tissue(self._key)
        alpha = tissue.volume_fraction
        volume = self._solver.box.voxel_volume
        self._sums[STORED] = amount(u, alpha, volume)
        self._sums[FREE_VOLUME] = (alpha.sum() if np.ndim(alpha) else alpha * u.size) * volume
        if self._quantities.threshold is not None:
            self._sums[ABOVE] = np.count_nonzero(u > self._quantities.threshold)
        if self._account is not None:
            self._sums[CHANGES] = [total.value for total in self._totals()]
        for profile, sums in self._profile_sums:
            profile.add(u, sums)
        self._extremes[:] = (-u.min(), u.max()) if u.size else -np.inf

    def _profiles(self, t: float) -> dict:
        """The means along profiles, and the front in one of them. Local."""
        means = {}
        with np.errstate(invalid="ignore"):
            for profile, sums in self._profile_sums:
                means[profile] = sums / profile.counts
        row: dict[str, Any] = {}
        if self._radial is not None:
            row["radial_mean"] = means[self._radial]
        front_along = self._quantities.front
        threshold = self._quantities.threshold
        profile = self._axis or self._radial
        if front_along is not None and threshold is not None and profile is not None:
            way = -1 if front_along.startswith("-") else 1
            positions = profile.positions[::way]
            at = front(positions, means[profile][::way], threshold)
            row["front"] = at
            row["speed"] = self._speed(t, at)
        return row

    def _speed(self, t: float, at: float) -> float:
        before = self._before
        self._before = (t, at)
        return math.nan if before is None else (at - before[1]) / (t - before[0])
