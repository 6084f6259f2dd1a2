"""When a run must end before it is done: signals, and the time its job has.

SIGTERM and SIGUSR1 ask the run to write a checkpoint and end. A second signal ends the process at
once. Before the run has begun, while NEURON is imported, kernels compile and the model is made,
there is nothing to write. The job then ends at once with the same status, and the next job begins
where this one would have begun.

A handler in Python waits until the process is back in Python, and a rank in MPI_Init comes back
only when all ranks are there. So as long as MPI starts, a signal has its default action and ends
each rank wherever it is. After that a rank that hears ends all ranks by MPI_Abort.
"""

from __future__ import annotations

import datetime
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from typing import Any

from ecsmpi.ranks.launch import OTHERS_WAIT
from ecsmpi.ranks.launchers import launched_rank

TO_BE_CONTINUED = 75  # exit status of a run that wrote a checkpoint and ended early (EX_TEMPFAIL)
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
UNITS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "d": 86400}
CLOCK_UNITS = (86400, 3600, 60, 1)  # of days, hours, minutes and seconds
SLACK = 15.0  # s before the end of the time, beyond twice the last checkpoint


def seconds(text) -> float:
    """Seconds of a time such as 90, "90s", "15min", "2h", "1d", "MM:SS" or "D-HH:MM:SS"."""
    words = str(text).strip()
    value = -1.0
    if amount := re.fullmatch(r"([0-9.]+)\s*([a-z]*)", words):
        unit = amount[2] or "s"
        if unit in UNITS:
            value = _number(amount[1]) * UNITS[unit]
    elif clock := re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)", words):
        value = sum(int(part or 0) * unit for part, unit in zip(clock.groups(), CLOCK_UNITS))
    if not 0 < value < float("inf"):
        raise ValueError(f"a time must be such as 90s, 15min, 2h or 23:50:00, got {text!r}")
    return float(value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def leave_early_when_asked(comm: Any = None) -> None:
    """Let a signal end the job with TO_BE_CONTINUED from now on. Local.

    It is for a run that will write checkpoints and has not begun; `Limits` takes over.

    comm: of all ranks, where MPI has started; None for a process that is alone.
    """
    for one in SIGNALS:
        signal.signal(one, partial(_leave_early, comm))


def _leave_early(comm: Any, number: int, _frame: object) -> None:
    """End now, with all ranks of the job: others may wait for this one in MPI or in NEURON.

    Rank 0 is heard first where all ranks get the signal.
    """
    for one in SIGNALS:
        signal.signal(one, signal.SIG_DFL)  # the second one ends at once
    has_others = comm is not None and comm.size > 1
    if has_others and launched_rank() != 0:
        time.sleep(OTHERS_WAIT)
    if sys.__stderr__ is not None:
        name = signal.Signals(number).name
        words = f"ecsmpi: {name}: stopped before the run began, to be continued\n"
        # The signal may have come while sys.stderr was writing.
        os.write(sys.__stderr__.fileno(), words.encode())
    if has_others:
        comm.Abort(TO_BE_CONTINUED)
    os._exit(TO_BE_CONTINUED)


class Limits:
    """What asks this process to end early: signals, a limit of its own, SLURM's limit.

    Parameters
    ----------
    comm
        Of all ranks.
    max_time : float, optional
        Seconds from the start of the process.

    Attributes
    ----------
    has_begun : bool
        Whether the run has begun, so that it ends between two steps and with a checkpoint.
    """

    def __init__(self, comm: Any, max_time: float | None = None):
        self._comm = comm
        ends = []
        if max_time:
            ends.append(_process_began() + max_time)
        slurm = slurm_end()
        if slurm:
            ends.append(slurm)
        self._end = min(ends, default=None)
        self._signal: int | None = None
        self.has_begun = False
        for one in SIGNALS:
            signal.signal(one, self._asked)

    def _asked(self, number, frame) -> None:
        if not self.has_begun:
            _leave_early(self._comm, number, frame)
        self._signal = number
        for one in SIGNALS:
            signal.signal(one, signal.SIG_DFL)  # the second one ends at once

    def release_signals(self) -> None:
        """Leave signals to the system again, unless somebody else has taken them. Local."""
        for one in SIGNALS:
            if signal.getsignal(one) == self._asked:
                signal.signal(one, signal.SIG_DFL)

    def reached(self, needed: float) -> str | None:
        """Why the run must end now, or None. Local. needed: seconds that ending takes."""
        if self._signal is not None:
            return signal.Signals(self._signal).name
        if self._end is not None and time.time() + needed + SLACK > self._end:
            return "its time is up"
        return None


def _process_began() -> float:
    """When this process began, in seconds since 1970."""
    with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
        ticks = int(stat.read().rpartition(")")[2].split()[19])
        began = ticks / os.sysconf("SC_CLK_TCK")  # s since the machine began
        return time.time() - (float(uptime.read().split()[0]) - began)


def slurm_end() -> float | None:
    """When SLURM ends the job, in seconds since 1970; None without SLURM or without a limit."""
    end = os.environ.get("SLURM_JOB_END_TIME", "")
    if end.isdigit():
        return float(end)
    job = os.environ.get("SLURM_JOB_ID")
    is_first = os.environ.get("SLURM_PROCID", "0") == "0"
    if job is None or not is_first or not shutil.which("scontrol"):
        return None
    command = ["scontrol", "show", "job", job]
    try:
        said = subprocess.run(command, capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"EndTime=(\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)", said)
    return datetime.datetime.fromisoformat(found[1]).timestamp() if found else None
