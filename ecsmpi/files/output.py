"""The frames of a box, and of selections from it, in one HDF5 file written by all ranks; `file_layout` says what is in it.

VTK wants x fastest, the simulation has z fastest: a frame is transposed as it is written. With parallel
HDF5 all ranks write the one file; without it each rank writes its planes to ``STEM.rank00003.h5`` and the
one file holds virtual datasets over these parts.

HDF5 has no journal: a job that is killed between two frames leaves a whole file, one that is killed inside a
write may not. So there is room for a frame on the disk before any of it is written.
"""

from __future__ import annotations

import math
import os
import time
import uuid
from pathlib import Path

import h5py

from ecsmpi.files.continued_file import cut, cut_part
from ecsmpi.files.disk import check_room, check_writable, telling
from ecsmpi.files.file_layout import FORMAT, PART_FORMAT, lay_out, origin, part_path
from ecsmpi.ranks.meeting import everywhere
from ecsmpi.files.table import TableWriter, lay_out_table
from ecsmpi.files.track_writer import TrackWriter
from ecsmpi.files.wanted import checked_planes, chosen_storage, tracks_of

ROWS_WAIT = 0.5  # s


class GridFile:
    """One HDF5 file for one box, written by all ranks of ``comm``.

    path       file to write; an older file there is replaced
    box        has ``lo``, ``spacing`` (um), ``shape`` and ``hi``
    species    what is written in whole: their names, or name -> Encoding; may be empty where there are selections
    planes     (lo, hi): the x-planes of this rank; lo == hi on a rank without planes
    attributes provenance, written to the root: text, numbers, lists of these
    storage    "single" (one file), "parts" (a file for each rank) or "auto": single wherever h5py can; the
               environment variable ECSMPI_STORAGE decides what "auto" is
    selections group -> (Selection, {species: Encoding}), each with times of its own
    tables     name -> Table: numbers through time
    kept       None: a new file; else (group -> frames, t): go on with the file that is there, after its first so many, from t (ms)

    The constructor, ``append`` and ``close`` are collective. A path that cannot be written raises the same
    OSError on every rank. A failure inside ``append`` may reach one rank alone: the caller must then abort.
    """

    def __init__(
        self, path, box, species, planes, comm, attributes=None, storage="auto", selections=None, tables=None, kept=None,
    ):  # fmt: skip
        self.path = Path(path)
        self._box, self._comm, self._planes = box, comm, tuple(int(plane) for plane in planes)
        tracks, tables = tracks_of(box, species, selections or {}, tables or {}), tables or {}
        owned = checked_planes(comm.allgather(self._planes), box.shape[0])
        self._storage = chosen_storage(storage, comm.size)
        self._tracks = {track.group: TrackWriter(track, owned, comm, self._storage == "single") for track in tracks}
        self._file = self._part = None
        if kept is None:
            run = comm.bcast(uuid.uuid4().hex if comm.rank == 0 else None)
            provenance = {**self._provenance(), **(attributes or {}), "format": FORMAT, "run": run}
            everywhere(comm, self._create, tracks, tables, owned, provenance)
            everywhere(comm, self._open, tables, run)
        else:
            everywhere(comm, self._cut, *kept)
            everywhere(comm, self._open, tables)
            for group, track in self._tracks.items():
                track.go_on(kept[0][group])
        self._closed, self._rows_due = False, 0.0

    def append(self, t, fields, group=""):
        """Write one frame, of the whole box or of a selection, and flush it (collective).

        t       time in ms, after that of the frame before
        fields  name -> (hi - lo, ny, nz) concentrations in mM of this rank's planes, of any memory layout
        group   of the selection

        Raises ValueError for wrong names, shapes or time and OSError where the file cannot be written.
        """
        self._check_open()
        track = self._tracks[group]
        self._check_frame(track, t, fields)
        everywhere(self._comm, self._check_room, track)
        for name in track.names:
            track.take(name, fields[name])
            self._guarded(self._write, track, name)
        self._guarded(self._tell, track, t)
        track.done(t)

    def append_row(self, table, row):
        """Add to a table a row, "time" (ms) and each column -> number or numbers, the same on every rank (collective).

        Rows wait for each other, for half a second at most: to write one by itself can take longer than a step.
        """
        self._check_open()
        if self._file is None:
            return
        self._tables[table].append(row)
        due = time.monotonic() > self._rows_due
        if self._comm.bcast(due) if self._storage == "single" else due:
            self._write_rows()

    def flush(self):
        """Bring the rows that wait to the file, which every rank may read then (collective)."""
        self._write_rows()
        self._comm.Barrier()

    def _write_rows(self):
        self._rows_due = time.monotonic() + ROWS_WAIT
        if self._file is not None and self._tables:
            with telling(self.path):
                for table in self._tables.values():
                    table.write()
                self._file.flush()

    def sync(self):
        """Wait until all frames and rows are on the disk; returns group -> frames (collective)."""
        self._write_rows()
        for file in filter(None, (self._file, self._part)):
            with telling(file.filename), open(file.filename, "rb") as written:
                os.fsync(written.fileno())
        return {group: track.frames for group, track in self._tracks.items()}

    def close(self):
        """Close the file (collective); again is harmless."""
        self._write_rows()
        files, self._file, self._part, self._closed = (self._part, self._file), None, None, True
        for file in files:
            if file is not None:
                with telling(self.path):
                    file.close()

    # -- set-up

    def _provenance(self):
        box, written = self._box, dict.fromkeys(name for track in self._tracks.values() for name in track.names)
        return {
            "Conventions": "CF-1.10", "title": "extracellular concentrations",
            **origin(self._comm), "species": ", ".join(written),
            "box_lo_um": list(box.lo), "box_hi_um": list(box.hi), "voxel_um": list(box.spacing),
            "voxels": list(box.shape),
        }

    def _create(self, tracks, tables, owned, provenance):
        """Rank 0 alone lays out the whole file, so that the others only ever open it."""
        if self._comm.rank != 0:
            return
        part_of = (lambda rank: part_path(self.path, rank).name) if self._storage == "parts" else None
        check_writable(self.path)
        with telling(self.path), h5py.File(self.path, "w", locking=False) as file:
            lay_out(file, tracks, owned, provenance, part_of)
            for name, table in tables.items():
                lay_out_table(file, name, table)

    def _cut(self, kept, t):
        """Drop what comes after the first so many frames: rank 0 in the one file, each rank in its own."""
        tracks = [track.track for track in self._tracks.values()]
        if self._comm.rank == 0:
            cut(self.path, tracks, self._storage == "parts", kept, t)
        if self._storage == "parts" and any(track.own_bytes for track in self._tracks.values()):
            planes = {group: track.planes for group, track in self._tracks.items()}
            cut_part(part_path(self.path, self._comm.rank), tracks, planes, kept)

    def _open(self, tables, run=None):
        """Open the file for the frames: all ranks together, or rank 0 and, with parts, each rank its own.

        run: of a new file, whose parts are then made.
        """
        with telling(self.path):
            if self._storage == "single" and self._comm.size > 1:
                self._file = h5py.File(self.path, "r+", driver="mpio", comm=self._comm)
            elif self._comm.rank == 0:
                self._file = h5py.File(self.path, "r+", locking=False)
            for track in self._tracks.values() if self._file is not None else ():
                track.open(self._file, has_data=self._storage == "single")
            if self._file is not None:
                self._tables = {name: TableWriter(self._file, name, self._comm.rank) for name in tables}
        if self._storage == "parts" and any(track.own_bytes for track in self._tracks.values()):
            path = part_path(self.path, self._comm.rank)
            self._open_part(path) if run is None else self._create_part(path, run)

    def _open_part(self, path):
        with telling(path):
            self._part = h5py.File(path, "r+", locking=False)
        for track in self._tracks.values():
            track.open_part(self._part)

    def _create_part(self, path, run):
        check_writable(path)
        with telling(path):
            self._part = h5py.File(path, "w", locking=False)
            self._part.attrs.update({"format": PART_FORMAT, "run": run})
            for track in self._tracks.values():
                track.create_part(self._part)
            self._part.flush()

    # -- a frame

    def _check_open(self):
        if self._closed:
            raise ValueError(f"{self.path} is closed: open a new GridFile to write more frames")

    def _check_frame(self, track, t, fields):
        if not track.last_time < t < math.inf:
            raise ValueError(f"{self.path}: time must increase from frame to frame, got {t} ms "
                             f"after {track.last_time} ms; write another run to another file")
        if set(fields) != set(track.names):
            raise ValueError(f"{self.path} holds {', '.join(track.names)}; "
                             f"got {', '.join(fields) or 'nothing'}")
        lo, hi = self._planes
        expected = (hi - lo, *self._box.shape[1:])
        for name, field in fields.items():
            if tuple(field.shape) != expected:
                raise ValueError(f"{self.path}: rank {self._comm.rank} owns {expected} voxels of {name}, "
                                 f"got an array of shape {tuple(field.shape)}")

    def _check_room(self, track):
        """Rank 0 looks at the disk of the one file, with parts each rank at that of its own."""
        if self._storage == "single" and self._comm.rank == 0:
            check_room(self.path, track.frame_bytes)
        elif self._part is not None and track.own_bytes:
            check_room(Path(self._part.filename), track.own_bytes)

    def _guarded(self, action, *arguments):
        """With parts a rank may fail alone, and all are told; the one file is written by all together."""
        if self._storage == "parts":
            everywhere(self._comm, action, *arguments)
        else:
            action(*arguments)

    def _write(self, track, name):
        with telling(self.path if self._part is None else Path(self._part.filename)):
            track.write(name)
            if self._part is not None:
                self._part.flush()

    def _tell(self, track, t):
        if self._file is not None:
            with telling(self.path):
                track.tell(t)
                self._file.flush()
