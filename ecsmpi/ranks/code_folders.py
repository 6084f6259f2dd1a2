"""The folders in which code that was compiled or generated at run time is kept: the user's own,
which nobody else can write.

What lies there is executed by later runs. numba keeps its code in NUMBA_CACHE_DIR or, without it,
beside the package or in the user's cache folder; generated reactions lie in NUMBA_CACHE_DIR/ecsmpi,
or in the user's cache folder.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from pathlib import Path

CHOSEN = "NUMBA_CACHE_DIR"
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_REACH = stat.S_IXGRP | stat.S_IXOTH
ROOT = 0  # whom everybody trusts
PACKAGE = Path(__file__).resolve().parents[1]


class UnsafeFolder(PermissionError):
    """Somebody else could put code into a folder that this run would execute."""


def settle() -> str:
    """Make sure that there is such a folder, before numba starts; returns a line for the user, or
    "".

    Raises UnsafeFolder where others can write the one that NUMBA_CACHE_DIR names.
    """
    if chosen := os.environ.get(CHOSEN):
        private(Path(chosen))
        return ""
    if _can_write(PACKAGE / "solver" / "__pycache__") or _can_write(users_cache() / "numba"):
        return ""
    folder = _of_machine()
    os.environ[CHOSEN] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)
    return (
        f"neither {PACKAGE} nor {users_cache()} can be written: compiled code is kept in {folder}, on this machine alone; "
        f"set {CHOSEN} to a folder of your own that lasts"
    )


def of_generated_code() -> list[Path]:
    """Where generated modules may lie, the best first: NUMBA_CACHE_DIR, or the user's cache folder."""
    chosen = os.environ.get(CHOSEN)
    own = users_cache() / "ecsmpi"
    return [Path(chosen) / "ecsmpi", own] if chosen else [own]


def users_cache() -> Path:
    """The user's folder for what programs keep."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def private(folder: Path) -> Path:
    """The folder, made where it is missing, for this user alone.

    Raises UnsafeFolder where somebody else owns it or could write it or a folder in it, OSError
    where it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    found = folder.stat()
    _refuse_writable(folder, found)
    if found.st_mode & OTHERS_REACH:
        for inner in os.scandir(folder):
            if inner.is_dir():
                _refuse_writable(Path(inner.path), inner.stat())
    return folder


def _refuse_writable(folder: Path, found: os.stat_result) -> None:
    if found.st_uid not in (os.geteuid(), ROOT):
        raise UnsafeFolder(
            f"{folder} belongs to another user (number {found.st_uid}), who could put code into it that this run would execute: "
            f"set {CHOSEN} to a folder of your own"
        )
    if found.st_mode & OTHERS_WRITE:
        raise UnsafeFolder(
            f"others can write {folder} (mode {stat.S_IMODE(found.st_mode):o}), and could put code into it that this run would execute: "
            f"empty it and chmod 700 it, or set {CHOSEN} to a folder of your own"
        )


def _of_machine() -> Path:
    """A folder of this user in the machine's folder for temporary files."""
    folder = Path(tempfile.gettempdir()) / f"ecsmpi-{os.geteuid()}"
    try:
        return private(folder)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="ecsmpi-"))


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
