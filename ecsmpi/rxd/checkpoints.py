"""Checkpoints of a script's run, and the restart from one."""

from __future__ import annotations

import os
from typing import Any

from ecsmpi.run.checkpoint import schedule
from ecsmpi.rxd.session import simulation
from ecsmpi.rxd.stand_in import FixedAttributes


class Checkpoint(FixedAttributes, schedule.CheckpointSchedule):
    """Writes checkpoints of the run, and ends the run early if its time is up or a signal asks.

    It begins with the next finitialize or step. SIGTERM and SIGUSR1 ask for a checkpoint and the
    end of the run, with status 75: to be continued. Make it on every rank. Another one takes its
    place. `close`, or the end of ``with rxd.Checkpoint(...):``, ends it. One that the script has
    dropped, or whose name it has given to something else, ends at the next finitialize.

    Parameters
    ----------
    path
        A folder for the checkpoints.
    every
        Time of the clock between checkpoints: seconds (s), "15min", or steps as in "1000 steps".
    keep
        How many checkpoints stay; older ones are deleted.
    max_time
        How long the process may take: seconds (s), or "23:50:00". SLURM's own limit counts, too.
        None: as long as it takes.
    vectors
        {name: n.Vector} that are kept in the checkpoints, such as recording vectors.

    Attributes
    ----------
    path : pathlib.Path
        The folder.
    vectors : dict
        The vectors by name.

    Raises
    ------
    ValueError
        For a wrong argument, which it names.

    Examples
    --------
    >>> with rxd.Checkpoint("checkpoints", every="1000 steps"):
    ...     n.finitialize(-65), n.fadvance()
    (1.0, 1.0)
    """

    hidden = (
        "folder",
        "follow",
        "is_due_at",
        "poll",
        "release_signals",
        "restart_clock",
        "started",
        "try_out",
        "why_it_ends",
    )

    def __init__(
        self,
        path: str | os.PathLike[str],
        every: float | str = "15min",
        keep: int = 2,
        max_time: float | str | None = None,
        vectors: dict[str, Any] | None = None,
    ):
        super().__init__(simulation.comm, path, every, keep, max_time, vectors)
        simulation.supervisor.checkpoints = self
        simulation.let_record()
        self._is_complete = True

    def close(self) -> None:
        """Write no more checkpoints, and leave signals to the system.

        Local; to be called on every rank. Calling it again does nothing.
        """
        if simulation.supervisor.checkpoints is self:
            simulation.supervisor.checkpoints = None
            self.release_signals()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def restart(path: str | os.PathLike[str], must: bool = True) -> None:
    """Let the next n.finitialize end in the state of a checkpoint. To be called on every rank.

    The script must make the same model. ``n.t`` is then the time of the checkpoint.

    Parameters
    ----------
    path
        A folder of checkpoints, of which the newest whole one counts, or one checkpoint.
    must
        Whether n.finitialize raises ValueError if there is none; else the run starts from the
        beginning, and ``n.t`` is 0.

    Raises
    ------
    ValueError
        At n.finitialize: if there is no checkpoint, or it is of another model.

    Examples
    --------
    A script that a queue starts again and again:

    >>> rxd.restart("checkpoints", must=False)
    >>> n.finitialize(-65)
    1.0
    """
    simulation.supervisor.restart = schedule.Restart(path, must)
