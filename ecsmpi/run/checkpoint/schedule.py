"""When checkpoints of a run are due and where they go, and which checkpoint a run goes on from."""

from __future__ import annotations

import re
import sys
import time
from pathlib import Path
from typing import Any

from ecsmpi.files.checkpoint_folder import CheckpointFolder
from ecsmpi.files.saved_checkpoint import SavedCheckpoint, is_checkpoint, open_verified
from ecsmpi.ranks.meeting import everywhere
from ecsmpi.run.checkpoint.walltime import Limits, seconds


class CheckpointSchedule:
    """Says when checkpoints are due and when the run must end early.

    Parameters
    ----------
    comm
        Communicator of all ranks.
    path : path
        The folder of the checkpoints.
    every : float or str
        Seconds, "15min", or steps as in "1000 steps".
    keep : int
        How many checkpoints stay.
    max_time : float or str, optional
        Of the process, as in "23:50:00".
    vectors : dict, optional
        {name: n.Vector} that are kept along, such as those that record.

    Raises
    ------
    ValueError
        For a wrong argument, which it names.

    Attributes
    ----------
    folder : CheckpointFolder
        Where the checkpoints are.
    """

    def __init__(
        self, comm, path, every="15min", keep: int = 2, max_time=None, vectors: dict | None = None
    ):
        steps = re.fullmatch(r"\s*(\d+)\s*steps?\s*", str(every))
        self._steps = int(steps[1]) if steps else None
        self._seconds = seconds(every) if not steps else None
        if self._steps == 0:
            raise ValueError("every must be at least 1 step, got 0 steps")
        self.vectors: dict[str, Any] = dict(vectors or {})
        self._limits = Limits(comm, seconds(max_time) if max_time is not None else None)
        self.folder = CheckpointFolder(comm, path, keep)
        self.path = self.folder.path
        self._last = time.monotonic()
        self._why: str | None = None  # the run must end

    def try_out(self) -> None:
        """Try whether the folder takes files, as the run is about to begin. Collective.

        Raises OSError on every rank where it does not. Otherwise the run would find that out when
        the first checkpoint is due.
        """
        self._limits.has_begun = True
        self.folder.try_out()

    def follow(self, comm) -> None:
        """Write checkpoints of the ranks of ``comm``. Local."""
        self.folder.follow(comm)

    def restart_clock(self) -> None:
        """Count the time to the next checkpoint from now on. Local."""
        self._last = time.monotonic()

    def started(self) -> None:
        """Begin a run. Local."""
        self.restart_clock()
        self._why = None

    def poll(self) -> tuple[bool, bool]:
        """Whether this rank sees (a checkpoint due by the clock, that the run must end). Local."""
        self._why = self._limits.reached(2 * self.folder.seconds)
        is_due = self._seconds is not None and time.monotonic() - self._last > self._seconds
        return is_due, self._why is not None

    def is_due_at(self, step: int) -> bool:
        """Whether a checkpoint is due at this step by the number of steps. Local."""
        return self._steps is not None and step % self._steps == 0

    def why_it_ends(self, comm) -> str:
        """Why some rank must end, "" where none must. Collective."""
        return next((why for why in comm.allgather(self._why) if why), "")

    def release_signals(self) -> None:
        """Leave signals to the system again. Local."""
        self._limits.release_signals()


class Restart:
    """Finds the checkpoint that a run goes on from.

    Parameters
    ----------
    path : path
        A checkpoint, or a folder of checkpoints.
    must : bool
        Whether there has to be one.
    """

    def __init__(self, path, must: bool = True):
        self.path = Path(path)
        self._must = must

    def find(self, comm) -> SavedCheckpoint | None:
        """The checkpoint, each byte of it read; None where the run begins anew. Collective.

        Raises ValueError on every rank where there has to be one and there is none.
        """
        if any(comm.allgather(everywhere(comm, is_checkpoint, self.path))):
            return open_verified(comm, self.path)
        found = CheckpointFolder(comm, self.path).newest(_warn)
        if found is None and self._must:
            raise ValueError(
                f"there is no checkpoint in {self.path} to restart from: "
                "give its folder, or run from the start"
            )
        return found


def _warn(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
