"""Compilation in a process of its own, so that a run does not keep the memory of the compiler.

    ahead(task) --task--> run/compiler.py --code--> numba's cache folder --> the run, which loads it

numba and LLVM keep much of the memory that they need to compile for the life of a process. So a
cold start, which finds nothing in the cache folder, starts another Python process that compiles,
and loads what that process leaves in the folder. The process has neither MPI nor NEURON, and lives
as long as a plan is being made. Where it cannot be started or fails, the run compiles by itself,
and meets the error, if there is one, by itself.

A note in the cache folder says that a task has been done, by this version of the package and for
this processor.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ecsmpi.ranks import code_folders, launchers

PROGRAM = "import sys; sys.path[:] = {path!r}; from ecsmpi.run.compiler import main; main()"
FOLDERS = ("solver", "reactions", "cells", "run")  # of the package, with compiled functions

_compiler: _Compiler | None = None  # the process, while a plan is made and it is needed
_planning = False


@contextmanager
def while_planning() -> Iterator[None]:
    """The block in which tasks may be done in another process, which ends with the block."""
    global _planning
    _planning = True
    try:
        yield
    finally:
        _planning = False
        _end()


def ahead(*task: Any) -> None:
    """Have a task of run/compiler.py done in another process, unless a note says it is done. Local.

    task: the name of the task, and plain values that say what it is about.
    """
    note = _note(task)
    if note is None or note.exists():
        return
    if start() and _answer(task) is not None:
        with contextlib.suppress(OSError):  # without a note, the next cold start compiles again
            note.touch(mode=0o600)


def answer(*task: Any) -> Any:
    """The result of a task from the process that compiles; None where there is none. Local.

    No process is started for it: what compiles in a second is not worth the second that a start
    takes.
    """
    return _answer(task) if _compiler is not None else None


def start() -> bool:
    """Start the process where a plan is being made; whether it runs. Local."""
    global _compiler
    if _compiler is None and _planning and _is_python():
        # OSError: there is no memory, or no permission, for another process
        with contextlib.suppress(OSError):
            _compiler = _Compiler()
    return _compiler is not None


class _Compiler:
    """The process that runs run/compiler.py."""

    def __init__(self) -> None:
        path = [str(code_folders.PACKAGE.parent), *sys.path]
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM.format(path=path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=launchers.environment_of_no_rank(),
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._tasks = self._process.stdin
        self._answers = self._process.stdout

    def answer(self, task: tuple) -> Any:
        """The result of a task. Raises an error of several kinds where there is none."""
        pickle.dump(task, self._tasks)
        self._tasks.flush()
        line = self._answers.readline()
        if not line:
            raise EOFError("the process that compiles has ended")
        return json.loads(line)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._tasks.close()
        self._answers.close()


def _answer(task: tuple) -> Any:
    """The process's answer to a task; where it fails, None, and the process is ended."""
    assert _compiler is not None
    try:
        return _compiler.answer(task)
    except (OSError, EOFError, ValueError, TypeError, AttributeError, pickle.PicklingError):
        _end()
        return None


def _end() -> None:
    global _compiler
    if _compiler is not None:
        compiler, _compiler = _compiler, None
        compiler.end()


def _is_python() -> bool:
    """Whether this process's executable is Python, rather than nrniv."""
    return Path(sys.executable or "").name.startswith("python")


def _note(task: tuple) -> Path | None:
    """The file that says that the task was done; None where no cache folder can be written."""
    digest = hashlib.sha256(repr((task, *_versions())).encode()).hexdigest()[:20]
    for folder in code_folders.of_generated_code():
        try:
            return code_folders.make_private(folder) / f"compiled-{digest}"
        except code_folders.UnsafeFolder:
            raise
        except OSError:
            continue
    return None


def _versions() -> tuple:
    """What the compiled code depends on beyond the task."""
    stamps = []
    for folder in FOLDERS:
        for path in sorted((code_folders.PACKAGE / folder).glob("*.py")):
            stat = path.stat()
            stamps.append((str(path), stat.st_mtime_ns, stat.st_size))
    return sys.version, version("numba"), version("llvmlite"), _processor(), stamps


def _processor() -> str:
    """The name of the processor and its features, as numba's cache tells processors apart."""
    from llvmlite import binding

    return f"{binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"
