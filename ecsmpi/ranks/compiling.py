"""Compilation in a process of its own, so that a run keeps nothing of the compiler.

    ahead(task) --task--> run/compiler.py --code--> a library in the cache folder --> the run

numba and LLVM take much memory in each process that imports them, and more in one that compiles. So
a cold start, which finds no library in the cache folder, starts another Python process that
compiles and links a library, and loads that one. A later start finds it. The process has neither
MPI nor NEURON, and lives as long as a plan is being made. Where it cannot be started or fails, the
run compiles by itself, and meets the error, if there is one, by itself. Where there is no linker,
the run loads by numba what the process has compiled; a note in the cache folder says that it has.

Libraries and notes are of this version of the package and for this processor.
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
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ecsmpi.kernels import library
from ecsmpi.ranks import code_folders, cores, launchers

PROGRAM = "import sys; sys.path[:] = {path!r}; from ecsmpi.run.compiler import main; main()"
# Folders of the package with what makes compiled code
FOLDERS = ("kernels", "solver", "reactions", "cells", "ranks", "neuron_api", "run")

_loaded: set[tuple] = set()  # tasks whose libraries this process has
_compiler: _Compiler | None = None  # the process, while a plan is made and it is needed
_planning = False


@contextmanager
def while_planning() -> Iterator[None]:
    """The block in which tasks may be done in another process, which ends with the block."""
    global _planning
    if _planning:
        yield
        return
    _planning = True
    try:
        yield
    finally:
        _planning = False
        _end()


def ahead(*task: Any) -> bool:
    """Load the library of a task of run/compiler.py; whether that could be done. Local.

    Another process makes it where it is missing, unless a note says that it cannot be made.

    task: the name of the task, and plain values that say what it is about.
    """
    if task in _loaded:
        return True
    path = _path_of(task, "loops-{}.so")
    if path is None:
        return False
    if not library.is_whole(path):
        note = path.with_suffix(f".not-by-{Path(library.linker() or 'none').name}")
        if note.exists() or not start() or _answer((str(path), *task)) is None:
            return False
        if not library.is_whole(path):
            with contextlib.suppress(OSError):  # without a note, the next cold start tries again
                note.touch(mode=0o600)
            return False
    if not library.load(path):
        return False
    _loaded.add(task)
    return True


def answer(*task: Any) -> Any:
    """The result of a task from the process that compiles; None where there is none. Local."""
    return _answer((None, *task)) if start() else None


def kept(task: str, about: str) -> KeptText:
    """The text that a task makes of another text, in the cache folder. Local."""
    return KeptText(_path_of((task, about), f"{task}-{{}}.txt"))


class KeptText:
    """A text in a file that later runs read.

    Parameters
    ----------
    path : Path or None
        Of the file; None where no folder can be written.
    """

    def __init__(self, path: Path | None):
        self._path = path

    def read(self) -> str | None:
        """The text, or None where there is none."""
        if self._path is None:
            return None
        try:
            return self._path.read_text()
        except OSError:
            return None

    def write(self, text: str) -> None:
        """Keep a text, where it can be written."""
        if self._path is not None:
            with contextlib.suppress(OSError):
                code_folders.write_whole(self._path, text)


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


def _path_of(task: tuple, name: str) -> Path | None:
    """The path of what a task makes; None where no cache folder can be written.

    name: of the file, with a place for the task's digest.
    """
    digest = hashlib.sha256(repr((task, *_versions())).encode()).hexdigest()[:20]
    for folder in code_folders.of_generated_code():
        try:
            return code_folders.make_private(folder) / name.format(digest)
        except code_folders.UnsafeFolder:
            raise
        except OSError:
            continue
    return None


@cache
def _versions() -> tuple:
    """What the compiled code depends on beyond the task."""
    stamps = []
    paths = [code_folders.PACKAGE / "subnormals.py"]
    for folder in FOLDERS:
        paths += sorted((code_folders.PACKAGE / folder).glob("*.py"))
    for path in paths:
        stat = path.stat()
        stamps.append((str(path), stat.st_mtime_ns, stat.st_size))
    packages = tuple(version(name) for name in ("numba", "llvmlite", "numpy", "sympy"))
    return sys.version, packages, cores.processor(), stamps
