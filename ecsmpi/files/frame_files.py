"""The HDF5 files behind a `GridFile`: the main file, and in parts a file of each rank.

storage "single"   all ranks write the main file together, with parallel HDF5
storage "parts"    each rank with planes writes them to a file of its own; rank 0 writes the
                   main file, which has the times and points to the files of the ranks
"""

from __future__ import annotations

from pathlib import Path

import h5py

from ecsmpi.files.disk_errors import check_room, explained_write_errors
from ecsmpi.files.file_layout import PART_FORMAT
from ecsmpi.files.opening import open_hdf5, open_together
from ecsmpi.files.own_file import OwnFile
from ecsmpi.files.parts import part_path
from ecsmpi.files.written_file import WrittenFile
from ecsmpi.ranks.meeting import everywhere


class FrameFiles:
    """The files of one recording, as a rank has them.

    Parameters
    ----------
    path
        The main file.
    comm
        The ranks.
    storage : str
        "single" or "parts".

    Attributes
    ----------
    path : Path
        The main file, as given.
    comm
        The ranks.
    storage : str
        "single" or "parts".
    main : OwnFile
        The main file; rank 0 looks after it.
    part : OwnFile or None
        This rank's own file; None where it writes none.
    main_handle : h5py.File or None
        The open main file; None on ranks that do not write it.
    part_handle : h5py.File or None
        This rank's open own file.
    appeared : bool
        Whether the files have their final names.
    """

    def __init__(self, path: str | Path, comm, storage: str):
        self.path = Path(path)
        self.comm = comm
        self.storage = storage
        self._written = WrittenFile(path)
        self.main = self._written.own
        self.part: OwnFile | None = None
        self.main_handle: h5py.File | None = None
        self.part_handle: h5py.File | None = None
        self.appeared = False

    @property
    def in_parts(self) -> bool:
        """Whether the fields are in files of the ranks."""
        return self.storage == "parts"

    @property
    def field_path(self) -> Path:
        """The file to which this rank writes fields, for messages."""
        return self.path if self.part is None else self.part.shown

    @property
    def own_files(self) -> list[OwnFile]:
        """The files that this rank looks after."""
        files = [self.main] if self.comm.rank == 0 else []
        if self.part is not None:
            files.append(self.part)
        return files

    def lock(self) -> None:
        """Keep others from writing the main file. Collective; OSError where somebody does."""
        everywhere(self.comm, self._lock)

    def _lock(self) -> None:
        if self.comm.rank == 0:
            self._written.lock()

    def plan_part(self, generation: int) -> None:
        """Give this rank a file of its own."""
        self.part = OwnFile(part_path(self.path, self.comm.rank, generation))

    # opening

    def open_main(self) -> None:
        """Open the main file: on all ranks together, or in parts on rank 0. Collective."""
        path = self.comm.bcast(self.main.current_path if self.comm.rank == 0 else None)
        with explained_write_errors(self.path):
            if not self.in_parts and self.comm.size > 1:
                self.main_handle = self._written.keep(open_together(path, self.comm))
            elif self.comm.rank == 0:
                self.main_handle = self._written.keep(open_hdf5(path, "r+"))

    def create_part(self, part: OwnFile, run: str) -> h5py.File:
        """Create this rank's own file, as a part of a run."""
        part.begin()
        with explained_write_errors(part.shown):
            file = self._written.keep(open_hdf5(part.current_path, "w"))
            file.attrs.update({"format": PART_FORMAT, "run": run})
        self.part_handle = file
        return file

    def open_part(self, part: OwnFile) -> h5py.File:
        """Open this rank's own file of an earlier run."""
        with explained_write_errors(part.shown):
            file = self._written.keep(open_hdf5(part.path, "r+"))
        self.part_handle = file
        return file

    # while frames are written

    def guarded(self, action, *arguments) -> None:
        """Run an action that writes to HDF5 on every rank. Collective.

        In parts a rank may fail alone: its failure is raised on every rank. The ranks write the one
        file together, and meet in HDF5 itself.
        """
        if self.in_parts:
            everywhere(self.comm, action, *arguments)
        else:
            action(*arguments)

    def check(self) -> None:
        """Raise OSError where somebody has deleted or replaced a file of this rank."""
        for file in self.own_files:
            file.check()

    def check_before_frame(self, frame_bytes: int, own_bytes: int) -> None:
        """Raise OSError where a file is gone, or the disk has no room for a frame.

        Parameters
        ----------
        frame_bytes : int
            Size of the frame.
        own_bytes : int
            Size of this rank's share of it.
        """
        self.check()
        if not self.in_parts and self.comm.rank == 0:
            check_room(self.path, frame_bytes)
        elif self.part is not None and self.part_handle is not None and own_bytes:
            check_room(self.part.shown, own_bytes)

    def appear(self) -> None:
        """Give new files their final names, the main file last; a second call does nothing.

        Collective.
        """
        if self.appeared:
            return
        self.appeared = True
        if self.in_parts:
            everywhere(self.comm, self._part_appears)
        everywhere(self.comm, self._main_appears)

    def _part_appears(self) -> None:
        if self.part is not None:
            self.part.appear()

    def _main_appears(self) -> None:
        if self.comm.rank == 0:
            self.main.appear()

    def sync(self) -> None:
        """Wait until the files are on the disk. Collective."""
        everywhere(self.comm, self._sync_own)

    def _sync_own(self) -> None:
        for file in self.own_files:
            file.sync()

    # the end

    def close(self) -> None:
        """Close the handles and let others write the file; a second call does nothing.

        Collective with parallel HDF5.
        """
        self.main_handle = None
        self.part_handle = None
        self._written.close()

    def discard(self) -> None:
        """Delete files that have not appeared, so that older ones stay. Local.

        On one rank this closes the handles too.
        """
        if self.comm.size == 1:
            self.close()
        for file in self.own_files:
            file.discard()
        self._written.unlock()
