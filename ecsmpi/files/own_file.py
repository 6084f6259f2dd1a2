"""A file that one process creates under a temporary name, renames and watches.

An older file of the final name stays until the new file is whole:

    file = OwnFile(path)
    file.begin()          plain bytes find a full disk; the file is .NAME.begun
    ...                   HDF5 lays the file out and writes the first frame
    file.appear()         the file takes its name, in place of an older file
    file.check()          before each frame: nobody has deleted or replaced the file
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ecsmpi.files.disk_errors import (
    check_place,
    check_writable,
    explained_write_errors,
    sync_file,
    sync_folder,
)


class FileGone(OSError):
    """A file that is being written was deleted, renamed or replaced."""


class OwnFile:
    """A file that one process writes: first under a temporary name, then under its own. Local.

    Parameters
    ----------
    path
        Final name. Where it is a link, the file that the link points to is replaced.

    Attributes
    ----------
    shown : Path
        The path as given, for messages.
    path : Path
        The path without links.
    """

    def __init__(self, path: str | Path):
        self.shown = Path(path)
        self.path = Path(os.path.realpath(path))
        self._begun = self.path.with_name(f".{self.path.name}.begun")
        self._identity: tuple[int, int] | None = None  # of the file under its final name

    @property
    def current_path(self) -> Path:
        """Where the file is now: under its temporary or its final name."""
        return self.path if self.appeared else self._begun

    @property
    def appeared(self) -> bool:
        """Whether the file has its final name."""
        return self._identity is not None

    def begin(self) -> None:
        """Create the file under its temporary name.

        Raises OSError where it cannot be written, or could not take its final name.
        """
        check_place(self.shown)
        with explained_write_errors(self.shown):
            self._begun.unlink(missing_ok=True)  # of a run that was killed as it began
            check_writable(self._begun)

    def resume(self) -> None:
        """Continue to write the file that exists under the final name."""
        self._identity = _identity(self.path)

    def appear(self) -> None:
        """Give the file its final name, once all of it is on the disk; a second call does nothing.

        The file takes the permissions of an older file that it replaces.
        """
        if self.appeared:
            return
        with explained_write_errors(self.shown):
            sync_file(self._begun)
            if self.path.exists():
                os.chmod(self._begun, stat.S_IMODE(self.path.stat().st_mode))
            os.replace(self._begun, self.path)
            self._identity = _identity(self.path)
            sync_folder(self.path.parent)

    def discard(self) -> None:
        """Delete the file if it has not appeared; an older file of its name stays as it was."""
        if not self.appeared:
            self._begun.unlink(missing_ok=True)

    def check(self) -> None:
        """Raise FileGone unless the file under the final name is still this one."""
        if not self.appeared:
            return
        try:
            now = _identity(self.path)
        except OSError:
            raise FileGone(
                f"{self.shown} was deleted or moved away while the run wrote it, and what the run "
                "wrote is not there: let nothing touch the file before the run has ended, and run "
                "it again"
            ) from None
        if now != self._identity:
            raise FileGone(
                f"{self.shown} was replaced by another file while the run wrote it, and what this "
                "run wrote is not there: give each run a file of its own, and run it again"
            )

    def sync(self) -> None:
        """Wait until all of the file is on the disk. Raises FileGone where it is not there."""
        self.check()
        with explained_write_errors(self.shown):
            sync_file(self.current_path)


def _identity(path: Path) -> tuple[int, int]:
    found = os.stat(path)
    return found.st_dev, found.st_ino
