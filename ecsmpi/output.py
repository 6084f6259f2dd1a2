"""The frames of a box in one HDF5 file, written by all ranks; `file_layout` says what is in it.

VTK wants x fastest, the simulation has z fastest: a frame is transposed as it is written. With parallel
HDF5 all ranks write the one file; without it each rank writes its planes to ``STEM.rank00003.h5`` and the
one file holds virtual datasets over these parts.

HDF5 has no journal: a job that is killed between two frames leaves a whole file, one that is killed inside a
write may not. So there is room for a frame on the disk before any of it is written.
"""

from __future__ import annotations

import datetime
import os
import shlex
import sys
import uuid
from pathlib import Path

import h5py
import numpy as np

from ecsmpi.disk import check_room, check_writable, telling
from ecsmpi.file_layout import FORMAT, PART_FORMAT, RESERVED, field, lay_out, part_path

STORAGES = ("auto", "single", "parts")


class GridFile:
    """One HDF5 file for one box, written by all ranks of ``comm``.

    path       file to write; an older file there is replaced
    box        has ``lo``, ``spacing`` (um), ``shape`` and ``hi``
    names      species, in the order of the file
    planes     (lo, hi): the x-planes of this rank; lo == hi on a rank without planes
    attributes provenance, written to the root: text, numbers, lists of these
    storage    "single" (one file), "parts" (a file for each rank) or "auto": single wherever h5py can; the
               environment variable ECSMPI_STORAGE decides what "auto" is

    The constructor, ``append`` and ``close`` are collective. A path that cannot be written raises the same
    OSError on every rank. A failure inside ``append`` may reach one rank alone: the caller must then abort.
    """

    def __init__(self, path, box, names, planes, comm, attributes=None, storage="auto"):
        self.path = Path(path)
        self.frames = 0
        self._box, self._comm, self._planes = box, comm, tuple(int(plane) for plane in planes)
        self._names = _checked_names(names)
        self._last_time = -np.inf
        self._file = self._part = self._data = self._steps = None
        owned = _checked_planes(comm.allgather(self._planes), box.shape[0])
        self._storage = _chosen_storage(storage, comm.size)
        run = comm.bcast(uuid.uuid4().hex if comm.rank == 0 else None)
        provenance = {**self._provenance(), **(attributes or {}), "format": FORMAT, "run": run}
        _everywhere(comm, self._create, owned, provenance)
        _everywhere(comm, self._open, run)
        self._plan()

    def append(self, t, fields):
        """Write one frame and flush it (collective).

        t       time in ms, after that of the frame before
        fields  name -> (hi - lo, ny, nz) concentrations in mM, of any memory layout

        Raises ValueError for wrong names, shapes or time and OSError where the file cannot be written.
        """
        self._check_frame(t, fields)
        _everywhere(self._comm, self._check_room)
        if self._storage == "parts":
            _everywhere(self._comm, self._write_fields, fields)
            _everywhere(self._comm, self._write_time, t)
        else:
            self._write_fields(fields)
            self._write_time(t)
        self.frames += 1
        self._last_time = t

    def close(self):
        """Close the file (collective); again is harmless."""
        files, self._file, self._part = (self._part, self._file), None, None
        self._data = self._steps = None
        for file in files:
            if file is not None:
                with telling(self.path):
                    file.close()

    # -- set-up

    def _provenance(self):
        box = self._box
        return {
            "Conventions": "CF-1.10", "title": "extracellular concentrations",
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "command": shlex.join(sys.orig_argv), "ranks": self._comm.size, "species": ", ".join(self._names),
            "box_lo_um": list(box.lo), "box_hi_um": list(box.hi), "voxel_um": list(box.spacing),
            "voxels": list(box.shape),
        }

    def _create(self, owned, provenance):
        """Rank 0 alone lays out the whole file, so that the others only ever open it."""
        if self._comm.rank != 0:
            return
        part_of = (lambda rank: part_path(self.path, rank).name) if self._storage == "parts" else None
        check_writable(self.path)
        with telling(self.path), h5py.File(self.path, "w", locking=False) as file:
            lay_out(file, self._box, self._names, owned, provenance, part_of)

    def _open(self, run):
        """Open the file for the frames: all ranks together, or rank 0 and, with parts, each rank its own."""
        with telling(self.path):
            if self._storage == "single" and self._comm.size > 1:
                self._file = h5py.File(self.path, "r+", driver="mpio", comm=self._comm)
            elif self._comm.rank == 0:
                self._file = h5py.File(self.path, "r+", locking=False)
        lo, hi = self._planes
        if self._storage == "parts" and hi > lo:
            self._create_part(part_path(self.path, self._comm.rank), run)

    def _create_part(self, path, run):
        lo, hi = self._planes
        check_writable(path)
        with telling(path):
            self._part = h5py.File(path, "w", locking=False)
            self._part.attrs.update({"format": PART_FORMAT, "run": run, "planes": [lo, hi]})
            for name in self._names:
                field(self._part, name, (hi - lo, *self._box.shape[1:]), hi - lo)
            self._part.flush()

    def _plan(self):
        """Everything that a frame needs: handles, the transposed frame, the selections of this rank."""
        _, ny, nz = self._box.shape
        lo, hi = self._planes
        fields = self._part if self._storage == "parts" else self._file["VTKHDF/CellData"]
        self._data = {name: fields[name] for name in self._names if fields is not None}
        self._first_plane = 0 if self._storage == "parts" else lo
        self._frame = np.empty((nz, ny, hi - lo))
        self._transfer = h5py.h5p.create(h5py.h5p.DATASET_XFER)
        if self._storage == "single" and self._comm.size > 1:
            self._transfer.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)
        if self._file is not None:
            self._steps = self._file["VTKHDF/Steps"]
            self._times = [self._file["time"], self._steps["Values"]]
            self._offsets = [self._steps["CellDataOffsets"][name] for name in self._names]

    # -- a frame

    def _check_frame(self, t, fields):
        if self._data is None:
            raise ValueError(f"{self.path} is closed: open a new GridFile to write more frames")
        if not self._last_time < t < np.inf:
            raise ValueError(f"{self.path}: time must increase from frame to frame, got {t} ms "
                             f"after {self._last_time} ms; write another run to another file")
        if set(fields) != set(self._names):
            raise ValueError(f"{self.path} holds {', '.join(self._names)}; "
                             f"got {', '.join(fields) or 'nothing'}")
        expected = self._frame.shape[::-1]
        for name, field in fields.items():
            if np.shape(field) != expected:
                raise ValueError(f"{self.path}: rank {self._comm.rank} owns {expected} voxels of {name}, "
                                 f"got an array of shape {np.shape(field)}")

    def _check_room(self):
        """Rank 0 looks at the disk of the one file, with parts each rank at that of its own."""
        own = self._part is not None
        voxels = self._frame.size if own else np.prod(self._box.shape)
        if own or (self._storage == "single" and self._comm.rank == 0):
            check_room(self._writing(), 8 * int(voxels) * len(self._names))

    def _write_fields(self, fields):
        with telling(self._writing()):
            for name, dataset in self._data.items():
                dataset.resize(self.frames + 1, axis=0)
                np.copyto(self._frame, fields[name].transpose(2, 1, 0))
                self._write_frame(dataset)
            if self._part is not None:
                self._part.flush()

    def _write_frame(self, dataset):
        """h5py skips a write of no elements, and the other ranks would wait in it: so by HDF5's own calls."""
        space, memory = dataset.id.get_space(), h5py.h5s.create_simple(self._frame.shape)
        if self._frame.size:
            space.select_hyperslab((self.frames, 0, 0, self._first_plane), (1, *self._frame.shape))
        else:
            space.select_none()
            memory.select_none()
        dataset.id.write(memory, space, self._frame, dxpl=self._transfer)

    def _write_time(self, t):
        """Tell of the frame only now that it is there: a reader counts NSteps frames."""
        if self._file is None:
            return
        with telling(self.path):
            entries = dict.fromkeys(self._times, t) | dict.fromkeys(self._offsets, self.frames)
            for series, value in entries.items():
                series.resize(self.frames + 1, axis=0)
                if self._comm.rank == 0:
                    series[self.frames] = value
            self._steps.attrs.modify("NSteps", np.int64(self.frames + 1))
            self._file.flush()

    def _writing(self):
        """The file that the fields of this rank go to."""
        return self.path if self._part is None else Path(self._part.filename)


def _checked_names(names):
    names = list(names)
    if not names:
        raise ValueError("a file needs at least one species, got no names")
    for name in names:
        if not isinstance(name, str) or not name or "/" in name or name in RESERVED or name == ".":
            raise ValueError(f"a species in a file must have a name without '/' and other than "
                             f"{', '.join(RESERVED)}; got {name!r}: rename it")
    if len(set(names)) < len(names):
        raise ValueError(f"species of one file must have different names, got {names}")
    return names


def _checked_planes(owned, nx):
    """The planes of all ranks must be a partition of the x-axis, or frames would have holes."""
    covered = sorted((lo, hi) for lo, hi in owned if hi > lo)
    ends = [0, *(hi for _, hi in covered)]
    if any(lo > hi for lo, hi in owned) or [lo for lo, _ in covered] + [nx] != ends:
        raise ValueError(f"the planes of all ranks must cover 0 to {nx} once, got {owned} by rank")
    return owned


def _chosen_storage(storage, ranks):
    if storage == "auto":
        storage = os.environ.get("ECSMPI_STORAGE", "auto")
    if storage not in STORAGES:
        raise ValueError(f"storage (or ECSMPI_STORAGE) must be one of {', '.join(STORAGES)}, got {storage!r}")
    shared = ranks == 1 or h5py.get_config().mpi
    if storage == "single" and not shared:
        raise ValueError("storage='single' with several ranks needs an h5py built with MPI: "
                         "install one, or use storage='parts'")
    return ("single" if shared else "parts") if storage == "auto" else storage


def _everywhere(comm, action, *arguments):
    """``action(*arguments)``; the first failure of any rank is raised on every rank (collective)."""
    failure = None
    try:
        action(*arguments)
    except Exception as error:
        failure = error
    if comm.allreduce(failure is not None):
        raise next(error for error in comm.allgather(failure) if error is not None)
