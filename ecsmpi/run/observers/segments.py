"""Variables of segments that a run writes to SONATA reports.

NEURON calls the extracellular space within a step, when voltages are new and mechanisms' states are
old. A due frame is therefore sampled when the step is complete: at the start of the next step, at
flush, or at the end of the run.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ecsmpi import __version__
from ecsmpi.cells.report_segments import ReportSegments
from ecsmpi.files.cadence import ROUND_OFF, Cadence, checked_interval
from ecsmpi.files.file_layout import origin
from ecsmpi.files.report_file import ReportFile
from ecsmpi.files.track_selection import chosen_storage
from ecsmpi.neuron_api.sections import RECORDER
from ecsmpi.run.observers.base import Observer, ObserverState

STATE_FIELDS = ("files", "cadence", "first")


class ReportedVariable:
    """A variable of the segments, its file, and the sampled frames that are not written yet.

    Collective but for `sample`.
    """

    def __init__(self, comm, path, name, sections, population, interval, about, kept):
        self.reported = ReportSegments(comm, name, sections, RECORDER)
        self.reported.find()
        segments = self.reported
        is_shared = chosen_storage("auto", comm.size) == "single"
        self.file = ReportFile(
            path,
            population,
            segments.node,
            segments.element,
            segments.position,
            segments.units,
            interval,
            comm,
            is_shared,
            {**origin(comm), **about, "variable": name},
            kept,
        )
        self._rows = np.empty((self.file.rows, segments.node.size), dtype=np.float32)
        self._waiting = 0

    @property
    def is_full(self) -> bool:
        """Whether no further frame fits in memory, the same on all ranks."""
        return self._waiting == len(self._rows)

    def sample(self) -> None:
        """Sample a frame now. Local."""
        self.reported.read(self._rows[self._waiting])
        self._waiting += 1

    def write(self, first: float | None) -> None:
        """Write the sampled frames. first: time of the first frame of the file (ms)."""
        if self._waiting:
            self.file.append(first, self._rows[: self._waiting])
            self._waiting = 0


class SegmentReport(Observer):
    """Writes variables of segments to SONATA reports, from the next finitialize on.

    A report that is made in mid-run begins at its next due time. Cells are nodes with their gids,
    and their sections are elements; without any gids, cells are numbered from 0 on. Frames are
    buffered; ``flush``, called on every rank, brings them to the file. ``close()``, or the end of
    ``with rxd.SegmentReport(...):``, ends it (collective); for when it leaves by itself see
    rxd.Output.

    Parameters
    ----------
    path : path
        The file of one variable. Several variables go to FILE.v.h5, FILE.ki.h5 and so on.
    variables : str or list of str
        Such as "v", "ki", "ko", "m_hh".
    every : float
        Time between frames (ms), a whole number of the grid's steps.
    sections : list of Section, optional
        Sections of this rank; None for all that have the variable.
    population : str
        Name of the population in the files.
    versions : dict, optional
        {program: version} to note in the files.

    Raises
    ------
    ValueError
        For wrong arguments, on every rank.
    OSError
        Where a file cannot be written, on every rank.
    """

    goes_when_dropped = True

    def __init__(
        self,
        path,
        variables: str | Iterable[str] = ("v",),
        every: float = 1.0,
        sections=None,
        population: str = "All",
        versions: dict | None = None,
    ):
        self._names = [variables] if isinstance(variables, str) else list(variables)
        are_names = all(isinstance(one, str) for one in self._names)
        if not self._names or len(set(self._names)) < len(self._names) or not are_names:
            raise ValueError(
                f"variables must be different names such as 'v' or 'ki', got {variables!r}"
            )
        self.path = Path(path)
        self._cadence = Cadence(checked_interval(every))
        self._sections = None if sections is None else list(sections)
        self._population = checked_population(population)
        programs = {"ecsmpi": __version__, **(versions or {})}
        self._about = {f"{program}_version": version for program, version in programs.items()}
        self._variables: list[ReportedVariable] = []
        self._due: float | None = None  # ms, of the frame to sample when the step is complete
        self._first: float | None = None  # ms, of the first frame
        self._comm: Any = None  # of the run
        self._written_paths = [one.absolute() for one in self.paths]

    def __repr__(self):
        return f"SegmentReport({str(self.path)!r}, {self._names!r}, every={self._cadence.every:g})"

    def paths_written(self) -> list[Path]:
        """The file of each variable, as the script's folder was when the report was made."""
        return self._written_paths

    @property
    def paths(self) -> list[Path]:
        """The file of each variable."""
        if len(self._names) == 1:
            return [self.path]
        return [self.path.with_suffix(f".{name}{self.path.suffix}") for name in self._names]

    def started(self, simulation, t: float) -> None:
        """Begin the files with a frame of the initial state. Collective."""
        self._open(simulation, None)
        self._cadence.begin(t)
        self._first = t
        self._sample()
        self._write()  # the files take their names with their first frame

    def joined(self, simulation, t: float) -> None:
        """Begin the files in mid-run; the first frame comes when it is due. Collective."""
        self._open(simulation, None)
        self._cadence.join(simulation.supervisor.began, t)
        self._first = None
        for one in self._variables:
            one.file.appear()

    def state(self) -> ObserverState:
        """Bring all frames to the disk and return where the files stand. Collective."""
        self.flush()
        fields = {
            "files": [one.file.sync() for one in self._variables],
            "cadence": self._cadence.state(),
            "first": self._first,
        }
        return ObserverState("report", str(self.path), fields)

    def resumed(self, simulation, t: float, states: list) -> None:
        """Go on from a checkpoint, without the frames that came after it. Collective."""
        found = ObserverState.find(states, "report", str(self.path), STATE_FIELDS)
        if found is None:
            return self.started(simulation, t)
        self._open(simulation, found.fields["files"])
        self._cadence.resume(found.fields["cadence"])
        self._first = found.fields["first"]

    def _open(self, simulation, kept: list | None) -> None:
        """Open the files. kept: where each stood in a checkpoint, None for new files."""
        self._close()
        self._comm = simulation.comm
        self._due = None
        try:
            for number, (name, path) in enumerate(zip(self._names, self.paths)):
                variable = ReportedVariable(
                    self._comm,
                    path,
                    name,
                    self._sections,
                    self._population,
                    self._cadence.every,
                    self._about,
                    kept and kept[number],
                )
                self._variables.append(variable)
        except BaseException:
            for one in self._variables:
                one.file.discard()
            self._variables = []
            raise

    def stepped(self, simulation, t: float) -> None:
        """Plan to sample a frame if it is due; write the frames if memory is full. Collective."""
        if self._cadence.due(t):
            if self._first is None:
                self._first = t
            self._check_time(t, self._first)
            if any(one.is_full for one in self._variables):
                self._write()
            self._due = t

    def _check_time(self, t: float, first: float) -> None:
        intervals = (t - first) / self._cadence.every
        if abs(intervals - round(intervals)) > ROUND_OFF:
            raise ValueError(
                f"frames of {self.path} are evenly spaced, every = {self._cadence.every:g} ms "
                f"must be a whole number of steps: a step has come to t = {t:g} ms, "
                f"{t - first:g} ms after the first frame"
            )

    def completed(self) -> None:
        """Sample the frame that is due, as NEURON's step is complete. Local."""
        if self._due is not None:
            self._due = None
            self._sample()

    def _sample(self) -> None:
        for one in self._variables:
            one.sample()

    def flush(self) -> None:
        """Bring all frames until now to the files. Collective."""
        self.completed()
        self._write()

    def _write(self) -> None:
        for one in self._variables:
            one.write(self._first)

    def ended(self) -> None:
        """Close the files. Collective."""
        if self._due is not None and any(self._comm.allgather(self._cells_are_gone())):
            t = self._due
            self._due = None
            if self._comm.rank == 0:
                warnings.warn(
                    f"{self.path} lacks its last frame, of t = {t:g} ms: "
                    "its cells were gone before; call flush() when the run ends",
                    stacklevel=2,
                )
        self.flush()
        self._close()

    def _cells_are_gone(self) -> bool:
        try:
            for one in self._variables:
                one.reported.find()
        except RuntimeError:
            return True
        return False

    def _close(self) -> None:
        for one in self._variables:
            one.file.close()
        self._variables = []


def checked_population(name) -> str:
    """A population's name; ValueError where it cannot be one."""
    if not isinstance(name, str) or not name or "/" in name or name == ".":
        raise ValueError(f"population must be a name without '/', got {name!r}")
    return name
