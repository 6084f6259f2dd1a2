"""Failures of a disk: found before HDF5 meets them where possible, reported with path and cure."""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LAYOUT_BYTES = 1 << 18  # more than the layout of a file takes, axes of 10,000 voxels included
FRAME_BYTES = 1 << 16  # what HDF5 may add to a frame for its own bookkeeping

# Errors of file systems that cannot sync: network and user-space file systems, mostly for folders.
NOT_SUPPORTED = (
    errno.EINVAL,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EBADF,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
)
_warned_of: set[int] = set()  # device numbers


def sync(descriptor: int, path) -> None:
    """Wait until an open file or folder is on the disk.

    Where the file system cannot sync, this prints one warning and returns. Other failures raise
    OSError.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        _warn_unless_broken(error, path)


def sync_folder(path) -> None:
    """Wait until the names in a folder are on the disk.

    After a power failure a file that was renamed before has its new name.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        return _warn_unless_broken(error, path)
    try:
        sync(descriptor, path)
    finally:
        os.close(descriptor)


def sync_file(path) -> None:
    """Wait until a closed file is on the disk. Raises OSError where the disk fails."""
    with open(path, "rb") as written:
        sync(written.fileno(), path)


def _warn_unless_broken(error: OSError, path) -> None:
    if error.errno not in NOT_SUPPORTED:
        raise error
    disk = os.stat(path).st_dev
    if disk not in _warned_of:
        _warned_of.add(disk)
        print(
            f"ecsmpi: the file system of {path} cannot tell when data are on the disk "
            f"({error.strerror}): the run goes on, and only a failure of the machine may cost what "
            "was written last",
            file=sys.stderr,
            flush=True,
        )


@contextmanager
def explained_write_errors(path) -> Iterator[None]:
    """Raise failures of the block to write ``path`` as one OSError with the path and the cure.

    HDF5 itself reports a full disk and the like as OSError or RuntimeError of several lines.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if str(error).startswith("cannot write "):
            raise  # an inner block has explained it
        in_hdf5 = re.search("error message = '([^']*)'", str(error))
        reason = in_hdf5[1] if in_hdf5 else " ".join(str(error).split())
        raise OSError(
            f"cannot write {path}: {reason}; see that the disk has space left, that the folder is "
            "writable and that no other program writes the file"
        ) from error


def check_folder(path: Path) -> None:
    """Raise OSError where the folder of a file to write is missing."""
    if not path.parent.is_dir():
        raise OSError(f"cannot write {path}: there is no folder {path.parent}; create it first")


def check_place(path: Path) -> None:
    """Raise OSError unless a file can have this path.

    Its folder must exist, and the path must not be that of a folder, a pipe or a device.
    """
    check_folder(path)
    if path.is_dir():
        raise OSError(f"cannot write {path}: it is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise OSError(f"cannot write {path}: it is a pipe or a device; give the name of a file")


def check_writable(path) -> None:
    """Raise OSError unless a new file can be begun at ``path``; an older file there is emptied.

    HDF5 crashes where a new file cannot take its first bytes. So plain bytes are written first, and
    find a full disk before HDF5 does.
    """
    with open(path, "wb") as file:
        file.write(bytes(LAYOUT_BYTES))
        file.flush()
        os.fsync(file.fileno())


def check_room(path: Path, size: int) -> None:
    """Raise OSError where the disk of ``path`` has no room for a frame of ``size`` bytes."""
    free = shutil.disk_usage(path.parent).free
    needed = size + FRAME_BYTES
    if free < needed:
        raise OSError(
            f"cannot write {path}: a frame takes {needed:,} bytes, the disk has {free:,} left; "
            "the frames before it are whole; free some space or write fewer frames"
        )
