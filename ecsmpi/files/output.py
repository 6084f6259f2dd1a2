"""The frames of a box, and of selections from it, in one HDF5 file written by all ranks;
`file_layout` says what is in it.

VTK wants x fastest, the simulation has z fastest: a frame is transposed as it is written. With
parallel HDF5 all ranks write the one file; without it each rank writes its planes to
``STEM.rank00003.h5`` and the one file holds virtual datasets over these parts.

HDF5 has no journal: a job that is killed between two frames leaves a whole file, one that is killed
inside a write may not. So there is room for a frame on the disk before any of it is written.

A new file is begun under another name (see `own_file`) and takes its own with the first frame, in
place of an older one: where it cannot be begun, that one stays. One run writes a path at a time
(see `writer_lock`).
"""

from __future__ import annotations

import math
import time
import uuid
from pathlib import Path

from ecsmpi.files.disk_errors import check_room, explained_write_errors
from ecsmpi.files.file_layout import FORMAT, PART_FORMAT, lay_out, origin
from ecsmpi.files.opening import open_hdf5, open_together
from ecsmpi.files.own_file import OwnFile
from ecsmpi.files.parts import Source, keep_under, part_path
from ecsmpi.files.resumed_file import Continuation, cut, cut_part, lay_out_anew, look
from ecsmpi.files.shared_folder import check_folder_of
from ecsmpi.files.table import FOLDER, TableWriter, lay_out_table
from ecsmpi.files.track_selection import checked_planes, chosen_storage, tracks_of
from ecsmpi.files.track_writer import TrackWriter
from ecsmpi.files.written_file import WrittenFile
from ecsmpi.ranks.meeting import everywhere

ROWS_WAIT = 0.5  # s


class GridFile:
    """One HDF5 file for one box, written by all ranks of ``comm``.

    path       file to write; an older file there is replaced once the first frame of this one is written
    box        has ``lo``, ``spacing`` (um), ``shape`` and ``hi``
    species    what is written in whole: their names, or name -> Encoding; may be empty where there are selections
    planes     (lo, hi): the x-planes of this rank; lo == hi on a rank without planes
    attributes provenance, written to the root: text, numbers, lists of these
    storage    "single" (one file), "parts" (a file for each rank) or "auto": single wherever h5py can; the
               environment variable ECSMPI_STORAGE decides what "auto" is
    selections group -> (Selection, {species: Encoding}), each with times of its own
    tables     name -> Table: numbers through time
    kept       None: a new file; else (group -> frames, t): go on with the file that is there, after its first so many, from t (ms)

    The constructor, ``append`` and ``close`` are collective. A path that cannot be written raises
    the same OSError on every rank. A failure inside ``append`` may reach one rank alone: the caller
    must then abort.
    """

    def __init__(
        self,
        path,
        box,
        species,
        planes,
        comm,
        attributes=None,
        storage="auto",
        selections=None,
        tables=None,
        kept=None,
    ):
        self.path = Path(path)
        self._box, self._comm, self._planes = box, comm, tuple(int(plane) for plane in planes)
        tracks, tables = tracks_of(box, species, selections or {}, tables or {}), tables or {}
        owned = checked_planes(comm.allgather(self._planes), box.shape[0])
        self._storage = chosen_storage(storage, comm.size)
        self._file = self._part = None
        self._closed, self._appeared, self._rows_due, self._tables = False, False, 0.0, {}
        self._written, self._own_part = WrittenFile(path), None
        self._main = self._written.own
        check_folder_of(comm, self.path)
        everywhere(comm, self._written.lock if comm.rank == 0 else _nothing)
        try:
            if kept is None:
                self._begin(tracks, tables, owned, attributes or {})
            else:
                self._go_on(tracks, tables, owned, *kept)
        except BaseException:
            self.discard()
            raise

    def _begin(self, tracks, tables, owned, attributes):
        """A new file. Collective."""
        self._plan(tracks, owned)
        run = self._comm.bcast(uuid.uuid4().hex if self._comm.rank == 0 else None)
        provenance = {**self._provenance(), **attributes, "format": FORMAT, "run": run}
        self._plan_part(0)
        everywhere(self._comm, self._create, tracks, tables, owned, provenance)
        everywhere(self._comm, self._open, tables)
        everywhere(self._comm, self._create_part, run)

    def _go_on(self, tracks, tables, owned, kept, t):
        """The file that is there, after its first so many frames. Collective."""
        comm = self._comm
        here = lambda: look(self._main.path, tracks, owned, self._storage == "parts", kept)  # noqa: E731
        how = comm.bcast(everywhere(comm, here if comm.rank == 0 else _nothing))
        self._storage = "parts" if how.in_parts else self._storage
        self._plan(tracks, owned)
        self._plan_part(how.generation)
        if how.anew:
            run = comm.bcast(
                everywhere(
                    comm,
                    self._create_anew if comm.rank == 0 else _nothing,
                    tracks,
                    owned,
                    kept,
                    t,
                    how,
                )
            )
        else:
            everywhere(comm, self._cut, kept, t, how)
        everywhere(comm, self._open, tables)
        everywhere(comm, *((self._create_part, run) if how.anew else (self._open_part,)))
        for group, track in self._tracks.items():
            track.go_on(kept[group], (how.first or {}).get(group, 0))
        if how.anew:
            everywhere(comm, self._keep_before if comm.rank == 0 else _nothing, how)
            self._appear()

    def _plan(self, tracks, owned):
        single = self._storage == "single"
        self._tracks = {
            track.group: TrackWriter(track, owned, self._comm, single) for track in tracks
        }

    def _plan_part(self, generation):
        """The file of this rank, where it writes one."""
        if self._storage == "parts" and any(track.own_bytes for track in self._tracks.values()):
            self._own_part = OwnFile(part_path(self.path, self._comm.rank, generation))

    def append(self, t, fields, group=""):
        """Write one frame, of the whole box or of a selection, and flush it (collective).

        t       time in ms, after that of the frame before
        fields  name -> (hi - lo, ny, nz) concentrations in mM of this rank's planes, of any memory layout
        group   of the selection

        Raises ValueError for wrong names, shapes or time and OSError where the file cannot be
        written, or was deleted or replaced by somebody.
        """
        self._check_open()
        track = self._tracks[group]
        self._check_frame(track, t, fields)
        everywhere(self._comm, self._look_at_disk, track)
        for name in track.names:
            track.take(name, fields[name])
            self._guarded(self._write, track, name)
        self._guarded(self._tell, track, t)
        track.done(t)
        self._appear()

    def append_row(self, table, row):
        """Add to a table a row, "time" (ms) and each column -> number or numbers, the same on every
        rank (collective).

        Rows wait for each other, for half a second at most: to write one by itself can take longer
        than a step.
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
            with explained_write_errors(self.path):
                for table in self._tables.values():
                    table.write()
                self._file.flush()

    def sync(self):
        """Wait until all frames and rows are on the disk; returns group -> frames (collective)."""
        self._write_rows()
        self._appear()
        everywhere(self._comm, lambda: [file.sync() for file in self._own_files()])
        return {group: track.frames for group, track in self._tracks.items()}

    def close(self):
        """Close the file (collective); again is harmless.

        Raises OSError, on every rank, where the file was deleted or replaced since its last frame.
        """
        if self._closed:
            return
        try:
            self._write_rows()
            self._appear()
            everywhere(self._comm, self._check_own_files)
        finally:
            self._close_handles()

    def discard(self):
        """Give up (local): what has not appeared is deleted, so that an older file stays. Of one
        rank, close too.
        """
        if self._comm.size == 1:
            self._close_handles()
        self._closed = True
        for file in filter(None, (self._main if self._comm.rank == 0 else None, self._own_part)):
            file.discard()
        self._written.unlock()

    def _close_handles(self):
        self._file, self._part, self._closed = None, None, True
        self._written.close()

    def _own_files(self):
        """Those that this rank looks after."""
        main = self._main if self._comm.rank == 0 else None
        return [file for file in (main, self._own_part) if file is not None]

    def _check_own_files(self):
        for file in self._own_files():
            file.check()

    @property
    def closed(self):
        """Whether nothing can be written any more."""
        return self._closed

    def add_table(self, name, table):
        """Lay out a table in the open file, for rows from now on; or go on with one that has the
        same columns (collective).
        """
        self._check_open()
        everywhere(self._comm, self._check_table, name, table)
        if self._file is not None:
            with explained_write_errors(self.path):
                if name not in self._file.get(FOLDER, ()):
                    lay_out_table(self._file, name, table)
                self._tables[name] = TableWriter(self._file, name, self._comm.rank)
                self._file.flush()

    def has_table(self, name):
        """Whether rows of this name can be appended; the same on every rank (collective)."""
        return self._comm.bcast(name in self._tables)

    def _check_table(self, name, table):
        there = (
            self._file[FOLDER].get(name)
            if self._file is not None and FOLDER in self._file
            else None
        )
        columns = {"time", *table.columns, *table.axes}
        if there is not None and set(there) != columns:
            raise ValueError(
                f"{self.path} has diagnostics {name} of other columns, {', '.join(sorted(set(there) - {'time'}))}: give these "
                "another name=..., or make them before n.finitialize()"
            )

    def appear(self):
        """Let a new file take its name now, before it has a frame (collective); nothing where it
        has.
        """
        self._appear()

    def _appear(self):
        """Let a new file take its name, and its parts theirs before it; collective, and nothing
        where it has.
        """
        if self._appeared:
            return
        self._appeared = True
        if self._own_part is not None or self._storage == "parts":
            everywhere(self._comm, lambda: self._own_part is not None and self._own_part.appear())
        everywhere(self._comm, lambda: self._comm.rank == 0 and self._main.appear())

    # -- set-up

    def _provenance(self):
        box, written = (
            self._box,
            dict.fromkeys(name for track in self._tracks.values() for name in track.names),
        )
        return {
            "Conventions": "CF-1.10",
            "title": "extracellular concentrations",
            **origin(self._comm),
            "species": ", ".join(written),
            "box_lo_um": list(box.lo),
            "box_hi_um": list(box.hi),
            "voxel_um": list(box.spacing),
            "voxels": list(box.shape),
        }

    def _create(self, tracks, tables, owned, provenance):
        """Rank 0 alone lays out the whole file, so that the others only ever open it."""
        if self._comm.rank != 0:
            return
        sources = None
        if self._storage == "parts":
            sources = lambda track, name: self._new_sources(track, name, owned)  # noqa: E731
        self._main.begin()
        with explained_write_errors(self.path), open_hdf5(self._main.current_path, "w") as file:
            lay_out(file, tracks, owned, provenance, sources)
            for name, table in tables.items():
                lay_out_table(file, name, table)

    def _new_sources(self, track, name, owned, generation=0, first=0):
        """The parts that are written from now on."""
        planes = [track.selection.planes(*one) for one in owned]
        return [
            Source(part_path(self.path, rank, generation).name, track.in_part(name), lo, hi, first)
            for rank, (lo, hi) in enumerate(planes)
            if hi > lo
        ]

    def _create_anew(self, tracks, owned, kept, t, how: Continuation):
        """Rank 0 lays out a main file over the parts before and those from now on; returns the run
        that it is of.
        """

        def sources(track, name):
            new = self._new_sources(track, name, owned, how.generation, how.first[track.group])
            return [*how.sources[track.group, name], *new]

        self._main.begin()
        with explained_write_errors(self.path), open_hdf5(self._main.current_path, "w") as file:
            lay_out_anew(self._main.path, file, tracks, owned, sources, kept, t)
            return str(file.attrs["run"])

    def _keep_before(self, how: Continuation):
        if how.before:
            with explained_write_errors(self.path):
                keep_under(self._main.path, self._main.path.with_name(how.before))

    def _cut(self, kept, t, how: Continuation):
        """Drop what comes after the first so many frames: rank 0 in the one file, each rank in its
        own.
        """
        tracks = [track.track for track in self._tracks.values()]
        self._appeared = True
        if self._comm.rank == 0:
            cut(self._main.path, tracks, how.in_parts, kept, t)
            self._main.resume()
        if self._own_part is not None:
            planes = {group: track.planes for group, track in self._tracks.items()}
            cut_part(
                self._own_part.path,
                tracks,
                planes,
                {group: kept[group] - how.first[group] for group in kept},
            )
            self._own_part.resume()

    def _open(self, tables):
        """Open the file for the frames: all ranks together, or rank 0 and, with parts, each rank
        its own.
        """
        path = self._comm.bcast(self._main.current_path if self._comm.rank == 0 else None)
        with explained_write_errors(self.path):
            if self._storage == "single" and self._comm.size > 1:
                self._file = self._written.keep(open_together(path, self._comm))
            elif self._comm.rank == 0:
                self._file = self._written.keep(open_hdf5(path, "r+"))
            for track in self._tracks.values() if self._file is not None else ():
                track.open(self._file, has_data=self._storage == "single")
            if self._file is not None:
                self._tables = {
                    name: TableWriter(self._file, name, self._comm.rank) for name in tables
                }

    def _open_part(self):
        if self._own_part is None:
            return
        with explained_write_errors(self._own_part.shown):
            self._part = self._written.keep(open_hdf5(self._own_part.path, "r+"))
        for track in self._tracks.values():
            track.open_part(self._part)

    def _create_part(self, run):
        if self._own_part is None:
            return
        self._own_part.begin()
        with explained_write_errors(self._own_part.shown):
            self._part = self._written.keep(open_hdf5(self._own_part.current_path, "w"))
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
            raise ValueError(
                f"{self.path}: time must increase from frame to frame, got {t} ms "
                f"after {track.last_time} ms; write another run to another file"
            )
        if set(fields) != set(track.names):
            raise ValueError(
                f"{self.path} holds {', '.join(track.names)}; got {', '.join(fields) or 'nothing'}"
            )
        lo, hi = self._planes
        expected = (hi - lo, *self._box.shape[1:])
        for name, field in fields.items():
            if tuple(field.shape) != expected:
                raise ValueError(
                    f"{self.path}: rank {self._comm.rank} owns {expected} voxels of {name}, "
                    f"got an array of shape {tuple(field.shape)}"
                )

    def _look_at_disk(self, track):
        """The files are those that were begun, and rank 0, or with parts each rank for its own,
        finds room for a frame.
        """
        self._check_own_files()
        if self._storage == "single" and self._comm.rank == 0:
            check_room(self.path, track.frame_bytes)
        elif self._part is not None and track.own_bytes:
            check_room(self._own_part.shown, track.own_bytes)

    def _guarded(self, action, *arguments):
        """With parts a rank may fail alone, and all are told; the one file is written by all
        together.
        """
        if self._storage == "parts":
            everywhere(self._comm, action, *arguments)
        else:
            action(*arguments)

    def _write(self, track, name):
        with explained_write_errors(self.path if self._part is None else self._own_part.shown):
            track.write(name)
            if self._part is not None:
                self._part.flush()

    def _tell(self, track, t):
        if self._file is not None:
            with explained_write_errors(self.path):
                track.tell(t)
                self._file.flush()


def _nothing(*_):
    """What the other ranks do."""
