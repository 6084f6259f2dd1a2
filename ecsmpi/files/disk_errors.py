"""Failures of a disk, found before HDF5 meets them where they can be, and told with the path and
the cure.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import sys
from contextlib import contextmanager

LAYOUT_BYTES = 1 << 18  # more than the layout of a file takes, axes of 10,000 voxels included
FRAME_BYTES = 1 << 16  # what HDF5 may add to a frame for its own bookkeeping

# What systems say that cannot sync: network and user-space file systems, mostly for folders.
NOT_SUPPORTED = (
    errno.EINVAL,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EBADF,
    errno.EISDIR,
    errno.EACCES,
    errno.EPERM,
)
_warned_of = set()


def sync(descriptor: int, path) -> None:
    """Wait until an open file or folder is on the disk. Where the file system has no such call,
    warn once and go on.
    """
    try:
        os.fsync(descriptor)
    except OSError as error:
        _warn_unless_broken(error, path)


def sync_folder(path) -> None:
    """Wait until the names in a folder are on the disk, so that a renamed file has its new name
    after a power cut.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError as error:
        return _warn_unless_broken(error, path)
    try:
        sync(descriptor, path)
    finally:
        os.close(descriptor)


def _warn_unless_broken(error: OSError, path) -> None:
    if error.errno not in NOT_SUPPORTED:
        raise error
    disk = os.stat(path).st_dev
    if disk not in _warned_of:
        _warned_of.add(disk)
        print(
            f"ecsmpi: the file system of {path} cannot tell when data are on the disk ({error.strerror}): the run goes on, "
            "and only a failure of the machine may cost what was written last",
            file=sys.stderr,
            flush=True,
        )


@contextmanager
def telling(path):
    """HDF5 reports a full disk and the like without a cure, as OSError or RuntimeError of several
    lines.
    """
    try:
        yield
    except (OSError, RuntimeError) as error:
        if str(error).startswith("cannot write "):
            raise  # it has been told already
        reason = re.search("error message = '([^']*)'", str(error))
        reason = reason[1] if reason else " ".join(str(error).split())
        raise OSError(
            f"cannot write {path}: {reason}; see that the disk has space left, that the folder is "
            "writable and that no other program writes the file"
        ) from error


def check_place(path):
    """Raise OSError unless a file could have this path: its folder is there, and it is no folder or
    pipe itself.
    """
    if not path.parent.is_dir():
        raise OSError(f"cannot write {path}: there is no folder {path.parent}; create it first")
    if path.is_dir():
        raise OSError(f"cannot write {path}: it is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise OSError(f"cannot write {path}: it is a pipe or a device; give the name of a file")


def check_writable(path):
    """Raise OSError unless a new file can be begun at ``path``; what was there is gone.

    HDF5 crashes where a new file cannot take its first bytes: so plain bytes meet the full disk
    before it.
    """
    with open(path, "wb") as file:
        file.write(bytes(LAYOUT_BYTES))
        file.flush()
        os.fsync(file.fileno())


def check_room(path, size):
    """Raise OSError where the disk of ``path`` has no room for a frame of ``size`` bytes."""
    free, needed = shutil.disk_usage(path.parent).free, size + FRAME_BYTES
    if free < needed:
        raise OSError(
            f"cannot write {path}: a frame takes {needed:,} bytes, the disk has {free:,} left; "
            "the frames before it are whole; free some space or write fewer frames"
        )


def sync_file(path):
    """Wait until a file is on the disk. Raises OSError where the disk does not take it."""
    with open(path, "rb") as written:
        sync(written.fileno(), path)
