"""Processes of their own: one for each combination of ranks and threads, and for every run of
NEURON.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ecsmpi.benchmarks import records
from ecsmpi.ranks.launchers import LAUNCHERS, PREFIXES

# Open MPI would bind a rank, with all its threads, to one core.
UNBOUND = {
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}
COMMAND = "import sys; from ecsmpi.cli import main; sys.exit(main(sys.argv[1:]))"


class LaunchFailed(OSError):
    """A process that measures ended with another status than 0."""


def launched_ranks() -> int:
    """How many processes this one was started with, by the launcher's word."""
    return next(
        (int(os.environ[count]) for count, _ in LAUNCHERS if os.environ.get(count, "").isdigit()), 1
    )


def bench(ranks: int | None, arguments: list[str], launcher: str) -> dict:
    """Run `ecsmpi bench ARGUMENTS` on some ranks (None: without a launcher); the record it wrote."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.jsonl"
        run(ranks, ["-c", COMMAND, "bench", *arguments, "--json", str(path)], launcher)
        return records.read(path)[-1]


def run(ranks: int | None, arguments: list[str], launcher: str, **environment) -> str:
    """Run this Python with some arguments; return what it printed. Raises LaunchFailed with what it
    said.
    """
    argv = [] if ranks is None else [*launcher_words(launcher), "-n", str(ranks)]
    argv += [sys.executable, *arguments]
    done = subprocess.run(
        argv,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment_with(environment),
    )
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LaunchFailed(f"{shlex.join(argv)} ended with status {done.returncode}:\n{said}")
    return done.stdout


def launcher_words(launcher: str) -> list[str]:
    """The launcher's command. Raises OSError where it is not there."""
    words = shlex.split(launcher)
    if not words or shutil.which(words[0]) is None:
        raise LaunchFailed(
            f"no {launcher!r} on PATH: load your MPI, or name its launcher by --mpirun COMMAND"
        )
    return words


def environment_with(extra: dict) -> dict:
    """The environment of a process that is measured: this one's, but for what a launcher has left
    there, and some more.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    return UNBOUND | inherited | {name: str(value) for name, value in extra.items()}
