"""A file that one process begins, names and looks after: an older one of its name stays until this
one is whole.

    begun = OwnFile(path)
    begun.begin()         plain bytes meet a full disk; the file is .NAME.begun
    ...                   HDF5 lays it out, and writes the first frame
    begun.appear()        it takes its name, in place of an older file
    begun.check()         before each frame: nobody has deleted or replaced it
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ecsmpi.files.disk_errors import check_place, check_writable, sync_file, sync_folder, telling


class FileGone(OSError):
    """A file that is being written was deleted, renamed or replaced."""


class OwnFile:
    """Local. path: its name; where that is a link, the file that it points to is replaced.

    shown: the path in messages.
    """

    def __init__(self, path):
        self.shown = Path(path)
        self.path = Path(os.path.realpath(path))
        self._begun = self.path.with_name(f".{self.path.name}.begun")
        self._identity = None  # of the file under its own name

    @property
    def now(self) -> Path:
        """Where the file is now."""
        return self.path if self.appeared else self._begun

    @property
    def appeared(self) -> bool:
        """Whether it has its own name."""
        return self._identity is not None

    def begin(self) -> None:
        """Make the file under its first name.

        Raises OSError where it cannot be written, or could not get its own.
        """
        check_place(self.shown)
        with telling(self.shown):
            self._begun.unlink(missing_ok=True)  # of a run that was killed as it began
            check_writable(self._begun)

    def go_on(self) -> None:
        """The file is there, under its own name, and is written on."""
        self._identity = _identity(self.path)

    def appear(self) -> None:
        """Give the file its own name, once all of it is on the disk; again is harmless."""
        if self.appeared:
            return
        with telling(self.shown):
            sync_file(self._begun)
            if self.path.exists():
                os.chmod(self._begun, stat.S_IMODE(self.path.stat().st_mode))
            os.replace(self._begun, self.path)
            self._identity = _identity(self.path)
            sync_folder(self.path.parent)

    def discard(self) -> None:
        """Delete the file if it has not appeared; an older one of its name stays as it was."""
        if not self.appeared:
            self._begun.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise FileGone unless the file under its name is still this one."""
        if not self.appeared:
            return
        try:
            now = _identity(self.path)
        except OSError:
            raise FileGone(
                f"{self.shown} was deleted or moved away while the run wrote it, and what the run "
                f"wrote is not there: "
                "let nothing touch the file before the run has ended, and run it again"
            ) from None
        if now != self._identity:
            raise FileGone(
                f"{self.shown} was replaced by another file while the run wrote it, and what this "
                f"run wrote is not there: "
                "give each run a file of its own, and run it again"
            )

    def sync(self) -> None:
        """Wait until all of it is on the disk."""
        self.check()
        with telling(self.shown):
            sync_file(self.now)


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
