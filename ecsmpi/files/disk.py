"""Failures of a disk, found before HDF5 meets them where they can be, and told with the path and the cure."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import contextmanager

LAYOUT_BYTES = 1 << 18  # more than the layout of a file takes, axes of 10,000 voxels included
FRAME_BYTES = 1 << 16  # what HDF5 may add to a frame for its own bookkeeping


@contextmanager
def telling(path):
    """HDF5 reports a full disk and the like without a cure, as OSError or RuntimeError of several lines."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = re.search("error message = '([^']*)'", str(error))
        reason = reason[1] if reason else " ".join(str(error).split())
        raise OSError(f"cannot write {path}: {reason}; see that the disk has space left, that the folder is "
                      "writable and that no other program writes the file") from error


def check_writable(path):
    """Raise OSError unless a new file can be begun at ``path``; what was there is gone.

    HDF5 crashes where a new file cannot take its first bytes: so plain bytes meet the full disk before it.
    """
    if not path.parent.is_dir():
        raise OSError(f"cannot write {path}: there is no folder {path.parent}; create it first")
    if path.is_dir():
        raise OSError(f"cannot write {path}: it is a folder; give the name of a file")
    with telling(path), open(path, "wb") as file:
        file.write(bytes(LAYOUT_BYTES))
        file.flush()
        os.fsync(file.fileno())


def check_room(path, size):
    """Raise OSError where the disk of ``path`` has no room for a frame of ``size`` bytes."""
    free, needed = shutil.disk_usage(path.parent).free, size + FRAME_BYTES
    if free < needed:
        raise OSError(f"cannot write {path}: a frame takes {needed:,} bytes, the disk has {free:,} left; "
                      "the frames before it are whole; free some space or write fewer frames")
