"""Compilation in a process of its own, so that a run does not keep the memory of the compiler.

    ahead(task) --task--> run/compiler.py --code--> numba's cache folder --> the run, which finds it
    there

numba and LLVM keep, for the life of a process, much of what they need to compile. A cold start,
which finds nothing in the cache folder, therefore starts another Python process that compiles, and
loads what that process has left in the folder. The process has neither MPI nor NEURON. It lives as
long as a plan is made. Where it cannot be started or fails, the run compiles by itself, and meets
the error, if there is one, by itself.

A note in the cache folder says that a task was done, by this version of the package and for this
processor.
"""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import subprocess
import sys
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from ecsmpi.ranks import code_folders, launchers

PROGRAM = "import sys; sys.path[:] = {path!r}; from ecsmpi.run.compiler import main; main()"
FOLDERS = (
    "solver",
    "reactions",
    "cells",
    "run",
)  # of the package: what is compiled is written there

_child = None  # the process, while a plan is made
_planning = False


@contextmanager
def while_planning():
    """The process that compiles, if any is needed, lives no longer than this."""
    global _planning
    _planning = True
    try:
        yield
    finally:
        _planning = False
        _end()


def ahead(*task) -> None:
    """Have a task of run/compiler.py compiled in a process of its own, unless a note says that it
    is. Local.

    task: a name and what a tuple of plain values tells of it.
    """
    note = _note(task)
    if note is None or note.exists():
        return
    if _ask(task) is not None:
        _write(note)


def answer(*task):
    """What a task computes, from the process that compiles; None where there is none. Local.

    No process is started for it: what compiles in a second is not worth the second that a start
    takes.
    """
    return _ask(task) if _child is not None else None


def start() -> bool:
    """Start the process, where a plan is being made and it can be started; whether it is there.
    Local.
    """
    global _child
    if not _planning or _child is not None:
        return _child is not None
    if not Path(sys.executable or "").name.startswith("python"):
        return False  # nrniv
    program = PROGRAM.format(path=[str(code_folders.PACKAGE.parent), *sys.path])
    try:
        _child = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=_environment(),
        )
    except OSError:  # no memory, or no leave, for another process
        return False
    return True


def _ask(task: tuple):
    """The process's answer to a task, or None where it has none."""
    if not start():
        return None
    try:
        pickle.dump(task, _child.stdin)
        _child.stdin.flush()
        line = _child.stdout.readline()
        return json.loads(line) if line else _end()
    except (OSError, ValueError, TypeError, AttributeError, pickle.PicklingError):
        return _end()


def _end() -> None:
    global _child
    if _child is not None:
        child, _child = _child, None
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def _environment() -> dict:
    """That of this process, without what a launcher has told it: the other one is no rank."""
    told = (*launchers.PREFIXES, "SLURM_STEP_NUM_TASKS", "SLURM_PROCID")
    return {name: value for name, value in os.environ.items() if not name.startswith(told)}


def _note(task: tuple) -> Path | None:
    """The file that says that the task was done; None where no cache folder can be written."""
    digest = hashlib.sha256(repr((task, *_versions())).encode()).hexdigest()[:20]
    for folder in code_folders.of_generated_code():
        try:
            return code_folders.private(folder) / f"compiled-{digest}"
        except code_folders.UnsafeFolder:
            raise
        except OSError:
            continue
    return None


def _write(note: Path) -> None:
    try:
        note.touch(mode=0o600)
    except OSError:
        pass  # the next cold start compiles again


def _versions() -> tuple:
    """What the compiled code depends on beyond the task."""
    files = [
        path for folder in FOLDERS for path in sorted((code_folders.PACKAGE / folder).glob("*.py"))
    ]
    stamps = [(str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files]
    return sys.version, version("numba"), version("llvmlite"), _processor(), stamps


def _processor() -> str:
    """The name of the processor and its features, as numba's cache tells processors apart."""
    from llvmlite import binding

    return f"{binding.get_host_cpu_name()} {binding.get_host_cpu_features().flatten()}"
