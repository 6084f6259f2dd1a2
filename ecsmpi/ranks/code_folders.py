"""Folders for code that is compiled or generated at run time: only the user may write them.

Later runs execute the code that lies there. numba keeps its code in NUMBA_CACHE_DIR or, without it,
beside the package or in the user's cache folder. Generated reactions lie in NUMBA_CACHE_DIR/ecsmpi,
or in the user's cache folder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHOSEN = "NUMBA_CACHE_DIR"
FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG
REFUSED = errno.EROFS, errno.EACCES, errno.EPERM
NUMBAS_REFUSAL = "cannot cache function"  # of an error that numba raises
PROBE = 2**20  # bytes that a folder with room takes: more than any one file of compiled code
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_REACH = stat.S_IXGRP | stat.S_IXOTH
ROOT = 0  # a user whom everybody trusts
PACKAGE = Path(__file__).resolve().parents[1]


class UnsafeFolder(PermissionError):
    """Another user could put code into a folder, and this run would execute it."""


class CodeNotKept(OSError):
    """Compiled code cannot be written into the folder where it is kept."""


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
    CodeNotKept
        Where that folder cannot be made.
    """
    if chosen := os.environ.get(CHOSEN):
        try:
            make_private(Path(chosen))
        except UnsafeFolder:
            raise
        except OSError as error:
            raise _not_kept(Path(chosen), error) from None
        return ""
    if not all(map(_refusal, _of_numba())):
        return ""
    folder = _of_machine()
    os.environ[CHOSEN] = str(folder)
    if "numba" in sys.modules:
        sys.modules["numba"].config.CACHE_DIR = str(folder)
    return (
        f"neither {PACKAGE} nor {users_cache()} can be written: compiled code is kept in {folder}, "
        f"on this machine alone; set {CHOSEN} to a folder of your own that lasts"
    )


@contextlib.contextmanager
def keeping() -> Iterator[None]:
    """A block that compiles code and keeps it in a folder. Local.

    Raises
    ------
    CodeNotKept
        Where the folder is full or cannot be written; it names the folder, why, and the cure.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        if number not in FULL + REFUSED and NUMBAS_REFUSAL not in str(error):
            raise
        folder, refusal = _refusing(number)
        raise _not_kept(folder, refusal or error) from None


def _refusing(number: int | None) -> tuple[Path, OSError | None]:
    """A folder of compiled code that refuses a file for a reason, by its errno, or for any."""
    folders = [*_of_numba(), *of_generated_code()]
    for folder in folders:
        refusal = _refusal(folder, PROBE)
        if refusal is not None and number in (None, refusal.errno):
            return folder, refusal
    return folders[0], None


def _not_kept(folder: Path, error: Exception) -> CodeNotKept:
    reason = getattr(error, "strerror", None) or error
    return CodeNotKept(
        f"compiled code cannot be kept in {folder}: {reason}; set {CHOSEN} to a folder of your own "
        "that can be written and has room"
    )


def _of_numba() -> list[Path]:
    """Folders in which numba keeps code; it takes the first in which it can make a file."""
    chosen = os.environ.get(CHOSEN)
    own = [PACKAGE / "solver" / "__pycache__", users_cache() / "numba"]
    return [Path(chosen), *own] if chosen else own


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
    """Write a file in one step, as other nodes may read it. Raises OSError, and leaves nothing."""
    with tempfile.NamedTemporaryFile("w", dir=path.parent, suffix=".part", delete=False) as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            os.unlink(file.name)
            raise
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


def _refusal(folder: Path, size: int = 0) -> OSError | None:
    """Why a file of that many bytes cannot be made in a folder; None where it can."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(size))
    except OSError as error:
        return error
    return None
