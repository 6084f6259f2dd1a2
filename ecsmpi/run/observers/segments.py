"""What a run writes of the cells: variables of segments, and spikes, in SONATA's files.

NEURON calls the extracellular space inside of a step, when voltages are new and mechanisms' states
are old. So a frame that is due waits for the end of the step, which the beginning of the next one
is, or whatever else comes first.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from ecsmpi import __version__
from ecsmpi.cells.report_segments import ReportSegments
from ecsmpi.files.cadence import ROUND_OFF, Cadence, checked_interval
from ecsmpi.files.file_layout import origin
from ecsmpi.files.report_file import ReportFile
from ecsmpi.files.spike_file import SpikeFile
from ecsmpi.files.track_selection import chosen_storage
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.sections import RECORDER
from ecsmpi.run.observers.base import Observer


class Variable:
    """A variable of the segments, its file, and the frames that wait for it. Collective but for
    `take`.
    """

    def __init__(self, comm, path, name, sections, population, interval, about, kept):
        self.reported = ReportSegments(comm, name, sections, RECORDER)
        self.reported.find()
        columns = (self.reported.node, self.reported.element, self.reported.position)
        shared = chosen_storage("auto", comm.size) == "single"
        about = {**origin(comm), **about, "variable": name}
        self.file = ReportFile(
            path, population, *columns, self.reported.units, interval, comm, shared, about, kept
        )
        self._rows, self.waiting = (
            np.empty((self.file.rows, self.reported.node.size), dtype=np.float32),
            0,
        )

    @property
    def full(self) -> bool:
        """Whether no further frame can wait, the same on all ranks."""
        return self.waiting == len(self._rows)

    def take(self) -> None:
        """A frame of now. Local."""
        self.reported.read(self._rows[self.waiting])
        self.waiting += 1

    def write(self, first: float) -> None:
        """Write what waits. first: ms, of the first frame of all."""
        if self.waiting:
            self.file.append(first, self._rows[: self.waiting])
            self.waiting = 0


class SegmentReport(Observer):
    """Writes variables of segments to SONATA reports, from the next finitialize on; made in
    mid-run, from the next due time on.

    path: the file of one variable; several go to FILE.v.h5, FILE.ki.h5 and so on. variables: such
    as "v", "ki", "ko", "m_hh".
    every: ms between frames, a whole number of the grid's steps. sections: of this rank; None for
    all that have the variable.
    population: its name in the files. Cells are nodes with their gids, their sections are elements;
    without any gids, cells are numbered from 0 on. Frames are buffered; ``flush``, called on every
    rank, brings them to the file. ``close()``, or the end of ``with rxd.SegmentReport(...):``, ends
    it (collective); when it is let go, see rxd.Output. Raises ValueError for wrong arguments, and
    OSError where a file cannot be written, on every rank.
    """

    goes_when_dropped = True

    def __init__(
        self,
        path,
        variables=("v",),
        every: float = 1.0,
        sections=None,
        population: str = "All",
        versions=None,
    ):
        self._names = [variables] if isinstance(variables, str) else list(variables)
        if (
            not self._names
            or len(set(self._names)) < len(self._names)
            or not all(isinstance(one, str) for one in self._names)
        ):
            raise ValueError(
                f"variables must be different names such as 'v' or 'ki', got {variables!r}"
            )
        self.path, self._cadence = Path(path), Cadence(checked_interval(every))
        self._sections, self._population = (
            None if sections is None else list(sections),
            _checked_population(population),
        )
        self._about = {
            f"{program}_version": version
            for program, version in {"ecsmpi": __version__, **(versions or {})}.items()
        }
        self._variables, self._due, self._comm, self._first = [], None, None, None
        self._places = [one.absolute() for one in self.paths]

    def __repr__(self):
        return f"SegmentReport({str(self.path)!r}, {self._names!r}, every={self._cadence.every:g})"

    def paths_written(self) -> list[Path]:
        """The file of each variable, unless the script has gone to another folder."""
        return self._places

    @property
    def paths(self) -> list[Path]:
        """The file of each variable."""
        several = len(self._names) > 1
        return [
            self.path.with_suffix(f".{name}{self.path.suffix}") if several else self.path
            for name in self._names
        ]

    def started(self, simulation, t: float) -> None:
        """Begin the files with a frame of the initial state. Collective."""
        self._open(simulation, None)
        self._cadence.begin(t)
        self._first = t
        self._take()
        self._write()  # so that the files take their names

    def joined(self, simulation, t: float) -> None:
        """Begin the files in mid-run; the first frame comes when it is due. Collective."""
        self._open(simulation, None)
        self._cadence.join(simulation.course.began, t)
        self._first = None
        for one in self._variables:
            one.file.appear()

    def state(self) -> list:
        """Where the files stand, for a checkpoint, with all of it on the disk. Collective."""
        self.flush()
        return [
            "report",
            str(self.path),
            [one.file.sync() for one in self._variables],
            self._cadence.state(),
            self._first,
        ]

    def resumed(self, simulation, t: float, places: list) -> None:
        """Go on from a checkpoint: frames after it are dropped. Collective."""
        place = next((one for one in places if one[:2] == ["report", str(self.path)]), None)
        if place is None:
            return self.started(simulation, t)
        self._open(simulation, place[2])
        self._cadence.resume(place[3])
        self._first = place[4]

    def _open(self, simulation, kept) -> None:
        self._close()
        self._comm, self._due = simulation.comm, None
        self._variables = []
        try:
            for number, (name, path) in enumerate(zip(self._names, self.paths)):
                frames = kept and kept[number]
                self._variables.append(
                    Variable(
                        self._comm,
                        path,
                        name,
                        self._sections,
                        self._population,
                        self._cadence.every,
                        self._about,
                        frames,
                    )
                )
        except BaseException:
            for one in self._variables:
                one.file.discard()
            self._variables = []
            raise

    def stepped(self, simulation, t: float) -> None:
        """Have a frame taken if it is due; write those that wait if there are many. Collective."""
        if self._cadence.due(t):
            self._first = t if self._first is None else self._first
            self._check_time(t)
            if any(one.full for one in self._variables):
                self._write()
            self._due = t

    def _check_time(self, t: float) -> None:
        passed = (t - self._first) / self._cadence.every
        if abs(passed - round(passed)) > ROUND_OFF:
            raise ValueError(
                f"frames of {self.path} are evenly spaced, every = {self._cadence.every:g} ms must be a whole number of steps: "
                f"a step has come to t = {t:g} ms, {t - self._first:g} ms after the first frame"
            )

    def completed(self) -> None:
        """A step of NEURON's is complete, or there was none: take the frame that is due. Local."""
        if self._due is not None:
            self._due = None
            self._take()

    def _take(self) -> None:
        for one in self._variables:
            one.take()

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
            t, self._due = self._due, None
            if self._comm.rank == 0:
                warnings.warn(
                    f"{self.path} lacks its last frame, of t = {t:g} ms: its cells were gone before; call flush() when the run ends",
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


class Spikes(Observer):
    """Writes the spikes of all cells with gids to a SONATA file, in the order of time, from the
    next finitialize or step on.

    path: the file. recorded: (times, gids), this rank's vectors that the script itself has
    ``pc.spike_record`` fill: NEURON records the spikes of a gid in one place only; None to record
    all gids of this rank here. every: ms between writes.
    population: its name in the file. ``flush``, called on every rank, brings all spikes until now
    to the file. ``close()``, or the end of ``with rxd.Spikes(...):``, ends it (collective); when it
    is let go, see rxd.Output. One that records all gids takes the place of one that does. Raises
    ValueError for wrong arguments, and OSError where the file cannot be written, on every rank.
    """

    goes_when_dropped = True

    def __init__(
        self, path, recorded=None, every: float = 100.0, population: str = "All", versions=None
    ):
        self.path, self._cadence, self._population = (
            Path(path),
            Cadence(checked_interval(every)),
            _checked_population(population),
        )
        self._ours = recorded is None
        self._vectors = (n.Vector(), n.Vector()) if recorded is None else tuple(recorded)
        if len(self._vectors) != 2 or not all(hasattr(one, "as_numpy") for one in self._vectors):
            raise ValueError(
                f"recorded must be two n.Vector, of times and of gids, got {recorded!r}"
            )
        self._about = {
            f"{program}_version": version
            for program, version in {"ecsmpi": __version__, **(versions or {})}.items()
        }
        self._file, self._place = None, self.path.absolute()

    def __repr__(self):
        return f"Spikes({str(self.path)!r})"

    def paths_written(self) -> list:
        """The file; and NEURON's own recording, of which there is one."""
        return [self._place, *(["the spikes of all gids"] if self._ours else [])]

    def started(self, simulation, t: float) -> None:
        """Begin the file. Collective."""
        self._open(simulation, None)
        self._cadence.begin(t)

    def joined(self, simulation, t: float) -> None:
        """Begin the file in mid-run. Collective."""
        self._open(simulation, None)
        self._cadence.join(simulation.course.began, t)
        self._written = 0 if self._ours else self._vectors[0].size()

    def state(self) -> list:
        """Where the file stands, for a checkpoint, with all of it on the disk. Collective."""
        self.flush()
        return ["spikes", str(self.path), self._file.sync(), self._cadence.state()]

    def resumed(self, simulation, t: float, places: list) -> None:
        """Go on from a checkpoint: spikes after it are dropped. Collective."""
        place = next((one for one in places if one[:2] == ["spikes", str(self.path)]), None)
        if place is None:
            return self.started(simulation, t)
        self._open(simulation, place[2])
        self._cadence.resume(place[3])
        self._written = 0 if self._ours else self._vectors[0].size()

    def _open(self, simulation, kept) -> None:
        self._close()
        self._file = SpikeFile(
            self.path,
            self._population,
            simulation.comm,
            {**origin(simulation.comm), **self._about},
            kept,
        )
        self._written = 0
        if self._ours:
            n.ParallelContext().spike_record(-1, *self._vectors)

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
        if self._ours:
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


def _checked_population(name) -> str:
    if not isinstance(name, str) or not name or "/" in name or name == ".":
        raise ValueError(f"population must be a name without '/', got {name!r}")
    return name
