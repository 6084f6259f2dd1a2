"""What a run says about a species while it goes on: amounts, extremes, fronts; each rank looks at
its slab alone.

Each sampling sums one short vector over the ranks, and takes the extremes; the box is never
gathered.
"""

from __future__ import annotations

import math

import numpy as np

from ecsmpi.description.grid import AXES, each_axis, finite
from ecsmpi.files.cadence import Cadence
from ecsmpi.files.table import Column, Table
from ecsmpi.ranks.mpi import MPI
from ecsmpi.run.observers.base import Observer
from ecsmpi.run.observers.fields import by_name
from ecsmpi.run.observers.fronts import AxisProfile, RadialProfile, front, radii
from ecsmpi.solver.accounts import amount

FRONTS = (*AXES, *(f"-{axis}" for axis in AXES), "radius")
AMOUNTS = {
    "came_in": "amount that currents and fluxes have brought in",
    "reacted": "amount that reactions have made",
    "through_walls": "amount that has come in through walls",
    "residual": "stored less what was stored at first and what the columns before explain",
}


class Watched:
    """What is asked about a species, checked.

    threshold: mM. front: "x", "-x" and so on for a front that moves up or down an axis, "radius"
    for one that moves away from ``centre`` (x, y, z) um; which also asks for the mean in shells of
    ``shell`` um around it, by default as wide as a voxel's longest edge. balance: whether to keep
    account of what changes the amount.
    """

    def __init__(self, threshold=None, front=None, centre=None, shell=None, balance=False):
        self.threshold = None if threshold is None else finite("threshold", threshold)
        self.centre = None if centre is None else each_axis("centre", centre)
        self.shell = None if shell is None else finite("shell", shell)
        self.front, self.balance = front, bool(balance)
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

    def shells(self, box) -> float:
        """Width of a shell (um)."""
        return self.shell or max(box.spacing)

    def table(self, box) -> Table:
        """The table of a box."""
        axes = {}
        if self.centre is not None:
            axes["radius"] = radii(box, self.centre, self.shells(box))
        return Table(self.columns(), axes)

    def columns(self) -> dict[str, Column]:
        """What a sampling yields."""
        found = {
            "stored": Column("amol", "amount in the extracellular space"),
            "mean": Column("mM", "mean over the extracellular space"),
            "min": Column("mM", "least concentration of a voxel"),
            "max": Column("mM", "greatest concentration of a voxel"),
        }
        if self.balance:
            found |= {name: Column("amol", text) for name, text in AMOUNTS.items()}
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
    """Takes the numbers of one species in one region: planned once, collective."""

    def __init__(self, space, key, watched: Watched):
        self._space, self._key, self._watched = space, key, watched
        box, planes = space.box, space.planes
        self._account = space.open_account(key) if watched.balance else None
        self._axis = (
            AxisProfile(box, planes, watched.front[-1]) if watched.front in FRONTS[:6] else None
        )
        self._radial = None
        if watched.centre is not None:
            self._radial = RadialProfile(box, planes, watched.centre, watched.shells(box))
            space.comm.Allreduce(self._radial.my_counts, self._radial.counts)
        profiles = [profile for profile in (self._axis, self._radial) if profile is not None]
        self._sums = np.zeros(6 + sum(profile.counts.size for profile in profiles))
        ends = 6 + np.cumsum([0, *(profile.counts.size for profile in profiles)])
        self._of_profiles = [
            (one, self._sums[lo:hi]) for one, lo, hi in zip(profiles, ends, ends[1:])
        ]
        self._extremes = np.zeros(2)
        self._first = self._before = None

    def state(self) -> dict:
        """What sums up over the run, for a checkpoint. Collective."""
        changes = np.array([one.value for one in self._totals()])
        self._space.comm.Allreduce(MPI.IN_PLACE, changes)
        before = self._before if self._before and math.isfinite(self._before[1]) else None
        return {"first": self._first, "before": before, "changes": changes.tolist()}

    def resume(self, state: dict) -> None:
        """Go on from it: the first rank keeps what all ranks had. Local."""
        self._first, self._before = state["first"], state["before"]
        for total, change in zip(self._totals(), state["changes"]):
            total.add(change if self._space.comm.rank == 0 else 0.0)

    def _totals(self) -> list:
        account = self._account
        return (
            [account.came_in, account.reacted, account.through_walls] if account is not None else []
        )

    @property
    def axes(self) -> dict[str, np.ndarray]:
        """The radius of the shells (um), where there are some."""
        return {} if self._radial is None else {"radius": self._radial.positions}

    def sample(self, t: float) -> dict:
        """The numbers of t (ms), the same on every rank. Collective."""
        self._sum_slab()
        self._space.comm.Allreduce(MPI.IN_PLACE, self._sums)
        self._space.comm.Allreduce(MPI.IN_PLACE, self._extremes, MPI.MAX)
        stored, free, above, *changes = self._sums[:6].tolist()
        row = {
            "stored": stored,
            "mean": stored / free,
            "min": -self._extremes[0],
            "max": self._extremes[1],
        }
        if self._account is not None:
            self._first = stored if self._first is None else self._first
            row |= dict(zip(AMOUNTS, changes))
            row["residual"] = stored - math.fsum([self._first, *changes])
        if self._watched.threshold is not None:
            row["volume_above"] = above * self._space.box.voxel_volume
        return row | self._profiles(t)

    def _sum_slab(self) -> None:
        space, account = self._space, self._account
        u, alpha, volume = (
            space.fields[self._key].owned,
            space.slab_tissue(self._key).volume_fraction,
            space.box.voxel_volume,
        )
        self._sums[0] = amount(u, alpha, volume)
        self._sums[1] = (alpha.sum() if np.ndim(alpha) else alpha * u.size) * volume
        if self._watched.threshold is not None:
            self._sums[2] = np.count_nonzero(u > self._watched.threshold)
        if account is not None:
            self._sums[3:6] = (
                account.came_in.value,
                account.reacted.value,
                account.through_walls.value,
            )
        for profile, sums in self._of_profiles:
            profile.add(u, sums)
        self._extremes[:] = (-u.min(), u.max()) if u.size else -np.inf

    def _profiles(self, t: float) -> dict:
        with np.errstate(invalid="ignore"):
            means = {profile: sums / profile.counts for profile, sums in self._of_profiles}
        row = {} if self._radial is None else {"radial_mean": means[self._radial]}
        if self._watched.front is not None:
            profile = self._axis or self._radial
            way = -1 if self._watched.front.startswith("-") else 1
            row["front"] = front(
                profile.positions[::way], means[profile][::way], self._watched.threshold
            )
            row["speed"] = self._speed(t, row["front"])
        return row

    def _speed(self, t: float, at: float) -> float:
        before, self._before = self._before, (t, at)
        return math.nan if before is None else (at - before[1]) / (t - before[0])


class Diagnostics(Observer):
    """Numbers about a species while the run goes on: to a table, to a file, and to the line of
    progress.

    species: its name. every: ms between them, of which the first are of the initial state. region:
    for a species that has
    several. output: an Output, whose file they go to, as /diagnostics/NAME, or None. name: in that
    file, the species' by
    default. watched: what is asked. owned: whether the output is theirs alone, and goes with them.
    A second finitialize begins anew; after a restart sums go on, and so do the rows in the file.
    All ranks have the same numbers. Raises ValueError for wrong arguments.
    """

    goes_when_dropped = True

    def __init__(
        self,
        species: str,
        every: float,
        watched: Watched,
        region=None,
        output=None,
        name: str | None = None,
        owned: bool = False,
    ):
        self.name, self._species, self._region, self._watched = (
            name or species,
            species,
            region,
            watched,
        )
        self._cadence, self._output, self._rows = Cadence(every), output, []
        self._owned, self._measure, self._file = owned, None, None
        if output is not None:
            output.add_table(self)

    def __repr__(self):
        file = "" if self._output is None else f", in {str(self._output.path)!r}"
        return f"Diagnostics({self.name!r}, every={self._cadence.every:g}{file})"

    def parts(self) -> list:
        """The output, where it is theirs alone."""
        return [self._output] if self._owned else []

    @property
    def has_run(self) -> bool:
        """Whether they have been in a run."""
        return self._measure is not None

    def go_to(self, output) -> None:
        """Write the rows to another Output, from the next run on. Local."""
        self._output, self._owned = output, False
        output.add_table(self)

    # what the output asks

    def region(self, simulation):
        """The region that is watched."""
        _, region = self._found(simulation)
        return region

    def layout(self, box) -> Table:
        """The table in a file."""
        return self._watched.table(box)

    # what the simulation tells

    def started(self, simulation, t: float) -> None:
        """Begin, with the initial state. Collective."""
        self._plan(simulation)
        self._cadence.begin(t)
        self._sample(t)

    def state(self) -> list:
        """Where it stands, for a checkpoint. Collective."""
        return ["diagnostics", self.name, self._cadence.state(), self._measure.state()]

    def resumed(self, simulation, t: float, places: list) -> None:
        """Go on from a checkpoint, if it was there, with the rows after it. Collective."""
        place = next((one for one in places if one[:2] == ["diagnostics", self.name]), None)
        if place is None:
            return self.started(simulation, t)
        self._plan(simulation)
        self._cadence.resume(place[2])
        self._measure.resume(place[3])

    def joined(self, simulation, t: float) -> None:
        """Begin in mid-run; the first row comes when it is due, and the balance is from now on.
        Collective.
        """
        _, region = self._found(simulation)
        if self._output is not None and not self._output.file_of(region).has_table(self.name):
            self._output.file_of(region).add_table(self.name, self.layout(region.box))
        self._plan(simulation)
        self._cadence.join(simulation.course.began, t)
        self._measure.sample(t)  # what is there now, from which the balance begins

    def _plan(self, simulation) -> None:
        species, region = self._found(simulation)
        simulation.field(species, region)
        self._measure = Measure(simulation.space(region), species.key, self._watched)
        self._file = None if self._output is None else self._output.file_of(region)
        self._rows = []

    def stepped(self, simulation, t: float) -> None:
        """Take the numbers that are due. Collective."""
        if self._cadence.due(t):
            self._sample(t)

    def ended(self) -> None:
        """Leave the file, which its Output closes. Collective."""
        file, self._file = self._file, None
        if file is not None and not file.closed:
            file.flush()

    def _sample(self, t: float) -> None:
        self._rows.append({"time": t, **self._measure.sample(t)})
        if self._file is not None:
            self._file.append_row(self.name, self._rows[-1])

    def flush(self) -> None:
        """Bring the rows of the last half second to the file, to read it before the script ends.
        Collective.
        """
        if self._file is not None and not self._file.closed:
            self._file.flush()

    # what a script reads

    @property
    def table(self) -> dict[str, np.ndarray]:
        """Column -> (times,), or (times, shells), of this run so far; and the radius of the shells."""
        columns = {
            name: np.array([row[name] for row in self._rows]) for name in (self._rows or [{}])[0]
        }
        return columns | (self._measure.axes if self._measure is not None else {})

    def balance(self) -> dict[str, float]:
        """stored, came_in, reacted, through_walls and residual (amol) as of the last row;
        ValueError where none is kept.
        """
        if not self._watched.balance:
            raise ValueError(
                f"no account of {self.name} is kept: make its Diagnostics with balance=True"
            )
        return {name: self._rows[-1][name] for name in ("stored", *AMOUNTS)} if self._rows else {}

    def line(self) -> str:
        """The last row in short, for the line of progress."""
        if not self._rows:
            return ""
        last = self._rows[-1]
        said = f"{self.name} {last['min']:.4g} to {last['max']:.4g} mM"
        return said + (
            f", front at {last['front']:.4g} um"
            if math.isfinite(last.get("front", math.nan))
            else ""
        )

    def _found(self, simulation) -> tuple:
        named = by_name(simulation)
        if self._species not in named:
            raise ValueError(
                f"no species {self._species} to watch: the model has {', '.join(named) or 'none'}"
            )
        places = [
            (species, region) for species in named[self._species] for region in species.regions
        ]
        chosen = [place for place in places if self._region in (None, place[1])]
        if len(chosen) != 1:
            raise ValueError(
                f"{self._species} is in {len(places)} regions: give one of them as region=..."
            )
        return chosen[0]
