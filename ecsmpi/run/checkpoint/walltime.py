"""When a run must end before it is done: signals, and the time its job has.

SIGTERM and SIGUSR1 ask the run to write a checkpoint and end; a second one ends the process at
once. Before the run has begun, while Python imports, kernels compile and the model is made, there
is nothing to write: the process ends at once with the same status, and the next job begins where
this one would have begun.
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

from ecsmpi.ranks.launch import launched_rank

TO_BE_CONTINUED = 75  # exit status of a run that wrote a checkpoint and ended early (EX_TEMPFAIL)
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)
UNITS = {"s": 1, "sec": 1, "min": 60, "h": 3600, "d": 86400}
SLACK = 15.0  # s before the end of the time, beyond twice the last checkpoint


def seconds(text) -> float:
    """Seconds from a number of them, "90s", "15min", "2h", "1d", "MM:SS", "HH:MM:SS" or
    "D-HH:MM:SS".
    """
    found = re.fullmatch(r"\s*([0-9.]+)\s*([a-z]*)\s*", str(text))
    value = -1.0
    if found and (found[2] or "s") in UNITS:
        value = _number(found[1]) * UNITS[found[2] or "s"]
    elif clock := re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)", str(text).strip()):
        value = sum(
            int(part or 0) * unit for part, unit in zip(clock.groups(), (86400, 3600, 60, 1))
        )
    if not 0 < value < float("inf"):
        raise ValueError(f"a time must be such as 90s, 15min, 2h or 23:50:00, got {text!r}")
    return float(value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return -1.0


def leave_early_when_asked() -> None:
    """From now on a signal ends the process with TO_BE_CONTINUED. Local.

    For a run that will write checkpoints and has not come so far; `Limits` takes over.
    """
    for one in SIGNALS:
        signal.signal(one, _leave_early)


def _leave_early(number, _frame) -> None:
    """End now. Ranks need no word from each other: each gets the signal, or the launcher ends those
    that did not.
    """
    if launched_rank() == 0:
        os.write(
            sys.__stderr__.fileno(),
            f"ecsmpi: {signal.Signals(number).name}: stopped before the run began, to be continued\n".encode(),
        )
    os._exit(TO_BE_CONTINUED)


class Limits:
    """What asks this process to end early. max_time: seconds from its start, or None; SLURM's limit
    counts too.

    begun: whether the run has begun, so that it ends between two steps and with a checkpoint.
    """

    def __init__(self, max_time: float | None = None):
        ends = [_process_began() + max_time] if max_time else []
        ends += [end for end in [slurm_end()] if end]
        self._end = min(ends, default=None)
        self._signal = None
        self.begun = False
        for one in SIGNALS:
            signal.signal(one, self._asked)

    def _asked(self, number, frame) -> None:
        if not self.begun:
            _leave_early(number, frame)
        self._signal = number
        for one in SIGNALS:
            signal.signal(one, signal.SIG_DFL)  # the second one ends at once

    def let_go(self) -> None:
        """Signals mean again what they meant to the system, unless somebody else has taken them."""
        for one in SIGNALS:
            if signal.getsignal(one) == self._asked:
                signal.signal(one, signal.SIG_DFL)

    def reached(self, needed: float) -> str | None:
        """Why the run must end now, or None. needed: seconds that ending takes."""
        if self._signal is not None:
            return signal.Signals(self._signal).name
        if self._end is not None and time.time() + needed + SLACK > self._end:
            return "its time is up"
        return None


def _process_began() -> float:
    """When this process began, in seconds since 1970."""
    with open("/proc/self/stat") as stat, open("/proc/uptime") as uptime:
        began = int(stat.read().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
        return time.time() - (float(uptime.read().split()[0]) - began)


def slurm_end() -> float | None:
    """When SLURM ends the job, in seconds since 1970, or None outside of SLURM and without a limit."""
    if (end := os.environ.get("SLURM_JOB_END_TIME", "")).isdigit():
        return float(end)
    job = os.environ.get("SLURM_JOB_ID")
    if job is None or os.environ.get("SLURM_PROCID", "0") != "0" or not shutil.which("scontrol"):
        return None
    try:
        said = subprocess.run(
            ["scontrol", "show", "job", job], capture_output=True, text=True, timeout=20
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.search(r"EndTime=(\d\d\d\d-\d\d-\d\dT\d\d:\d\d:\d\d)", said)
    return datetime.datetime.fromisoformat(found[1]).timestamp() if found else None
