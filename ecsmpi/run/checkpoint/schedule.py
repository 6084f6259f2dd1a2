"""A run that goes on: when checkpoints are due and how they are taken, the restart from one, and
the early end.
"""

from __future__ import annotations

import re
import sys
import time
from dataclasses import replace
from pathlib import Path

from ecsmpi.files.checkpoint import Checkpoints
from ecsmpi.files.checkpoint_set import CheckpointSet, is_set, open_verified
from ecsmpi.neuron_api.interpreter import n
from ecsmpi.neuron_api.state import rank_state
from ecsmpi.ranks import launch
from ecsmpi.ranks.meeting import everywhere
from ecsmpi.run.checkpoint import restore
from ecsmpi.run.checkpoint.walltime import TO_BE_CONTINUED, Limits, seconds


class Checkpointing:
    """Takes checkpoints of a simulation. Raises ValueError naming the argument."""

    def __init__(
        self, comm, path, every="15min", keep: int = 2, max_time=None, vectors: dict | None = None
    ):
        """every: seconds, "15min", or steps as in "1000 steps"; keep: how many stay.

        max_time: of the process, as in "23:50:00"; vectors: {name: n.Vector} that go along, such as
        those that record.
        """
        steps = re.fullmatch(r"\s*(\d+)\s*steps?\s*", str(every))
        self._steps = int(steps[1]) if steps else None
        self._every = seconds(every) if not steps else None
        if self._steps == 0:
            raise ValueError("every must be at least 1 step, got 0 steps")
        self.vectors = dict(vectors or {})
        self._limits = Limits(seconds(max_time) if max_time is not None else None)
        self._sets = Checkpoints(comm, path, keep)
        self.path = self._sets.path

    def try_out(self) -> None:
        """The run is about to begin. Raises OSError on every rank where the folder takes no files,
        which it would else find out when the first checkpoint is due. Collective.
        """
        self._limits.begun = True
        self._sets.try_out()

    def follow(self, comm) -> None:
        """Checkpoints are of the ranks of `comm`."""
        self._sets.follow(comm)

    def started(self) -> None:
        """A run begins."""
        self._last = time.monotonic()
        self._why = None

    def asks(self) -> tuple[bool, bool]:
        """This rank's (a checkpoint is due, the run must end). Local."""
        self._why = self._limits.reached(2 * self._sets.seconds)
        due = self._every is not None and time.monotonic() - self._last > self._every
        return due, self._why is not None

    def counted(self, step: int) -> bool:
        """Whether one is due at this step, by the number of steps."""
        return self._steps is not None and step % self._steps == 0

    def take(self, simulation, stop: bool) -> Path:
        """Write a checkpoint, between two steps; stop: and end the run. Collective."""
        simulation.course.lookout.check(simulation, n.t)
        rank_state.exchange_spikes()
        facts = restore.facts_of(simulation, self.vectors)
        with simulation.course.saved_fields.left_out():
            saved = restore.cells(facts, self.vectors)
        facts = replace(facts, statements=restore.holding(simulation.comm, saved))
        path = self._sets.write(facts, lambda part: restore.fill(simulation, saved, part))
        self._last = time.monotonic()
        if stop:
            why = next((text for text in simulation.comm.allgather(self._why) if text), "")
            if simulation.comm.rank == 0:
                print(
                    f"ecsmpi: {why}: stopped at t = {n.t:g} ms, to be continued from {path}",
                    file=sys.stderr,
                    flush=True,
                )
            simulation.end()
            launch.leave(simulation.comm, TO_BE_CONTINUED)
        return path


class Restart:
    """A checkpoint to go on from. path: a set, or a folder of them; must: whether there has to be
    one.
    """

    def __init__(self, path, must: bool = True):
        self.path, self._must = Path(path), must

    def find(self, comm) -> CheckpointSet | None:
        """The set, each byte of it read. Collective; ValueError on every rank where there is none."""
        if any(comm.allgather(everywhere(comm, is_set, self.path))):
            return open_verified(comm, self.path)
        found = Checkpoints(comm, self.path).newest(
            lambda text: print(text, file=sys.stderr, flush=True)
        )
        if found is None and self._must:
            raise ValueError(
                f"there is no checkpoint in {self.path} to restart from: give its folder, or run from the start"
            )
        return found

    def begin(self, simulation, vectors: dict) -> CheckpointSet | None:
        """Restore, at the end of finitialize; returns what from, None where the run begins anew.
        Collective.
        """
        found = self.find(simulation.comm)
        if found is None:
            return None
        restore.restore(simulation, found, vectors)
        if simulation.comm.rank == 0:
            print(
                f"ecsmpi: restarted at t = {n.t:g} ms from {found.path}",
                file=sys.stderr,
                flush=True,
            )
        return found
