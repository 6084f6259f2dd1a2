"""Failures of a disk, found before HDF5 meets them where they can be, and told with the path and the cure."""

from __future__ import annotations

import errno
import os
import re
import shutil
import warnings
from contextlib import contextmanager

LAYOUT_BYTES = 1 << 18  # more than the layout of a file takes, axes of 10,000 voxels included
FRAME_BYTES = 1 << 16  # what HDF5 may add to a frame for its own bookkeeping
NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EISDIR}


@contextmanager
def telling(path):
    """HDF5 reports a full disk and the like without a cure, as OSError or RuntimeError of several lines."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        if str(error).startswith("cannot write "):
            raise  # it has been told already
        reason = re.search("error message = '([^']*)'", str(error))
        reason = reason[1] if reason else " ".join(str(error).split())
        raise OSError(f"cannot write {path}: {reason}; see that the disk has space left, that the folder is "
                      "writable and that no other program writes the file") from error


def check_place(path):
    """Raise OSError unless a file could have this path: its folder is there, and it is no folder or pipe itself."""
    if not path.parent.is_dir():
        raise OSError(f"cannot write {path}: there is no folder {path.parent}; create it first")
    if path.is_dir():
        raise OSError(f"cannot write {path}: it is a folder; give the name of a file")
    if path.exists() and not path.is_file():
        raise OSError(f"cannot write {path}: it is a pipe or a device; give the name of a file")


def check_writable(path):
    """Raise OSError unless a new file can be begun at ``path``; what was there is gone.

    HDF5 crashes where a new file cannot take its first bytes: so plain bytes meet the full disk before it.
    """
    with open(path, "wb") as file:
        file.write(bytes(LAYOUT_BYTES))
        file.flush()
        os.fsync(file.fileno())


def check_room(path, size):
    """Raise OSError where the disk of ``path`` has no room for a frame of ``size`` bytes."""
    free, needed = shutil.disk_usage(path.parent).free, size + FRAME_BYTES
    if free < needed:
        raise OSError(f"cannot write {path}: a frame takes {needed:,} bytes, the disk has {free:,} left; "
                      "the frames before it are whole; free some space or write fewer frames")


def sync_file(path):
    """Wait until a file is on the disk. Raises OSError where the disk does not take it."""
    with open(path, "rb") as written:
        os.fsync(written.fileno())


def sync_folder(path):
    """Wait until the names in a folder are on the disk; where its file system cannot do that, warn once and go on."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
        warnings.warn(
            f"the file system of {path} cannot bring names of files to the disk at once ({error.strerror}): a power failure "
            "may lose the file that was written last",
            stacklevel=2,
        )
