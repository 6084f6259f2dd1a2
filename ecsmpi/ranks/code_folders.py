"""Folders for code that is compiled or generated at run time: only the user may write them.

Later runs execute the code that lies there. numba keeps its code in NUMBA_CACHE_DIR or, without it,
beside the package or in the user's cache folder. Generated reactions lie in NUMBA_CACHE_DIR/ecsmpi,
or in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from pathlib import Path

CHOSEN = "NUMBA_CACHE_DIR"
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_REACH = stat.S_IXGRP | stat.S_IXOTH
ROOT = 0  # a user whom everybody trusts
PACKAGE = Path(__file__).resolve().parents[1]


class UnsafeFolder(PermissionError):
    """Another user could put code into a folder, and this run would execute it."""


def settle() -> str:
    """Make sure, before numba starts, that there is a folder for compiled code.

    Returns
    -------
    str
        A line for the user where no folder that lasts can be written, else "".

    Raises
    ------
    UnsafeFolder
        Where others can write the folder that NUMBA_CACHE_DIR names.
    """
    if chosen := os.environ.get(CHOSEN):
        make_private(Path(chosen))
        return ""
    if _can_write(PACKAGE / "solver" / "__pycache__") or _can_write(users_cache() / "numba"):
        return ""
    folder = _of_machine()
    os.environ[CHOSEN] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)
    return (
        f"neither {PACKAGE} nor {users_cache()} can be written: compiled code is kept in {folder}, "
        f"on this machine alone; set {CHOSEN} to a folder of your own that lasts"
    )


def of_generated_code() -> list[Path]:
    """Folders for generated modules, the best first."""
    chosen = os.environ.get(CHOSEN)
    own = users_cache() / "ecsmpi"
    return [Path(chosen) / "ecsmpi", own] if chosen else [own]


def users_cache() -> Path:
    """The folder in which programs of this user keep what they can make again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


def make_private(folder: Path) -> Path:
    """The folder, made where it is missing, for this user alone.

    Raises
    ------
    UnsafeFolder
        Where another user owns the folder, or could write it or a folder in it.
    OSError
        Where it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.stat()
    _refuse_writable(folder, found)
    if found.st_mode & OTHERS_REACH:
        for inner in os.scandir(folder):
            if inner.is_dir():
                _refuse_writable(Path(inner.path), inner.stat())
    return folder


def write_whole(path: Path, text: str) -> None:
    """Write a file in one step, as other nodes may read it. Raises OSError."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as file:
        file.write(text)
    os.replace(file.name, path)


def _refuse_writable(folder: Path, found: os.stat_result) -> None:
    if found.st_uid not in (os.geteuid(), ROOT):
        raise UnsafeFolder(
            f"{folder} belongs to another user (number {found.st_uid}), who could put code into it "
            f"that this run would execute: set {CHOSEN} to a folder of your own"
        )
    if found.st_mode & OTHERS_WRITE:
        raise UnsafeFolder(
            f"others can write {folder} (mode {stat.S_IMODE(found.st_mode):o}), and could put code "
            f"into it that this run would execute: empty it and chmod 700 it, or set {CHOSEN} to a "
            "folder of your own"
        )


def _of_machine() -> Path:
    """A folder of this user in the machine's folder for temporary files."""
    folder = Path(tempfile.gettempdir()) / f"ecsmpi-{os.geteuid()}"
    try:
        return make_private(folder)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="ecsmpi-"))


def _can_write(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
