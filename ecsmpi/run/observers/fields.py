"""What watches a run: the frames that go to a file, and the line that says how far it is. See
`observer`.
"""

from __future__ import annotations

import itertools
import math
import sys
import time
import weakref
from pathlib import Path

from ecsmpi import __version__
from ecsmpi.files.cadence import Cadence, checked_interval
from ecsmpi.files.items import Field
from ecsmpi.files.output import GridFile
from ecsmpi.run.observers.base import Observer

LAST_FRAME = "ecsmpi_last_frame.h5"  # of a run that went wrong


class Output(Observer):
    """Writes concentrations to an HDF5 file, from the next finitialize on; made in mid-run, from
    the next due time on.

    path: one box goes to this file; further boxes to FILE.box1.h5, FILE.box2.h5 and so on. every:
    ms between frames, of which the first is at initialisation. species: the names of those that are
    written in whole, or
    None for all. items: instead, what is written of which species: Field, Slice, Mean, Subvolume
    (see `items`). Raises ValueError for wrong arguments and OSError where a file cannot be written,
    on every rank.

    A file takes its name with its first frame, in place of an older one; where it cannot be begun,
    that one stays. ``close()``, or the end of ``with rxd.Output(...):``, ends it (collective). Each
    finitialize begins a new run, and the files again, unless the Output has been let go: one for
    the same path is made anew; or the script had a name for it and has dropped it (``output = ...``
    anew, the end of a function); or it never had a name, and another Output was made after its
    first run.
    """

    goes_when_dropped = True

    def __init__(self, path, every: float, species=None, items=None, versions: dict | None = None):
        if species is not None and items is not None:
            raise ValueError(
                f"give species or items, not both; got species={species!r} and items={items!r}"
            )
        self.path, self.every = Path(path), checked_interval(every)
        self._items = [Field(str(name)) for name in species] if species is not None else items
        self._groups = _groups(self._items or [])
        self._versions = {"ecsmpi": __version__, **(versions or {})}
        self._files, self._frames, self._tables, self._cadences = {}, {}, [], []
        self._place = self.path.absolute()  # where it is unless the script goes to another folder

    def __repr__(self):
        return f"Output({str(self.path)!r}, every={self.every:g})"

    @property
    def paths(self) -> list[Path]:
        """The files of this run so far."""
        return [file.path for file in self._files.values()]

    def paths_written(self) -> list[Path]:
        """The first file."""
        return [self._place]

    @property
    def tables(self) -> list:
        """The diagnostics whose rows go to the file."""
        return [one for reference in self._tables if (one := reference()) is not None]

    def add_table(self, diagnostics) -> None:
        """Write the rows of diagnostics too; they are not kept alive. Those of that name leave, if
        they have been in a run.
        """
        for other in self.tables:
            if other.name == diagnostics.name:
                if not other.has_run:
                    raise ValueError(
                        f"{self.path} has diagnostics {other.name} already: give these another name=..., or close() those"
                    )
                if other.observers is not None and other is not diagnostics:
                    other.observers.remove(other)
                self.remove_table(other)
        self._tables.append(weakref.ref(diagnostics))

    def remove_table(self, diagnostics) -> None:
        """Write no more of their rows."""
        self._tables = [one for one in self._tables if one() not in (diagnostics, None)]

    def replaced_by(self, other: Observer) -> None:
        """The diagnostics go to the new file."""
        for one in self.tables if isinstance(other, Output) else ():
            one.go_to(other)

    def file_of(self, region) -> GridFile:
        """The open file of a region."""
        file = self._files.get(weakref.ref(region))
        if file is None or file.closed:
            raise ValueError(
                f"{self.path} is not open, so diagnostics cannot go to it: make the Output before its diagnostics, close it after them"
            )
        return file

    def started(self, simulation, t: float) -> None:
        """Begin the files with a frame of the initial state. Collective."""
        try:
            self._open_all(simulation, None)
            for cadence in self._cadences:
                cadence.begin(t)
                self._append(cadence.every, t)
        except BaseException:
            self._give_up()
            raise

    def joined(self, simulation, t: float) -> None:
        """Begin the files in mid-run; the first frame comes when it is due. Collective."""
        try:
            self._open_all(simulation, None)
            for cadence in self._cadences:
                cadence.join(simulation.course.began, t)
            for file in self._files.values():
                file.appear()
        except BaseException:
            self._give_up()
            raise

    def state(self) -> list:
        """Where the files stand, for a checkpoint, with all of it on the disk. Collective."""
        return [
            "output",
            str(self.path),
            [file.sync() for file in self._files.values()],
            [one.state() for one in self._cadences],
        ]

    def resumed(self, simulation, t: float, places: list) -> None:
        """Go on from a checkpoint: frames after it are dropped; a file it does not know begins at t
        (ms). Collective.
        """
        place = next((one for one in places if one[:2] == ["output", str(self.path)]), None)
        if place is None:
            return self.started(simulation, t)
        _, _, frames, cadences = place
        self._open_all(simulation, [(kept, t) for kept in frames])
        for cadence, state in zip(self._cadences, cadences, strict=True):
            cadence.resume(state)

    def _open_all(self, simulation, kept: list | None) -> None:
        self.ended()
        self._files, self._frames = {}, {}
        for region, items, tables in self._boxes(simulation):
            self._open(simulation, region, items, tables, kept and kept[len(self._files)])
        self._cadences = [Cadence(every) for every in self._frames]

    def _give_up(self) -> None:
        for file in self._files.values():
            file.discard()
        self._files, self._frames, self._cadences = {}, {}, []

    def stepped(self, simulation, t: float) -> None:
        """Write the frames that are due. Collective."""
        for cadence in self._cadences:
            if cadence.due(t):
                self._append(cadence.every, t)

    def ended(self) -> None:
        """Close the files. Collective."""
        self._frames, self._cadences = {}, []
        for file in self._files.values():
            file.close()

    def _boxes(self, simulation) -> list:
        """(region, [(item, group, species)], {name: table}) for each region of which something is
        wanted.
        """
        names = by_name(simulation)
        wanted = [Field(name) for name in names] if self._items is None else self._items
        groups = self._groups or [""] * len(wanted)
        unknown = [item.species for item in wanted if item.species not in names]
        if unknown:
            raise ValueError(
                f"no species {', '.join(unknown)} to write: the model has {', '.join(names) or 'none'}"
            )
        for item in wanted:
            if item.region is not None and not any(
                item.region in one.regions for one in names[item.species]
            ):
                raise ValueError(
                    f"species {item.species} is not in {item.region!r}: there is nothing to write"
                )
        chosen = [
            (item, group, one) for item, group in zip(wanted, groups) for one in names[item.species]
        ]
        boxes = []
        for region in simulation.regions:
            here = [
                one
                for one in chosen
                if region in one[2].regions and one[0].region in (None, region)
            ]
            tables = {
                one.name: one.layout(region.box)
                for one in self.tables
                if one.region(simulation) is region
            }
            boxes += [(region, here, tables)] if here or tables else []
        return boxes

    def _open(self, simulation, region, items, tables, kept) -> None:
        """The file of a box, and what goes to it how often."""
        space = simulation.space(region)
        whole = {item.species: item.encoding for item, group, _ in items if not group}
        selections = {
            group: (item.selection(region.box), {item.species: item.encoding})
            for item, group, _ in items
            if group
        }
        about = {f"{program}_version": version for program, version in self._versions.items()}
        about |= {
            "volume_fraction": _noted(region.tissue.volume_fraction),
            "tortuosity": _noted(region.tissue.tortuosity),
        }
        count, suffix = len(self._files), self.path.suffix
        path = self.path.with_suffix(f".box{count}{suffix}") if count else self.path
        file = GridFile(
            path,
            region.box,
            whole,
            space.planes,
            simulation.comm,
            about,
            selections=selections,
            tables=tables,
            kept=kept,
        )
        self._files[weakref.ref(region)] = file
        for item, group, species in items:
            simulation.field(species, region)
            frames = self._frames.setdefault(item.every or self.every, {})
            frames.setdefault((file, group), {})[item.species] = (space, species.key)

    def _append(self, every: float, t: float) -> None:
        for (file, group), written in self._frames[every].items():
            file.append(
                t, {name: space.fields[key].owned for name, (space, key) in written.items()}, group
            )


def _groups(items) -> list[str]:
    """Names of the items' groups in the file, "" for whole boxes: as wished, or such as k_slice_z,
    k_slice_z_2.
    """
    whole = [item for item in items if isinstance(item, Field)]
    if len({item.every for item in whole}) > 1:
        raise ValueError(
            "whole boxes of one file are written at the same times, got every = "
            f"{', '.join(f'{item.every} for {item.species}' for item in whole)}: use an Output for each"
        )
    given = [item.name if hasattr(item, "name") else "" for item in items]
    groups = []
    for item, name in zip(items, given):
        taken = {*groups, *filter(None, given)}
        groups.append(_free(f"{item.species}_{item.kind}", taken) if name is None else name)
    return groups


def _free(name: str, taken: set) -> str:
    numbered = (f"{name}_{number}" for number in itertools.count(2))
    return name if name not in taken else next(one for one in numbered if one not in taken)


def begin(observer, simulation, t: float, places: list | None) -> None:
    """Let an observer begin at t (ms), or go on; places: what the observers' ``state`` said, of a
    restart. Collective.
    """
    if places is not None:
        observer.resumed(simulation, t, places)
    else:
        observer.started(simulation, t)


def keep_frame(simulation, t: float) -> str:
    """Write one frame of the concentrations now, for looking at; returns where. Collective."""
    output = Output(LAST_FRAME, 1.0)
    try:
        output.started(simulation, t)
        output.ended()
    except OSError as error:
        return f"no file ({error})"
    return ", ".join(map(str, output.paths))


def by_name(simulation) -> dict[str, list]:
    """Species by their labels; one name may be that of several, each in other regions."""
    names = {}
    species = simulation.species
    for name, one in zip(labels(species), species):
        names.setdefault(name, []).append(one)
    return names


def label(simulation, species) -> str:
    """A species' name in files and messages; unnamed ones are numbered."""
    return species.name or f"species{simulation.species.index(species)}"


def labels(species: list) -> list[str]:
    """The `label` of each of a simulation's species."""
    return [one.name or f"species{number}" for number, one in enumerate(species)]


class Progress(Observer):
    """Rank 0 says how far the run is: t, steps a second, time left, and what diagnostics have to
    say.

    tstop: ms, or None for a run of unknown length. stream: a text stream, standard error by
    default. A terminal gets one line, renewed; anything else a line every 10 s. One made anew for
    the same stream takes the place of the one before; ``close()`` ends it.
    """

    goes_when_dropped = True

    def __init__(self, tstop: float | None = None, stream=None):
        self._tstop, self._stream = tstop, stream or sys.stderr
        self._steps = 0
        self._interval = 0.5 if self._stream.isatty() else 10.0  # s

    def __repr__(self):
        return "Progress()" if self._tstop is None else f"Progress({self._tstop:g})"

    def paths_written(self) -> list:
        """None; but one for the same stream is enough."""
        return [f"stream {id(self._stream)}"]

    def started(self, simulation, t: float) -> None:
        """Say what runs."""
        self._begin = self._shown = time.monotonic()
        self._from, self._now, self._steps = t, t, 0
        self._speaks = simulation.comm.rank == 0
        summary = simulation.summary()
        for line in summary if self._speaks else []:
            print(f"ecsmpi: {line}", file=self._stream, flush=True)

    def stepped(self, simulation, t: float) -> None:
        """Renew the line if it is time to."""
        self._steps += 1
        self._now = t
        if self._speaks and time.monotonic() - self._shown > self._interval:
            self._shown = time.monotonic()
            self._say(
                self._line()
                + (f", {_clock(self._left())} left" if self._tstop else "")
                + _told(simulation.observers)
            )

    def ended(self) -> None:
        """Say what the run took."""
        if self._steps and self._speaks:
            self._say(f"{self._line()}, took {_clock(time.monotonic() - self._begin)}", last=True)
            self._steps = 0

    def _line(self) -> str:
        rate = self._steps / max(time.monotonic() - self._begin, 1e-9)
        end = f" of {self._tstop:g}" if self._tstop else ""
        return f"t = {self._now:g}{end} ms, {rate:.4g} steps/s"

    def _left(self) -> float:
        done = self._now - self._from
        return (
            (time.monotonic() - self._begin) * max(self._tstop - self._now, 0) / done
            if done > 0
            else math.inf
        )

    def _say(self, text: str, last: bool = False) -> None:
        renews = self._stream.isatty()
        end = "\n" if last or not renews else ""
        print(f"{chr(13) if renews else ''}ecsmpi: {text}", end=end, file=self._stream, flush=True)


def _told(observers) -> str:
    """What diagnostics have to say."""
    lines = [observer.line() for observer in observers]
    return "".join(f"; {line}" for line in lines if line)


def _clock(seconds: float) -> str:
    if math.isinf(seconds):
        return "?"
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _noted(value) -> float | str:
    """What a file can say of a number, or of what varies."""
    return value if isinstance(value, float) else f"varies: {value!r}"
