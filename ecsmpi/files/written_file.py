"""What a process has of a file that a run writes: its path, the lock that says so, and open
handles.
"""

from __future__ import annotations

from pathlib import Path

from ecsmpi.files.disk_errors import telling
from ecsmpi.files.own_file import OwnFile
from ecsmpi.files.writer_lock import WriterLock


class WrittenFile:
    """Local. path: the file to write.

    Attributes
    ----------
    path : as given
    own : the file, from its first name to its own
    """

    def __init__(self, path):
        self.path, self.own = Path(path), OwnFile(path)
        self._lock = None
        self._handles: list = []

    def lock(self) -> None:
        """Let nobody else write the file until `unlock`; on one rank only. OSError where somebody
        does.
        """
        self._lock = WriterLock(self.own.path)

    def unlock(self) -> None:
        """Let others write the file; again is harmless."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def keep(self, handle):
        """The handle, of this file or of a part of it, which `close` is to close."""
        self._handles.append(handle)
        return handle

    def close(self) -> None:
        """Close the handles, the last one first, and let others write the file; again is harmless.

        Collective where HDF5's handles are. Raises OSError where the disk has not taken all.
        """
        try:
            while self._handles:
                with telling(self.path):
                    self._handles.pop().close()
        finally:
            self.unlock()
