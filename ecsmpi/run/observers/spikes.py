"""Spikes that a run writes to a SONATA file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecsmpi import __version__
from ecsmpi.files.cadence import Cadence, checked_interval
from ecsmpi.files.file_layout import origin
from ecsmpi.files.spike_file import SpikeFile
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.run.observers.base import Observer, ObserverState
from ecsmpi.run.observers.segments import checked_population

STATE_FIELDS = ("file", "cadence")
ALL_GIDS = "the spikes of all gids"  # NEURON's own recording, of which there is one


class Spikes(Observer):
    """Writes the spikes of all cells with gids to a SONATA file, in the order of time.

    It begins with the next finitialize or step. ``flush``, called on every rank, brings all spikes
    until now to the file. ``close()``, or the end of ``with rxd.Spikes(...):``, ends it
    (collective); for when it leaves by itself see rxd.Output. A Spikes that records all gids
    replaces an earlier one that does.

    Parameters
    ----------
    path : path
        The file.
    recorded : (Vector, Vector), optional
        Times and gids: this rank's vectors that the script itself has ``pc.spike_record`` fill.
        NEURON records the spikes of a gid in one place only. None: this object records all gids of
        this rank.
    every : float
        Time between writes (ms).
    population : str
        Name of the population in the file.
    versions : dict, optional
        {program: version} to note in the file.

    Raises
    ------
    ValueError
        For wrong arguments.
    OSError
        Where the file cannot be written, on every rank.
    """

    goes_when_dropped = True

    def __init__(
        self,
        path,
        recorded=None,
        every: float = 100.0,
        population: str = "All",
        versions: dict | None = None,
    ):
        self.path = Path(path)
        self._cadence = Cadence(checked_interval(every))
        self._population = checked_population(population)
        self._records_all = recorded is None
        self._vectors = (n.Vector(), n.Vector()) if recorded is None else tuple(recorded)
        if len(self._vectors) != 2 or not all(hasattr(one, "as_numpy") for one in self._vectors):
            raise ValueError(
                f"recorded must be two n.Vector, of times and of gids, got {recorded!r}"
            )
        programs = {"ecsmpi": __version__, **(versions or {})}
        self._about = {f"{program}_version": version for program, version in programs.items()}
        self._file: SpikeFile | None = None
        self._written = 0  # spikes of the vectors that are in the file
        self._written_path = self.path.absolute()

    def __repr__(self):
        return f"Spikes({str(self.path)!r})"

    def paths_written(self) -> list:
        """The file, and NEURON's own recording if this object uses it."""
        return [self._written_path, ALL_GIDS] if self._records_all else [self._written_path]

    def started(self, simulation, t: float) -> None:
        """Begin the file. Collective."""
        self._open(simulation, None)
        self._cadence.begin(t)

    def joined(self, simulation, t: float) -> None:
        """Begin the file in mid-run. Collective."""
        self._open(simulation, None)
        self._cadence.join(simulation.supervisor.began, t)
        self._skip_recorded()

    def state(self) -> ObserverState:
        """Bring all spikes to the disk and return where the file stands. Collective."""
        self.flush()
        fields = {"file": self._file and self._file.sync(), "cadence": self._cadence.state()}
        return ObserverState("spikes", str(self.path), fields)

    def resumed(self, simulation, t: float, states: list) -> None:
        """Go on from a checkpoint, without the spikes that came after it. Collective."""
        found = ObserverState.find(states, "spikes", str(self.path), STATE_FIELDS)
        if found is None:
            return self.started(simulation, t)
        self._open(simulation, found.fields["file"])
        self._cadence.resume(found.fields["cadence"])
        self._skip_recorded()

    def _open(self, simulation, kept) -> None:
        self._close()
        comm = simulation.comm
        about = {**origin(comm), **self._about}
        self._file = SpikeFile(self.path, self._population, comm, about, kept)
        self._written = 0
        if self._records_all:
            n.ParallelContext().spike_record(-1, *self._vectors)

    def _skip_recorded(self) -> None:
        """Leave out what the script's vectors hold already."""
        self._written = 0 if self._records_all else self._vectors[0].size()

    def stepped(self, simulation, t: float) -> None:
        """Write the spikes when it is time to. Collective."""
        if self._cadence.due(t):
            self.flush()

    def flush(self) -> None:
        """Bring all spikes until now to the file. Collective."""
        if self._file is None:
            return
        times, gids = (np.array(one.as_numpy()[self._written :]) for one in self._vectors)
        self._written += times.size
        self._file.append(times, gids.astype(np.uint64))
        if self._records_all:
            self._written = 0
            for one in self._vectors:
                one.resize(0)

    def ended(self) -> None:
        """Close the file. Collective."""
        self.flush()
        self._close()

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = None
