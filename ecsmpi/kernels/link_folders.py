"""Folders in which libraries are made, and those that processes have left that were killed.

A folder is called link-HOST-PROCESS-RANDOM. It lies beside the libraries, where other machines may
make theirs.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

BEGIN = "link-"
NAME = re.compile(rf"{BEGIN}(?P<host>.+)-(?P<process>\d+)-[^-]*")
ENDED = "ZX"  # states of a process that has ended
LONG_AGO = 24 * 3600.0  # s after which nobody makes a library any more


@contextlib.contextmanager
def link_folder(parent: Path) -> Iterator[Path]:
    """A folder to make a library in, which goes with the block. Removes those that were left."""
    _remove_left(parent)
    prefix = f"{BEGIN}{os.uname().nodename}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(dir=parent, prefix=prefix) as folder:
        yield Path(folder)


def _remove_left(parent: Path) -> None:
    """Remove the folders in which no process makes a library. Others may do so meanwhile."""
    for folder in parent.glob(f"{BEGIN}*"):
        if _is_left(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path) -> bool:
    """Whether the folder's process has ended on this machine, or has had time enough anywhere."""
    named = NAME.fullmatch(folder.name)
    if named and named["host"] == os.uname().nodename and not _lives(int(named["process"])):
        return True
    try:
        return time.time() - folder.stat().st_mtime > LONG_AGO
    except OSError:
        return False


def _lives(process: int) -> bool:
    """Whether a process works; one that has ended does not, where nobody has waited for it."""
    try:
        os.kill(process, 0)
        status = Path(f"/proc/{process}/stat").read_text()
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):  # another user's, or no process's number
        return True
    return status.rpartition(")")[2].split()[0] not in ENDED
