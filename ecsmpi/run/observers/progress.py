"""The line that says how far a run is."""

from __future__ import annotations

import math
import sys
import time
from typing import TextIO

from ecsmpi import notebook
from ecsmpi.description.grid import finite
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.run.observers.base import Observer

TERMINAL_INTERVAL = 0.5  # s between lines in a terminal or notebook, which renew each other
LOG_INTERVAL = 10.0  # s between lines anywhere else


class Progress(Observer):
    """Says on rank 0 how far the run is: t, steps a second, time left, and diagnostics' last rows.

    A terminal gets one line, renewed, and so does each cell of a notebook that runs; its last words
    are how long the run took. Anything else gets a line every 10 s. A Progress made later for the
    same stream replaces this one. ``close()`` ends it.

    Parameters
    ----------
    tstop : float, optional
        End of the run (ms); None where it is unknown.
    stream : text stream, optional
        By default the cell's output in a notebook, else standard error.

    Raises
    ------
    ValueError
        If ``tstop`` is not a finite number.
    """

    goes_when_dropped = True
    _begin: float  # s, as `time.monotonic` has it
    _shown: float  # s
    _from: float  # ms
    _now: float  # ms
    _steps: int

    def __init__(self, tstop: float | None = None, stream: TextIO | None = None):
        self._tstop = None if tstop is None else finite("tstop", tstop)
        self._stream = stream or sys.stderr
        self._begin_stretch(0.0)
        self._cell_line: notebook.DisplayLine | None = None
        if stream is None and notebook.shows_displays():
            self._cell_line = notebook.line
            notebook.cells.tell(self)
        renews = self._cell_line is not None or self._stream.isatty()
        self._interval = TERMINAL_INTERVAL if renews else LOG_INTERVAL

    def __repr__(self):
        return "Progress()" if self._tstop is None else f"Progress({self._tstop:g})"

    def paths_written(self) -> list:
        """The stream: one Progress for a stream is enough."""
        return [f"stream {id(self._stream)}"]

    def started(self, simulation, t: float) -> None:
        """Say what runs. Collective."""
        self._begin_stretch(t)
        self._speaks = simulation.comm.rank == 0
        summary = _summary(simulation)
        if self._speaks and self._cell_line is not None:
            self._cell_line.say("\n".join(summary))
        elif self._speaks:
            for line in summary:
                print(f"ecsmpi: {line}", file=self._stream, flush=True)

    def stepped(self, simulation, t: float) -> None:
        """Renew the line if it is time to. Local."""
        if self._cell_line is not None and not self._steps:
            self._begin_stretch(self._now)
        self._steps += 1
        self._now = t
        if self._speaks and time.monotonic() - self._shown > self._interval:
            self._shown = time.monotonic()
            words = [self._line()]
            if self._tstop:
                words.append(f", {_clock(self._seconds_left(self._tstop))} left")
            for observer in simulation.observers:
                line = observer.line()
                if line:
                    words.append(f"; {line}")
            self._say("".join(words))

    def ended(self) -> None:
        """Say how long the run took. Local."""
        if self._steps and self._speaks:
            self._say(
                f"{self._line()}, took {_duration(time.monotonic() - self._begin)}", last=True
            )
            self._steps = 0

    def cell_ended(self) -> None:
        """Say how long the run of a notebook's cell took; the next cell gets a line of its own."""
        if self.observers is not None:
            self.ended()

    def _begin_stretch(self, t: float) -> None:
        """Count time and steps from t (ms) on."""
        self._begin = self._shown = time.monotonic()
        self._from = t
        self._now = t
        self._steps = 0

    def _line(self) -> str:
        rate = self._steps / max(time.monotonic() - self._begin, 1e-9)
        end = f" of {self._tstop:g}" if self._tstop else ""
        return f"t = {self._now:g}{end} ms, {rate:.4g} steps/s"

    def _seconds_left(self, tstop: float) -> float:
        done = self._now - self._from
        if done <= 0:
            return math.inf
        return (time.monotonic() - self._begin) * max(tstop - self._now, 0) / done

    def _say(self, text: str, last: bool = False) -> None:
        if self._cell_line is not None:
            self._cell_line.say(text)
            return
        renews = self._stream.isatty()
        start = "\r" if renews else ""
        end = "\n" if last or not renews else ""
        print(f"{start}ecsmpi: {text}", end=end, file=self._stream, flush=True)


def _summary(simulation) -> list[str]:
    """A line for each region: its voxels, slabs, and how these are coupled. Collective."""
    lines = []
    for region in simulation.regions:
        nx, ny, nz = region.box.shape
        solver = simulation.space(region)
        words = [f"{nx} x {ny} x {nz} voxels in {solver.slabs}", *solver.report(n.dt)]
        lines.append("; ".join(words))
    return lines


def _duration(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else _clock(seconds)


def _clock(seconds: float) -> str:
    if math.isinf(seconds):
        return "?"
    minutes, seconds = divmod(int(seconds + 0.5), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
