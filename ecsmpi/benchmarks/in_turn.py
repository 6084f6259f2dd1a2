"""Processes that work in turn, a little each: where a machine's speed drifts, it drifts for all of
them.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from contextlib import ExitStack

from ecsmpi.benchmarks.launches import LaunchFailed, environment_with


class Process:
    """This Python with some arguments; it prints a JSON object once it is ready, and one for each
    line that it is told.
    """

    def __init__(self, arguments: list[str], environment: dict):
        self._argv, self._errors = [sys.executable, *arguments], tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen(
            self._argv,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment_with(environment),
        )

    def answer(self) -> dict:
        """The next object that it prints. Raises LaunchFailed with what it said where it has ended
        instead.
        """
        for line in self._process.stdout:
            if line.startswith("{"):
                return json.loads(line)
        self._errors.seek(0)
        raise LaunchFailed(
            f"{shlex.join(self._argv)} ended with status {self._process.wait()}:\n{self._errors.read()[-2000:].strip()}"
        )

    def tell(self, line: str) -> dict:
        """Its answer to a line."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self.answer()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def in_turn(
    arguments: dict[str, list[str]], turns: int, line: str, **environment
) -> dict[str, dict]:
    """{name: what its process printed when it was ready, and "turns": what it answered to the line,
    each time}.
    """
    with ExitStack() as stack:
        processes = {
            name: stack.enter_context(Process(words, environment))
            for name, words in arguments.items()
        }
        found = {name: process.answer() | {"turns": []} for name, process in processes.items()}
        for _ in range(turns):
            for name, process in processes.items():
                found[name]["turns"].append(process.tell(line))
    return found
