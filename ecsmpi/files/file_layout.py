"""The layout of a file of frames: one HDF5 file that is VTKHDF and netCDF-4 at the same time.

    /                          Conventions, format, run, date, command, ranks, box, ... (provenance)
    /time  (time)        ms    unlimited; /z /y /x: centres of the voxels in um; dimension scales
    /k     (time,z,y,x)  mM    a hard link to the cell data below, so that netCDF readers find it
    /VTKHDF                    Version, Type, WholeExtent, Origin, Spacing, Direction
    /VTKHDF/CellData/k         the concentrations: one frame a step
    /VTKHDF/Steps              NSteps; Values (time); CellDataOffsets/k (time)
    /k_slice_z                 a selection: frames (their number), voxels (what they are),
                               grid_lo_um, grid_voxel_um, grid_voxels (where they lie)
    /k_slice_z/k               with /k_slice_z/time, z, y and x of its own
    /diagnostics/k             numbers through time: see `table`
    /cells                     morphologies of cells: see `cells_group`

VTK finds the data below /VTKHDF; xarray, h5netcdf and netCDF4 find the same data and the axes at
the root. Each selection is a netCDF-4 group. One process lays the file out, without MPI, before any
frame is written.
"""

from __future__ import annotations

import datetime
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.files.cells_group import CELLS
from ecsmpi.files.items import Encoding
from ecsmpi.files.parts import PartSource, virtual_field
from ecsmpi.files.selection import Selection
from ecsmpi.files.table import FOLDER
from ecsmpi.files.vtk_group import create_vtk_group

FORMAT = "ecsmpi grid 1"
PART_FORMAT = "ecsmpi grid part 1"
RESERVED = ("time", "x", "y", "z", "VTKHDF", CELLS, FOLDER)
CHUNK_BYTES = 4 << 20
MOST_NUMBERS = 4096  # in an attribute: HDF5 has room for 64 kB


@dataclass(frozen=True)
class Track:
    """Frames of the same voxels at the same times: of the whole box, or of a selection.

    Parameters
    ----------
    group : str
        Group of the file that has the selection; "" for the whole box.
    selection : Selection
        The voxels.
    encodings : dict
        Species -> how its numbers are stored.
    """

    group: str
    selection: Selection
    encodings: dict[str, Encoding]

    @property
    def data_group(self) -> str:
        """The group of the main file that has the species; a rank's own file has ``group``."""
        return self.group or "VTKHDF/CellData"

    def path_in_part(self, name: str) -> str:
        """Return the path of a species in a rank's own file."""
        return f"{self.group}/{name}" if self.group else name


# (track, species) -> the parts that have it
PartSources = Callable[[Track, str], list[PartSource]]


def origin(comm) -> dict[str, Any]:
    """Return the attributes that say when and how a file is written."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "date": now.isoformat(timespec="seconds"),
        "command": shlex.join(sys.orig_argv),
        "ranks": comm.size,
    }


def lay_out(
    file: h5py.File,
    tracks: list[Track],
    owned: list[tuple[int, int]],
    attributes: dict,
    sources: PartSources | None = None,
) -> None:
    """Write everything but the frames into an open, empty file.

    Parameters
    ----------
    file : h5py.File
        The file.
    tracks : list of Track
        What the file will have.
    owned : list of (lo, hi)
        For each rank: the x-planes of the box that it writes; none where lo == hi.
    attributes : dict
        For the root of the file: name -> text, number or list of these.
    sources : callable, optional
        (track, species) -> the datasets, in files of the ranks, that have the frames. None where
        this file will have the frames.

    Raises
    ------
    ValueError
        Where HDF5 cannot hold an attribute; names it.
    """
    for name, value in attributes.items():
        _write_attribute(file, name, value)
    for track in tracks:
        planes = [track.selection.planes(lo, hi) for lo, hi in owned]
        if track.group:
            _lay_out_selection(file, track, planes, sources)
        else:
            _lay_out_box(file, track, planes, sources)


def _lay_out_box(file, track: Track, planes, sources: PartSources | None) -> None:
    """Lay out the whole box, for VTK and for netCDF readers."""
    grid = track.selection.grid
    vtk = _write_vtk(file, grid)
    axes = _write_axes(file, grid)
    values = create_series(vtk, "Steps/Values", float)
    values.dims[0].attach_scale(axes[0])
    vtk["Steps"].attrs["NSteps"] = np.int64(0)
    for name, data in _fields(file, track, planes, sources):
        _describe(name, data, axes)
        file[name] = data
        offsets = create_series(vtk, f"Steps/CellDataOffsets/{name}", np.int64)
        offsets.dims[0].attach_scale(axes[0])


def _lay_out_selection(file, track: Track, planes, sources: PartSources | None) -> None:
    """Lay out a selection of voxels, for netCDF readers."""
    selection = track.selection
    group = file.create_group(track.group)
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
    for name, data in _fields(file, track, planes, sources):
        _describe(name, data, axes)
        if selection.mean is not None:
            data.attrs["cell_methods"] = f"{selection.mean}: mean"


def _fields(file, track: Track, planes, sources: PartSources | None) -> Iterator[tuple[str, Any]]:
    """Create the dataset of each species and yield (name, dataset).

    planes: for each rank, its planes of the track's grid.
    """
    group = file.require_group(track.data_group)
    shape = track.selection.grid.shape
    widest = max(hi - lo for lo, hi in planes)
    for name, encoding in track.encodings.items():
        if sources is None:
            yield name, create_field(group, name, shape, widest, encoding)
        else:
            yield name, virtual_field(group, name, shape, sources(track, name), encoding)


def _write_attribute(file, name: str, value) -> None:
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


def _write_vtk(file, box: Box):
    """Create the VTKHDF group without its fields and steps."""
    vtk = create_vtk_group(file, "VTKHDF", "ImageData")
    nx, ny, nz = box.shape
    vtk.attrs["WholeExtent"] = np.array([0, nx, 0, ny, 0, nz], dtype=np.int64)
    vtk.attrs["Origin"] = np.array(box.lo, dtype=float)
    vtk.attrs["Spacing"] = np.array(box.spacing, dtype=float)
    vtk.attrs["Direction"] = np.eye(3).ravel()
    vtk.create_group("CellData", track_order=True)
    return vtk


def _write_axes(group, box: Box) -> list:
    """Create the dimension scales: time, z, y and x of the voxels."""
    time = create_series(group, "time", float)
    time.attrs.update({"units": "ms", "long_name": "time", "axis": "T"})
    time.make_scale("time")
    return [time, *(_coordinate(group, box, axis) for axis in "zyx")]


def _coordinate(group, box: Box, axis: str):
    a = "xyz".index(axis)
    centres = box.lo[a] + box.spacing[a] * (np.arange(box.shape[a]) + 0.5)
    scale = group.create_dataset(axis, data=centres)
    scale.attrs.update(
        {"units": "um", "long_name": f"{axis} of the voxel centres", "axis": axis.upper()}
    )
    scale.make_scale(axis)
    return scale


def create_series(group, name: str, dtype):
    """Create an empty dataset of one axis that grows."""
    return group.create_dataset(
        name, (0,), dtype=dtype, maxshape=(None,), chunks=(1024,), dcpl=early_allocation()
    )


def early_allocation():
    """Return the property that HDF5 allocates storage as an axis grows.

    Ranks that write together cannot allocate it when they write.
    """
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    return properties


def create_field(group, name: str, shape: tuple[int, int, int], widest: int, encoding: Encoding):
    """Create a dataset (time, z, y, x) without frames.

    Parameters
    ----------
    group
        The group of the file.
    name : str
        The species.
    shape : tuple
        Voxels (nx, ny, nz).
    widest : int
        Planes of the thickest slab.
    encoding : Encoding
        How the numbers are stored.
    """
    nx, ny, nz = shape
    filters: dict[str, Any] = {}
    if encoding.compression:
        filters = dict(compression="gzip", compression_opts=int(encoding.compression), shuffle=True)
    return group.create_dataset(
        name,
        (0, nz, ny, nx),
        dtype=encoding.precision,
        maxshape=(None, nz, ny, nx),
        chunks=chunk_shape(shape, widest),
        fill_time="never",
        dcpl=early_allocation(),
        **filters,
    )


def chunk_shape(shape: tuple[int, int, int], widest: int) -> tuple[int, int, int, int]:
    """Return the shape (time, z, y, x) of the chunks of a field, at most 4 MiB.

    Chunks are about as wide as the widest slab, so that few ranks share one.

    Parameters
    ----------
    shape : tuple
        Voxels (nx, ny, nz).
    widest : int
        Planes of the thickest slab.
    """
    nx, ny, nz = shape
    width = _equal_piece(nx, widest)
    depth = _equal_piece(nz, CHUNK_BYTES // (8 * width * ny))
    height = _equal_piece(ny, CHUNK_BYTES // (8 * width * depth))
    return 1, depth, height, width


def _equal_piece(count: int, most: int) -> int:
    """Return the size of each piece where ``count`` is cut into the fewest equal pieces.

    A piece is at most ``most``.
    """
    pieces = -(-count // max(1, min(count, most)))
    return -(-count // pieces)


def _describe(name: str, data, axes: list) -> None:
    """Write the units and attach the dimension scales."""
    data.attrs.update({"units": "mM", "long_name": f"extracellular concentration of {name}"})
    for dimension, scale in zip(data.dims, axes):
        dimension.attach_scale(scale)
