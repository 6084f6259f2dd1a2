"""Writes the frames of a box, and of selections from it, to one HDF5 file, from all ranks.

From `rxd.Output` to the disk a frame goes this way:

    Output.stepped         a frame is due                                run.observers.fields
    GridFile.append        checks the frame and the disk                 this module
    TrackWriter            copies this rank's share from its slab into the order of the file,
                           writes it, then its time                      track_writer
    FrameFiles             the open HDF5 files, their names and locks    frame_files

`frame_setup` begins a file or continues one, and `file_layout` says what is in it.

VTK needs x as the fastest axis, the simulation has z: each frame is transposed as it is written.
With parallel HDF5 all ranks write the one file. Without it each rank writes its planes to
``STEM.rank00003.h5``, and the one file has virtual datasets over these parts.

HDF5 has no journal: a job that is killed between two frames leaves a whole file, one that is killed
inside a write may not. So the disk must have room for a frame before any of it is written.

A new file has a temporary name (see `own_file`) until its first frame is written; then it replaces
an older file. Where it cannot be begun, the older file stays. One run writes a path at a time (see
`writer_lock`).
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.files.cells_group import Cells
from ecsmpi.files.disk_errors import explained_write_errors
from ecsmpi.files.frame_files import FrameFiles
from ecsmpi.files.frame_setup import Contents, begin, resume
from ecsmpi.files.shared_folder import check_folder_of
from ecsmpi.files.table import FOLDER, Table, TableWriter, lay_out_table
from ecsmpi.files.track_selection import checked_planes, chosen_storage, tracks_of
from ecsmpi.files.track_writer import TrackWriter
from ecsmpi.ranks.meeting import everywhere

ROWS_WAIT = 0.5  # s


class GridFile:
    """One HDF5 file for one box, written by all ranks of ``comm``.

    The constructor, ``append`` and ``close`` are collective.

    Parameters
    ----------
    path
        The file; an older file there is replaced once the first frame of this one is written.
    box : Box
        The box.
    species
        Species that are written in whole: their names, or name -> Encoding. May be empty where
        there are selections or tables.
    planes : tuple of int
        The x-planes [lo, hi) of this rank; lo == hi on a rank without planes.
    comm
        The ranks.
    attributes : dict, optional
        Provenance, written to the root: text, numbers, lists of these.
    storage : str
        "single" (one file), "parts" (a file for each rank) or "auto": what the environment variable
        ECSMPI_STORAGE says, or else "single" wherever h5py can.
    selections : dict, optional
        Group -> (Selection, {species: Encoding}), each with times of its own.
    tables : dict, optional
        Name -> Table: numbers through time.
    kept : tuple, optional
        (group -> frames, t): continue the file that is there, after these frames of each group and
        from t (ms). None for a new file.
    cells : Cells, optional
        On rank 0: the morphologies of cells that a new file has.

    Raises
    ------
    ValueError
        For a wrong argument.
    OSError
        Where the path cannot be written: the same error on every rank. A failure inside ``append``
        may reach one rank alone: the caller must then abort.
    """

    def __init__(
        self,
        path: str | Path,
        box: Box,
        species,
        planes: tuple[int, int],
        comm,
        attributes: dict[str, Any] | None = None,
        storage: str = "auto",
        selections: dict | None = None,
        tables: dict[str, Table] | None = None,
        kept: tuple[dict[str, int], float] | None = None,
        cells: Cells | None = None,
    ):
        self.path = Path(path)
        self._box = box
        self._comm = comm
        self._planes = (int(planes[0]), int(planes[1]))
        self._closed = False
        self._rows_due = 0.0  # when rows are next written, by time.monotonic
        self._tracks: dict[str, TrackWriter] = {}
        self._tables: dict[str, TableWriter] = {}
        tables = tables or {}
        tracks = tracks_of(box, species, selections or {}, tables)
        owned = checked_planes(comm.allgather(self._planes), box.shape[0])
        contents = Contents(box, tracks, tables, owned, cells)
        self._files = FrameFiles(path, comm, chosen_storage(storage, comm.size))
        check_folder_of(comm, self.path)
        self._files.lock()
        try:
            if kept is None:
                self._tracks, self._tables = begin(self._files, contents, attributes or {})
            else:
                frames, t = kept
                self._tracks, self._tables = resume(self._files, contents, frames, t)
        except BaseException:
            self.discard()
            raise

    @property
    def closed(self) -> bool:
        """Whether nothing can be written any more."""
        return self._closed

    # frames

    def append(self, t: float, fields: dict[str, np.ndarray], group: str = "") -> None:
        """Write one frame, of the whole box or of a selection, and flush it. Collective.

        Parameters
        ----------
        t : float
            Time in ms, after that of the frame before.
        fields : dict
            Species -> (hi - lo, ny, nz) concentrations in mM of this rank's planes, of any memory
            layout.
        group : str
            Group of the selection; "" for the whole box.

        Raises
        ------
        ValueError
            For wrong names, shapes or time.
        OSError
            Where the file cannot be written, or somebody has deleted or replaced it.
        """
        self._check_open()
        track = self._tracks[group]
        self._check_frame(track, t, fields)
        everywhere(self._comm, self._files.check_before_frame, track.frame_bytes, track.own_bytes)
        for name in track.names:
            track.fill_frame(name, fields[name])
            self._files.guarded(self._write_frame, track, name)
        self._files.guarded(self._publish_frame, track, t)
        track.count_frame(t)
        self._files.appear()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError(f"{self.path} is closed: open a new GridFile to write more frames")

    def _check_frame(self, track: TrackWriter, t: float, fields: dict[str, np.ndarray]) -> None:
        if not track.last_time < t < math.inf:
            raise ValueError(
                f"{self.path}: time must increase from frame to frame, got {t} ms "
                f"after {track.last_time} ms; write another run to another file"
            )
        if set(fields) != set(track.names):
            raise ValueError(
                f"{self.path} holds {', '.join(track.names)}; got {', '.join(fields) or 'nothing'}"
            )
        lo, hi = self._planes
        _, ny, nz = self._box.shape
        expected = hi - lo, ny, nz
        for name, field in fields.items():
            if tuple(field.shape) != expected:
                raise ValueError(
                    f"{self.path}: rank {self._comm.rank} owns {expected} voxels of {name}, "
                    f"got an array of shape {tuple(field.shape)}"
                )

    def _write_frame(self, track: TrackWriter, name: str) -> None:
        with explained_write_errors(self._files.field_path):
            track.write_frame(name)
            if self._files.part_handle is not None:
                self._files.part_handle.flush()

    def _publish_frame(self, track: TrackWriter, t: float) -> None:
        if self._files.main_handle is not None:
            with explained_write_errors(self.path):
                track.publish_frame(t)
                self._files.main_handle.flush()

    # tables

    def append_row(self, table: str, row: dict[str, Any]) -> None:
        """Add a row to a table. Collective.

        Rows wait for each other, for half a second at most: writing a single row can take longer
        than a step.

        Parameters
        ----------
        table : str
            Name of the table.
        row : dict
            "time" (ms) and each column -> number or numbers, the same on every rank.
        """
        self._check_open()
        if self._files.main_handle is None:
            return
        self._tables[table].append(row)
        is_due = time.monotonic() > self._rows_due
        if not self._files.in_parts:
            is_due = self._comm.bcast(is_due)
        if is_due:
            self._write_rows()

    def add_table(self, name: str, table: Table) -> None:
        """Lay out a table in the open file, or continue one with the same columns. Collective.

        Raises ValueError where the file has a table of this name with other columns.
        """
        self._check_open()
        everywhere(self._comm, self._check_table, name, table)
        file = self._files.main_handle
        if file is not None:
            with explained_write_errors(self.path):
                if name not in file.get(FOLDER, ()):
                    lay_out_table(file, name, table)
                self._tables[name] = TableWriter(file, name, self._comm.rank)
                file.flush()

    def has_table(self, name: str) -> bool:
        """Whether rows of this name can be appended; the same on every rank. Collective."""
        return self._comm.bcast(name in self._tables)

    def _check_table(self, name: str, table: Table) -> None:
        file = self._files.main_handle
        if file is None or FOLDER not in file or file[FOLDER].get(name) is None:
            return
        in_file = set(file[FOLDER][name])
        if in_file != {"time", *table.columns, *table.axes}:
            columns = ", ".join(sorted(in_file - {"time"}))
            raise ValueError(
                f"{self.path} has diagnostics {name} of other columns, {columns}: give these "
                "another name=..., or make them before n.finitialize()"
            )

    def _write_rows(self) -> None:
        self._rows_due = time.monotonic() + ROWS_WAIT
        file = self._files.main_handle
        if file is not None and self._tables:
            with explained_write_errors(self.path):
                for table in self._tables.values():
                    table.write()
                file.flush()

    # the file as a whole

    def appear(self) -> None:
        """Give a new file its name now, before it has a frame; a second call does nothing.

        Collective.
        """
        self._files.appear()

    def flush(self) -> None:
        """Write the rows that wait; every rank may read them afterwards. Collective."""
        self._write_rows()
        self._comm.Barrier()

    def sync(self) -> dict[str, int]:
        """Wait until all frames and rows are on the disk; return group -> frames. Collective."""
        self._write_rows()
        self._files.appear()
        self._files.sync()
        return {group: track.frames for group, track in self._tracks.items()}

    def close(self) -> None:
        """Close the file; a second call does nothing. Collective.

        Raises OSError, on every rank, where somebody has deleted or replaced the file since its
        last frame.
        """
        if self._closed:
            return
        try:
            self._write_rows()
            self._files.appear()
            everywhere(self._comm, self._files.check)
        finally:
            self._closed = True
            self._files.close()

    def discard(self) -> None:
        """Give up: delete what has not appeared, so that an older file stays. Local.

        On one rank this closes the file too.
        """
        self._closed = True
        self._files.discard()
