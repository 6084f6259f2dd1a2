"""Processes that take turns, so that a drift of the machine's speed is the same for all of them."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack

from ecsmpi.benchmarks.comparisons.launches import LaunchFailed, environment_with


class Process:
    """A Python process that prints a JSON object when it is ready, and one for each line it reads.

    A context manager that kills the process at its end.
    """

    def __init__(self, arguments: list[str], environment: dict):
        self._argv = [sys.executable, *arguments]
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115  (closed in __exit__)
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment_with(environment),
        )

    def answer(self) -> dict:
        """The next object that the process prints.

        Raises
        ------
        LaunchFailed
            The process ended instead; the message ends with what it wrote to stderr.
        """
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        status = self._process.wait()
        self._errors.seek(0)
        said = self._errors.read()[-2000:].strip()
        raise LaunchFailed(f"{shlex.join(self._argv)} ended with status {status}:\n{said}")

    def ask(self, line: str) -> dict:
        """Write a line to the process and return its answer. Raises LaunchFailed."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.answer()

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def in_turn(
    arguments: dict[str, list[str]], turns: int, line: str, **environment
) -> dict[str, dict]:
    """Start processes, and write the same line to each of them in turn, many times.

    Parameters
    ----------
    arguments
        Arguments of the Python interpreter by the name of the process.
    turns
        How many times the line is written to each process.
    line
        The line.
    environment
        Further environment variables.

    Returns
    -------
    dict
        What each process printed when it was ready, and under "turns" the list of its answers.
    """
    with ExitStack() as stack:
        processes = {}
        for name, words in arguments.items():
            processes[name] = stack.enter_context(Process(words, environment))
        found = {}
        for name, process in processes.items():
            found[name] = process.answer() | {"turns": []}
        for _ in range(turns):
            for name, process in processes.items():
                found[name]["turns"].append(process.ask(line))
    return found
