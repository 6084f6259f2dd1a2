"""The first start of a script on a machine, when nothing is compiled, beside later starts."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from ecsmpi.benchmarks.comparisons.launches import SCRIPTS, LaunchFailed, environment_with
from ecsmpi.ranks.code_folders import CHOSEN

KILOBYTE = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss


@dataclass(frozen=True)
class Start:
    """One start of a script.

    Attributes
    ----------
    seconds
        Seconds by the clock.
    processor
        Seconds of processors.
    memory
        Largest resident memory of one of its processes, bytes.
    """

    seconds: float
    processor: float
    memory: int


def measure(script: list[str], rounds: int) -> dict[str, list[Start]]:
    """Start a script with an empty folder for compiled code, and again with what is then there.

    Parameters
    ----------
    script
        The script and its arguments; if empty, a small box with one cell.
    rounds
        How often, each time with a new folder.

    Returns
    -------
    dict
        Starts under "first" and under "later".

    Raises
    ------
    LaunchFailed
        A start ended with a status other than 0.
    """
    found: dict[str, list[Start]] = {"first": [], "later": []}
    if not script:
        script = [str(SCRIPTS / "one_cell.py")]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(rounds):
            for starts in found.values():
                starts.append(_start(script, str(Path(folder) / f"cache{number}")))
    return found


def _start(script: list[str], code_folder: str) -> Start:
    argv = [sys.executable, *script]
    with tempfile.TemporaryFile("w+") as errors:
        done = subprocess.run(
            [sys.executable, "-S", str(SCRIPTS / "start_and_wait.py"), *argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment_with({CHOSEN: code_folder}),
        )
        status, seconds, processor, memory = json.loads(done.stdout)
        if status:
            errors.seek(0)
            said = errors.read()[-2000:].strip()
            raise LaunchFailed(f"{shlex.join(argv)} ended with status {status}:\n{said}")
    return Start(seconds, processor, memory * KILOBYTE)


def report(found: dict[str, list[Start]]) -> str:
    """The medians of the starts, as a table."""
    lines = ["start   seconds   processor (s)   memory of the largest process (MB)"]
    for name, starts in found.items():
        seconds = median(start.seconds for start in starts)
        processor = median(start.processor for start in starts)
        memory = median(start.memory for start in starts) / 1e6
        lines.append(f"{name:6s} {seconds:8.2f} {processor:15.2f} {memory:12.0f}")
    return "\n".join(lines)
