"""A file that a run writes, as one process has it: its path, its lock and its open handles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ecsmpi.files.disk_errors import explained_write_errors
from ecsmpi.files.own_file import OwnFile
from ecsmpi.files.writer_lock import WriterLock


class WrittenFile:
    """The path, the lock and the open handles of a file that a run writes. Local.

    Attributes
    ----------
    path : Path
        As given.
    own : OwnFile
        The file under its temporary and its final name.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.own = OwnFile(path)
        self._lock: WriterLock | None = None
        self._handles: list[Any] = []

    def lock(self) -> None:
        """Keep others from writing the file until `unlock`; call it on one rank only.

        Raises OSError where another process or another Output writes the file.
        """
        self._lock = WriterLock(self.own.path)

    def unlock(self) -> None:
        """Let others write the file; a second call does nothing."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def keep(self, handle):
        """Return a handle of this file, or of a part of it, that `close` will close."""
        self._handles.append(handle)
        return handle

    def close(self) -> None:
        """Close the handles, the last one first, and let others write the file.

        Collective where HDF5's handles are; a second call does nothing. Raises OSError where the
        disk has not taken all data.
        """
        try:
            while self._handles:
                with explained_write_errors(self.path):
                    self._handles.pop().close()
        finally:
            self.unlock()
