"""Processes that are started to be measured, with or without a launcher such as mpirun."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ecsmpi.benchmarks import records
from ecsmpi.ranks.launchers import PREFIXES

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
CHECKOUT = Path(__file__).resolve().parents[3]  # where the package lies in a checkout

# Open MPI would bind a rank, with all its threads, to one core.
UNBOUND = {
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}
COMMAND = "import sys; from ecsmpi.cli import main; sys.exit(main(sys.argv[1:]))"


class LaunchFailed(OSError):
    """A process that should measure could not be started, or ended with a status other than 0."""


def bench(ranks: int | None, arguments: list[str], launcher: str) -> dict:
    """Run `ecsmpi bench ARGUMENTS` on some ranks and return the record that it wrote.

    ranks: None to start it without a launcher. Raises LaunchFailed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "record.jsonl"
        run(ranks, ["-c", COMMAND, "bench", *arguments, "--json", str(path)], launcher)
        return records.read(path)[-1]


def run(ranks: int | None, arguments: list[str], launcher: str, **environment) -> str:
    """Run this Python with some arguments and return what it printed.

    Parameters
    ----------
    ranks
        Number of ranks; None to start it without a launcher.
    arguments
        Arguments of the Python interpreter.
    launcher
        Command that starts ranks, such as "mpirun".
    environment
        Further environment variables.

    Raises
    ------
    LaunchFailed
        It ended with a status other than 0; the message ends with what it printed.
    """
    argv = []
    if ranks is not None:
        argv = [*launcher_words(launcher), "-n", str(ranks)]
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


def run_script(
    script: str, arguments: list[str], ranks: int | None, launcher: str, **environment
) -> dict:
    """Run one of SCRIPTS and return the JSON object that it printed. Raises LaunchFailed."""
    printed = run(ranks, [str(SCRIPTS / script), *arguments], launcher, **environment)
    return last_object(printed)


def last_object(printed: str) -> dict:
    """The last JSON object among printed lines; NEURON may print lines before and after it."""
    for line in reversed(printed.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise LaunchFailed(f"a script printed no result, but:\n{printed[-2000:]}")


def launcher_words(launcher: str) -> list[str]:
    """The words of the launcher's command. Raises LaunchFailed where it is not on PATH."""
    words = shlex.split(launcher)
    if not words or shutil.which(words[0]) is None:
        raise LaunchFailed(
            f"no {launcher!r} on PATH: load your MPI, or name its launcher by --mpirun COMMAND"
        )
    return words


def environment_with(extra: dict) -> dict[str, str]:
    """The environment of a process to measure: this one's, without a launcher's own variables.

    extra: variables to add, whose values may be of any type.
    """
    environment = dict(UNBOUND)
    for name, value in os.environ.items():
        if not name.startswith(PREFIXES):
            environment[name] = value
    for name, value in extra.items():
        environment[name] = str(value)
    return environment
