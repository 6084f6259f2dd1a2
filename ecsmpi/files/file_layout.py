"""The layout of a file of frames, one HDF5 file that is at once VTKHDF and netCDF-4.

    /                          Conventions, format, run, date, command, ranks, box, ... (provenance)
    /time  (time)        ms    unlimited; /z /y /x: voxel centres in um; the four are dimension scales
    /k     (time,z,y,x)  mM    a hard link to the cell data below, so that netCDF readers find it
    /VTKHDF                    Version, Type, WholeExtent, Origin, Spacing, Direction
    /VTKHDF/CellData/k         the concentrations: one frame a step
    /VTKHDF/Steps              NSteps; Values (time); CellDataOffsets/k (time)
    /k_slice_z                 a selection of voxels: frames, voxels (what they are), grid_... (where)
    /k_slice_z/k               with /k_slice_z/time, z, y and x of its own
    /diagnostics/k             numbers through time: see `table`

VTK finds the data below /VTKHDF; xarray, h5netcdf and netCDF4 find the same data and the axes at
the root. Each selection is a netCDF-4 group. One process lays the file out, without MPI, before any
frame is written.
"""

from __future__ import annotations

import datetime
import shlex
import sys
from dataclasses import dataclass

import h5py
import numpy as np

from ecsmpi.files.items import Encoding
from ecsmpi.files.parts import virtual_field
from ecsmpi.files.selection import Selection
from ecsmpi.files.table import FOLDER

FORMAT = "ecsmpi grid 1"
PART_FORMAT = "ecsmpi grid part 1"
RESERVED = ("time", "x", "y", "z", "VTKHDF", FOLDER)
CHUNK_BYTES = 4 << 20
MOST_NUMBERS = 4096  # in an attribute: HDF5 has room for 64 kB


@dataclass(frozen=True)
class Track:
    """Frames at the same times of the same voxels: of the whole box, or, in a group of its own, of
    a selection.

    encodings: species -> how its numbers are stored
    """

    group: str
    selection: Selection
    encodings: dict[str, Encoding]

    @property
    def data_group(self) -> str:
        """Where in the file the species are; in the files beside it they are in ``group``."""
        return self.group or "VTKHDF/CellData"

    def in_part(self, name: str) -> str:
        """The path of a species in the files beside it."""
        return f"{self.group}/{name}" if self.group else name


def origin(comm) -> dict:
    """When and how a file is written, for its attributes."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "date": now.isoformat(timespec="seconds"),
        "command": shlex.join(sys.orig_argv),
        "ranks": comm.size,
    }


def lay_out(file, tracks, owned, attributes, sources=None):
    """Everything of an open, empty file but its frames.

    owned       (lo, hi) of each rank: the x-planes that it writes, none where lo == hi
    attributes  for the root of the file: name -> text, number or list of these
    sources     None: the frames come into this file; else (track, species) -> the Sources in files beside it
    """
    for name, value in attributes.items():
        _write_attribute(file, name, value)
    for track in tracks:
        lay_out_track = _lay_out_selection if track.group else _lay_out_box
        lay_out_track(file, track, [track.selection.planes(*planes) for planes in owned], sources)


def _lay_out_box(file, track, owned, sources):
    """The whole box, for VTK and for netCDF readers."""
    vtk = _write_vtk(file, track.selection.grid)
    axes = _write_axes(file, track.selection.grid)
    values = series(vtk, "Steps/Values", float)
    values.dims[0].attach_scale(axes[0])
    vtk["Steps"].attrs["NSteps"] = np.int64(0)
    for name, data in _fields(file, track, owned, sources):
        _describe(name, data, axes)
        file[name] = data
        offsets = series(vtk, f"Steps/CellDataOffsets/{name}", np.int64)
        offsets.dims[0].attach_scale(axes[0])


def _lay_out_selection(file, track, owned, sources):
    """A selection of voxels, for netCDF readers."""
    selection, group = track.selection, file.create_group(track.group)
    group.attrs.update(
        {
            "voxels": selection.describe(),
            "frames": np.int64(0),
            "grid_lo_um": selection.grid.lo,
            "grid_voxel_um": selection.grid.spacing,
            "grid_voxels": selection.grid.shape,
        }
    )
    axes = _write_axes(group, selection.grid)
    for name, data in _fields(file, track, owned, sources):
        _describe(name, data, axes)
        if selection.mean is not None:
            data.attrs["cell_methods"] = f"{selection.mean}: mean"


def _fields(file, track, owned, sources):
    """(name, dataset) of each species, made on the way; owned: the planes of the track's own grid."""
    group, shape = file.require_group(track.data_group), track.selection.grid.shape
    widest = max(hi - lo for lo, hi in owned)
    for name, encoding in track.encodings.items():
        if sources is None:
            yield name, field(group, name, shape, widest, encoding)
        else:
            yield name, virtual_field(group, name, shape, sources(track, name), encoding)


def _write_attribute(file, name, value):
    try:
        array = np.asarray(value)
        if array.size > MOST_NUMBERS:
            raise ValueError(
                f"attribute {name!r} may have {MOST_NUMBERS} numbers at most, got {array.size}"
            )
        file.attrs[name] = value
    except TypeError:
        raise ValueError(
            f"attribute {name!r} must be text, a number or a list of these, got {value!r}"
        ) from None


def _write_vtk(file, box):
    """The VTKHDF group without its fields and steps."""
    vtk = file.create_group("VTKHDF")
    nx, ny, nz = box.shape
    vtk.attrs["Version"] = np.array([2, 2], dtype=np.int64)
    vtk.attrs.create("Type", b"ImageData", dtype=h5py.string_dtype("ascii", len("ImageData")))
    vtk.attrs["WholeExtent"] = np.array([0, nx, 0, ny, 0, nz], dtype=np.int64)
    vtk.attrs["Origin"] = np.array(box.lo, dtype=float)
    vtk.attrs["Spacing"] = np.array(box.spacing, dtype=float)
    vtk.attrs["Direction"] = np.eye(3).ravel()
    vtk.create_group("CellData", track_order=True)
    return vtk


def _write_axes(group, box):
    """The four dimension scales: time and the coordinates of the voxels."""
    time = series(group, "time", float)
    time.attrs.update({"units": "ms", "long_name": "time", "axis": "T"})
    time.make_scale("time")
    return [time, *(_coordinate(group, box, axis) for axis in "zyx")]


def _coordinate(group, box, axis):
    a = "xyz".index(axis)
    scale = group.create_dataset(
        axis, data=box.lo[a] + box.spacing[a] * (np.arange(box.shape[a]) + 0.5)
    )
    scale.attrs.update(
        {"units": "um", "long_name": f"{axis} of the voxel centres", "axis": axis.upper()}
    )
    scale.make_scale(axis)
    return scale


def series(group, name, dtype):
    """An empty dataset of one axis that grows."""
    return group.create_dataset(
        name, (0,), dtype=dtype, maxshape=(None,), chunks=(1024,), dcpl=early()
    )


def early():
    """Storage made as the axis grows: ranks that write together cannot make it on the way."""
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    return properties


def field(group, name, shape, widest, encoding):
    """A dataset (time, z, y, x), yet without frames, of ``shape`` = (nx, ny, nz) voxels.

    widest: planes of the thickest slab
    """
    nx, ny, nz = shape
    packed = (
        dict(compression="gzip", compression_opts=int(encoding.compression), shuffle=True)
        if encoding.compression
        else {}
    )
    return group.create_dataset(
        name,
        (0, nz, ny, nx),
        dtype=encoding.precision,
        maxshape=(None, nz, ny, nx),
        chunks=chunk_shape(shape, widest),
        fill_time="never",
        dcpl=early(),
        **packed,
    )


def chunk_shape(shape, widest):
    """Chunks (time, z, y, x) about as wide as the widest slab, so that few ranks share one; at most
    4 MiB.
    """
    nx, ny, nz = shape
    width = _even(nx, widest)
    deep = _even(nz, CHUNK_BYTES // (8 * width * ny))
    return 1, deep, _even(ny, CHUNK_BYTES // (8 * width * deep)), width


def _even(count, most):
    """The size of the pieces when ``count`` is cut into as few equal pieces of at most ``most`` as
    can be.
    """
    pieces = -(-count // max(1, min(count, most)))
    return -(-count // pieces)


def _describe(name, data, axes):
    """Units and dimensions."""
    data.attrs.update({"units": "mM", "long_name": f"extracellular concentration of {name}"})
    for dimension, scale in zip(data.dims, axes):
        dimension.attach_scale(scale)
