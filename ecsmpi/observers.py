"""What watches a run: the frames that go to a file, and the line that says how far it is.

The simulation calls ``started(simulation, t)`` when NEURON has initialised, ``stepped(simulation, t)`` after every step of the grid and
``ended()`` at exit, on all ranks.
"""

from __future__ import annotations

import math
import sys
import time
from pathlib import Path

from ecsmpi import __version__
from ecsmpi.output import GridFile


class Output:
    """Writes the concentrations to an HDF5 file, from the next finitialize on, every so many milliseconds.

    path: one box goes to this file; further boxes to FILE.box1.h5, FILE.box2.h5 and so on. every: ms
    between frames, of which the first is at initialisation. species: their names, or None for all. A second
    finitialize begins the files again. Raises ValueError for wrong arguments and OSError where a file cannot be
    written, on every rank.
    """

    def __init__(self, path, every: float, species=None, versions: dict | None = None):
        if not (math.isfinite(every) and every > 0):
            raise ValueError(f"every must be > 0 ms, got {every}")
        self.path, self.every = Path(path), float(every)
        self._wanted = None if species is None else [str(name) for name in species]
        self._versions = {"ecsmpi": __version__, **(versions or {})}
        self._files = []

    @property
    def paths(self) -> list[Path]:
        """The files of this run so far."""
        return [file.path for _, _, file in self._files]

    def started(self, simulation, t: float) -> None:
        """Begin the files with a frame of the initial state. Collective."""
        self.ended()
        self._begin, self._last = t, 0
        self._files = [self._open(simulation, *one) for one in self._boxes(simulation)]
        self._append(simulation, t)

    def stepped(self, simulation, t: float) -> None:
        """Write a frame if one is due. Collective."""
        count = math.floor((t - self._begin) / self.every + 1e-6)
        if count > self._last:
            self._last = count
            self._append(simulation, t)

    def ended(self) -> None:
        """Close the files. Collective."""
        for _, _, file in self._files:
            file.close()

    def _boxes(self, simulation) -> list:
        """(file, region, {name: species}) for each region that has a wanted species."""
        names = {name: species for species in simulation.species for name in [label(simulation, species)]}
        unknown = [name for name in self._wanted or [] if name not in names]
        if unknown:
            raise ValueError(f"no species {', '.join(unknown)} to write: the model has {', '.join(names) or 'none'}")
        chosen = {name: names[name] for name in (self._wanted or names)}
        boxes = [
            (region, {name: one for name, one in chosen.items() if region in one.regions})
            for region in simulation.regions
        ]
        boxes = [(region, here) for region, here in boxes if here]
        suffix = self.path.suffix
        return [
            (self.path if i == 0 else self.path.with_suffix(f".box{i}{suffix}"), region, here)
            for i, (region, here) in enumerate(boxes)
        ]

    def _open(self, simulation, path, region, species):
        about = {f"{program}_version": version for program, version in self._versions.items()}
        about |= {"volume_fraction": region.tissue.volume_fraction, "tortuosity": region.tissue.tortuosity}
        planes = simulation.space(region).planes
        return region, species, GridFile(path, region.box, list(species), planes, simulation.comm, about)

    def _append(self, simulation, t: float) -> None:
        for region, species, file in self._files:
            file.append(t, {name: simulation.field(one, region).owned for name, one in species.items()})


def label(simulation, species) -> str:
    """A species' name in files and messages; unnamed ones are numbered."""
    return species.name or f"species{simulation.species.index(species)}"


class Progress:
    """Rank 0 says how far the run is: t, steps a second, time left."""

    def __init__(self, tstop: float | None = None, stream=None):
        """tstop: ms, or None for a run of unknown length. stream: a text stream, standard error by default.

        A terminal gets one line, renewed.
        """
        self._tstop, self._stream = tstop, stream or sys.stderr
        self._steps = 0
        self._interval = 0.5 if self._stream.isatty() else 10.0  # s

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
            self._say(self._line() + (f", {_clock(self._left())} left" if self._tstop else ""))

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
        return (time.monotonic() - self._begin) * max(self._tstop - self._now, 0) / done if done > 0 else math.inf

    def _say(self, text: str, last: bool = False) -> None:
        renews = self._stream.isatty()
        end = "\n" if last or not renews else ""
        print(f"{chr(13) if renews else ''}ecsmpi: {text}", end=end, file=self._stream, flush=True)


def _clock(seconds: float) -> str:
    if math.isinf(seconds):
        return "?"
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
