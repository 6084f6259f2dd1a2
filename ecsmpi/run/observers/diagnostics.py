"""Numbers about a species that a run prints and writes while it goes on."""

from __future__ import annotations

import math

import numpy as np

from ecsmpi.files.cadence import Cadence
from ecsmpi.files.output import GridFile
from ecsmpi.files.table import Table
from ecsmpi.run.observers.base import Observer, ObserverState
from ecsmpi.run.observers.fields import Output
from ecsmpi.run.observers.measure import AMOUNTS, Measure, Quantities

STATE_FIELDS = ("cadence", "measure")


class Diagnostics(Observer):
    """Measures a species at intervals: for a table, for a file and for the line of progress.

    All ranks have the same numbers. A second finitialize begins anew; after a restart the sums go
    on, and so do the rows in the file.

    Parameters
    ----------
    species : str
        Label of the species.
    every : float
        Time between samplings (ms). The first is of the initial state.
    quantities : Quantities
        What is measured.
    region : optional
        For a species that has several regions.
    output : Output, optional
        The Output whose file the rows go to, as /diagnostics/NAME.
    name : str, optional
        NAME in that file, by default that of the species.
    owned : bool
        Whether the output serves these diagnostics alone, and leaves with them.

    Raises
    ------
    ValueError
        For wrong arguments.
    """

    goes_when_dropped = True

    def __init__(
        self,
        species: str,
        every: float,
        quantities: Quantities,
        region=None,
        output: Output | None = None,
        name: str | None = None,
        owned: bool = False,
    ):
        self.name = name or species
        self._species = species
        self._region = region
        self._quantities = quantities
        self._cadence = Cadence(every)
        self._output = output
        self._owned = owned
        self._rows: list[dict] = []
        self._measure: Measure | None = None
        self._file: GridFile | None = None
        if output is not None:
            output.add_table(self)

    def __repr__(self):
        file = "" if self._output is None else f", in {str(self._output.path)!r}"
        return f"Diagnostics({self.name!r}, every={self._cadence.every:g}{file})"

    def parts(self) -> list[Observer]:
        """The output, if it serves these diagnostics alone."""
        return [self._output] if self._owned and self._output is not None else []

    @property
    def has_run(self) -> bool:
        """Whether the diagnostics have been in a run."""
        return self._measure is not None

    def go_to(self, output: Output) -> None:
        """Write the rows to another Output, from the next run on. Local."""
        self._output = output
        self._owned = False
        output.add_table(self)

    # what the output asks for

    def region(self, simulation):
        """The region that is measured."""
        _, region = self._found(simulation)
        return region

    def layout(self, box) -> Table:
        """The layout of the table in a file."""
        return self._quantities.table(box)

    # the run

    def started(self, simulation, t: float) -> None:
        """Begin with the initial state. Collective."""
        self._plan(simulation)
        self._cadence.begin(t)
        self._sample(t)

    def state(self) -> ObserverState:
        """The sums over the run, for a checkpoint. Collective."""
        measure = self._measure.state() if self._measure is not None else None
        fields = {"cadence": self._cadence.state(), "measure": measure}
        return ObserverState("diagnostics", self.name, fields)

    def resumed(self, simulation, t: float, states: list) -> None:
        """Go on from a checkpoint that has these diagnostics, else begin. Collective.

        Several diagnostics of one name go on in the order they were made.
        """
        alike = self._with_its_name()
        found = ObserverState.find(
            states, "diagnostics", self.name, STATE_FIELDS, alike.index(self), len(alike)
        )
        if found is None:
            return self.started(simulation, t)
        measure = self._plan(simulation)
        self._cadence.resume(found.fields["cadence"])
        measure.resume(found.fields["measure"])

    def _with_its_name(self) -> list[Observer]:
        """All diagnostics of this name that take part, in the order they were made."""
        found: list[Observer] = []
        for one in self.observers or (self,):
            if isinstance(one, Diagnostics) and one.name == self.name:
                found.append(one)
        return found

    def joined(self, simulation, t: float) -> None:
        """Begin in mid-run. Collective.

        The first row comes when it is due; the balance is that from now on.
        """
        _, region = self._found(simulation)
        if self._output is not None:
            file = self._output.file_of(region)
            if not file.has_table(self.name):
                file.add_table(self.name, self.layout(region.box))
        measure = self._plan(simulation)
        self._cadence.join(simulation.supervisor.began, t)
        measure.sample(t)  # the amounts now, from which the balance begins

    def _plan(self, simulation) -> Measure:
        species, region = self._found(simulation)
        simulation.field(species, region)
        self._measure = Measure(simulation.space(region), species.key, self._quantities)
        self._file = None if self._output is None else self._output.file_of(region)
        self._rows = []
        return self._measure

    def stepped(self, simulation, t: float) -> None:
        """Sample if it is due. Collective."""
        if self._cadence.due(t):
            self._sample(t)

    def ended(self) -> None:
        """Leave the file, which its Output closes. Collective."""
        file = self._file
        self._file = None
        if file is not None and not file.closed:
            file.flush()

    def _sample(self, t: float) -> None:
        if self._measure is None:
            return
        self._rows.append({"time": t, **self._measure.sample(t)})
        if self._file is not None:
            self._file.append_row(self.name, self._rows[-1])

    def flush(self) -> None:
        """Bring the rows of the last half second to the file. Collective.

        Call it to read the file before the script ends.
        """
        if self._file is not None and not self._file.closed:
            self._file.flush()

    # what a script reads

    @property
    def table(self) -> dict[str, np.ndarray]:
        """{column: (times,) or (times, shells)} of this run, and the radius (um) of the shells.

        The columns, with their units, are those that the class names: time (ms), stored (amol),
        mean, min and max (mM), and further ones as asked for. Local.
        """
        columns = {}
        for name in self._rows[0] if self._rows else ():
            columns[name] = np.array([row[name] for row in self._rows])
        return columns | (self._measure.axes if self._measure is not None else {})

    def balance(self) -> dict[str, float]:
        """The account of the last row. Local.

        Returns
        -------
        dict
            stored, came_in, reacted, through_walls and residual (amol); empty before the first row.

        Raises
        ------
        ValueError
            If no account is kept: the Diagnostics were made without ``balance=True``.
        """
        if not self._quantities.balance:
            raise ValueError(
                f"no account of {self.name} is kept: make its Diagnostics with balance=True"
            )
        if not self._rows:
            return {}
        return {name: self._rows[-1][name] for name in ("stored", *AMOUNTS)}

    def line(self) -> str:
        """The last row in short, for the line of progress."""
        if not self._rows:
            return ""
        last = self._rows[-1]
        words = f"{self.name} {last['min']:.4g} to {last['max']:.4g} mM"
        front = last.get("front", math.nan)
        if math.isfinite(front):
            words += f", front at {front:.4g} um"
        return words

    def _found(self, simulation) -> tuple:
        """(species, region) that is measured."""
        by_label = simulation.registry.by_label()
        if self._species not in by_label:
            raise ValueError(
                f"no species {self._species} to watch: "
                f"the model has {', '.join(by_label) or 'none'}"
            )
        everywhere = []
        for species in by_label[self._species]:
            everywhere += [(species, region) for region in species.regions]
        chosen = [place for place in everywhere if self._region in (None, place[1])]
        if len(chosen) != 1:
            raise ValueError(
                f"{self._species} is in {len(everywhere)} regions: give one of them as region=..."
            )
        return chosen[0]
