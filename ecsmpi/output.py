"""The frames of a box in one HDF5 file, written by all ranks: at once VTKHDF and netCDF-4.

    /                          Conventions, format, run, date, command, ranks, box, ... (provenance)
    /time  (time)        ms    unlimited; /z /y /x: voxel centres in um; the four are dimension scales
    /k     (time,z,y,x)  mM    a hard link to the cell data below, so that netCDF readers find it
    /VTKHDF                    Version, Type, WholeExtent, Origin, Spacing, Direction
    /VTKHDF/CellData/k         the concentrations: one frame a step
    /VTKHDF/Steps              NSteps; Values (time); CellDataOffsets/k (time)

VTK wants x fastest, the simulation has z fastest: a frame is transposed as it is written. With parallel
HDF5 all ranks write the one file; without it each rank writes its planes to ``STEM.rank00003.h5`` and the
one file holds virtual datasets over these parts.
"""

from __future__ import annotations

import datetime
import os
import shlex
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

FORMAT = "ecsmpi grid 1"
STORAGES = ("auto", "single", "parts")
CHUNK_BYTES = 4 << 20
RESERVED = ("time", "x", "y", "z", "VTKHDF")


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
        self._file = self._part = None
        owned = _checked_planes(comm.allgather(self._planes), box.shape[0])
        self._storage = _chosen_storage(storage, comm.size)
        run = comm.bcast(uuid.uuid4().hex if comm.rank == 0 else None)
        provenance = {**self._provenance(run), **(attributes or {})}
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
        self._steps = self._series = self._data = None
        for file in files:
            if file is not None:
                with _telling(self.path):
                    file.close()

    # -- set-up

    def _provenance(self, run):
        box = self._box
        return {
            "Conventions": "CF-1.10", "format": FORMAT, "title": "extracellular concentrations", "run": run,
            "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "command": shlex.join(sys.orig_argv), "ranks": self._comm.size, "species": ", ".join(self._names),
            "box_lo_um": list(box.lo), "box_hi_um": list(box.hi), "voxel_um": list(box.spacing),
            "voxels": list(box.shape),
        }

    def _create(self, owned, provenance):
        """Rank 0 alone lays out the whole file, so that the others only ever open it."""
        if self._comm.rank != 0:
            return
        _check_folder(self.path)
        widest = max(hi - lo for lo, hi in owned)
        with _telling(self.path), h5py.File(self.path, "w", locking=False) as file:
            file.attrs.update(provenance)
            axes = _write_axes(file, self._box)
            for name in self._names:
                if self._storage == "parts":
                    data = _virtual_field(file, name, self._box, owned, self.path)
                else:
                    data = _field(file, f"VTKHDF/CellData/{name}", self._box.shape, widest)
                _describe(file, name, data, axes)

    def _open(self, run):
        """Open the file for the frames: all ranks together, or the parts and, on rank 0, the file over them."""
        lo, hi = self._planes
        with _telling(self.path):
            if self._storage == "single" and self._comm.size > 1:
                self._file = h5py.File(self.path, "r+", driver="mpio", comm=self._comm)
            elif self._comm.rank == 0:
                self._file = h5py.File(self.path, "r+", locking=False)
        if self._storage == "parts" and hi > lo:
            path = part_path(self.path, self._comm.rank)
            with _telling(path):
                self._part = h5py.File(path, "w", locking=False)
                self._part.attrs.update({"format": FORMAT + " part", "run": run, "planes": [lo, hi]})
                for name in self._names:
                    _field(self._part, name, (hi - lo, *self._box.shape[1:]), hi - lo)

    def _plan(self):
        """Everything that a frame needs: handles, the transposed frame, the selections of this rank."""
        self._data, self._steps, self._series = {}, None, []
        if self._storage == "parts":
            if self._part is not None:
                self._data = {name: self._part[name] for name in self._names}
        else:
            self._data = {name: self._file["VTKHDF/CellData"][name] for name in self._names}
        if self._file is not None:
            self._steps = self._file["VTKHDF/Steps"]
            self._series = [(self._file["time"], True), (self._steps["Values"], True)]
            self._series += [(self._steps["CellDataOffsets"][name], False) for name in self._names]
        _, ny, nz = self._box.shape
        lo, hi = self._planes
        self._first_plane = 0 if self._storage == "parts" else lo
        self._frame = np.empty((nz, ny, hi - lo))
        self._transfer = h5py.h5p.create(h5py.h5p.DATASET_XFER)
        if self._storage == "single" and self._comm.size > 1:
            self._transfer.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)

    # -- a frame

    def _check_frame(self, t, fields):
        if self._data is None:
            raise ValueError(f"{self.path} is closed: open a new GridFile to write more frames")
        if not self._last_time < t < np.inf:
            raise ValueError(f"{self.path}: time must increase from frame to frame, got {t} ms "
                             f"after {self._last_time} ms; write another run to another file")
        if set(fields) != set(self._names):
            raise ValueError(f"{self.path} holds {', '.join(self._names)}; got {', '.join(fields) or 'nothing'}")
        expected = self._frame.shape[::-1]
        for name, field in fields.items():
            if np.shape(field) != expected:
                raise ValueError(f"{self.path}: rank {self._comm.rank} owns {expected} voxels of {name}, "
                                 f"got an array of shape {np.shape(field)}")

    def _write_fields(self, fields):
        with _telling(self._part_or_file()):
            for name, dataset in self._data.items():
                dataset.resize(self.frames + 1, axis=0)
                np.copyto(self._frame, fields[name].transpose(2, 1, 0))
                self._write_frame(dataset)
            if self._part is not None:
                self._part.flush()

    def _write_frame(self, dataset):
        """h5py skips a write of no elements, and the other ranks would wait in it: so by h5py's low level."""
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
        with _telling(self.path):
            for dataset, is_time in self._series:
                dataset.resize(self.frames + 1, axis=0)
                if self._comm.rank == 0:
                    dataset[self.frames] = t if is_time else self.frames
            self._steps.attrs.modify("NSteps", np.int64(self.frames + 1))
            self._file.flush()

    def _part_or_file(self):
        return self.path if self._part is None else Path(self._part.filename)


def part_path(path, rank):
    """The file with the planes of one rank, beside ``path``."""
    path = Path(path)
    return path.with_name(f"{path.stem}.rank{rank:05d}.h5")


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


@contextmanager
def _telling(path):
    """HDF5 reports a full disk and the like without the path, as OSError or RuntimeError."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        raise OSError(f"cannot write {path}: {error}; see that the disk has space left, that the folder is "
                      "writable and that no other program writes the file") from error


def _check_folder(path):
    folder = path.parent
    if not folder.is_dir():
        raise OSError(f"cannot write {path}: there is no folder {folder}; create it first")
    if path.is_dir():
        raise OSError(f"cannot write {path}: it is a folder; give the name of a file")
    if not os.access(path if path.exists() else folder, os.W_OK):
        raise OSError(f"cannot write {path}: permission denied; choose a folder that you may write to")


# -- the layout of the file; rank 0 alone

def _write_axes(file, box):
    """The VTKHDF group, the steps and the coordinates; returns the four dimension scales."""
    vtk = file.create_group("VTKHDF")
    nx, ny, nz = box.shape
    vtk.attrs["Version"] = np.array([2, 2], dtype=np.int64)
    vtk.attrs.create("Type", b"ImageData", dtype=h5py.string_dtype("ascii", len("ImageData")))
    vtk.attrs["WholeExtent"] = np.array([0, nx, 0, ny, 0, nz], dtype=np.int64)
    vtk.attrs["Origin"] = np.array(box.lo, dtype=float)
    vtk.attrs["Spacing"] = np.array(box.spacing, dtype=float)
    vtk.attrs["Direction"] = np.eye(3).ravel()
    time = _series(file, "time", float)
    time.attrs.update({"units": "ms", "long_name": "time", "axis": "T"})
    time.make_scale("time")
    values = _series(vtk, "Steps/Values", float)
    values.dims[0].attach_scale(time)
    vtk["Steps"].attrs["NSteps"] = np.int64(0)
    return [time, *(_coordinate(file, box, axis) for axis in "zyx")]


def _coordinate(file, box, axis):
    a = "xyz".index(axis)
    scale = file.create_dataset(axis, data=box.lo[a] + box.spacing[a] * (np.arange(box.shape[a]) + 0.5))
    scale.attrs.update({"units": "um", "long_name": f"{axis} of the voxel centres", "axis": axis.upper()})
    scale.make_scale(axis)
    return scale


def _series(group, name, dtype):
    return group.create_dataset(name, (0,), dtype=dtype, maxshape=(None,), chunks=(1024,), dcpl=_early())


def _early():
    """Storage made as the axis grows: ranks that write together cannot make it on the way."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    return properties


def _field(group, name, shape, widest):
    nx, ny, nz = shape
    return group.create_dataset(name, (0, nz, ny, nx), dtype=float, maxshape=(None, nz, ny, nx),
                                chunks=chunk_shape(shape, widest), fill_time="never", dcpl=_early())


def chunk_shape(shape, widest):
    """Chunks (time, z, y, x) as wide as the widest slab, so that mostly one rank writes a chunk, below 4 MiB."""
    nx, ny, nz = shape
    row = 8 * min(nx, widest)
    return 1, _even(nz, CHUNK_BYTES // (row * ny)), _even(ny, CHUNK_BYTES // row), min(nx, widest)


def _even(count, most):
    """The size of the pieces when ``count`` is cut into as few equal pieces of at most ``most`` as can be."""
    pieces = -(-count // max(1, min(count, most)))
    return -(-count // pieces)


def _virtual_field(file, name, box, owned, path):
    """A dataset that is the parts side by side along x and as long as they are."""
    nx, ny, nz = box.shape
    unlimited = h5py.h5s.UNLIMITED
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_fill_value(np.array([np.nan]))
    for rank, (lo, hi) in enumerate(owned):
        if hi > lo:
            target = h5py.h5s.create_simple((1, nz, ny, nx), (unlimited, nz, ny, nx))
            source = h5py.h5s.create_simple((1, nz, ny, hi - lo), (unlimited, nz, ny, hi - lo))
            count, block = (unlimited, 1, 1, 1), (1, nz, ny, hi - lo)
            target.select_hyperslab((0, 0, 0, lo), count, block=block)
            source.select_hyperslab((0, 0, 0, 0), count, block=block)
            properties.set_virtual(target, part_path(path, rank).name.encode(), name.encode(), source)
    group = file["VTKHDF"].require_group("CellData")
    space = h5py.h5s.create_simple((0, nz, ny, nx), (unlimited, nz, ny, nx))
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, space, dcpl=properties)
    return group[name]


def _describe(file, name, data, axes):
    """Units, dimensions, the link for netCDF readers and the offsets for VTK."""
    data.attrs.update({"units": "mM", "long_name": f"extracellular concentration of {name}"})
    for dimension, scale in zip(data.dims, axes):
        dimension.attach_scale(scale)
    file[name] = data
    offsets = _series(file["VTKHDF"], f"Steps/CellDataOffsets/{name}", np.int64)
    offsets.dims[0].attach_scale(axes[0])
