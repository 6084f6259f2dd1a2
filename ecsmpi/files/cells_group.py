"""The morphologies of cells in a file of frames: the group /cells, which VTK can read.

    /cells                         Version, Type = PolyData, as VTKHDF's groups have them
    /cells/Points      (n, 3) um   the 3-D points of all sections, one section after the other
    /cells/Lines                   Offsets, Connectivity: one line for each section
    /cells/PointData/diameter (n,) um
    /cells/CellData/gid       (m,) of each section; -1 without a gid
    /cells/CellData/section   (m,) the section's place in names, from 0, as VTK shows no text
    /cells/names              (m,) the sections' names

VTK reads such a group at /VTKHDF of a file of its own, which `write_vtk` makes.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from ecsmpi.files.disk_errors import explained_write_errors
from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.vtk_group import create_vtk_group

CELLS = "cells"  # the group
OTHER_KINDS = ("Vertices", "Polygons", "Strips")  # VTK wants these, too


class Cells(NamedTuple):
    """The 3-D points of the sections of cells, as ``recording.cells`` has them.

    Parameters
    ----------
    points : ndarray
        (n, 3) points in um, one section after the other.
    diameters : ndarray
        (n,) diameters there in um.
    offsets : ndarray of int
        (m + 1,): section j has points[offsets[j]:offsets[j + 1]].
    gids : ndarray of int
        (m,) the gid of each section's cell; -1 without one.
    names : tuple of str
        (m,) the names of the sections. Cells of several ranks may share a name, such as
        ``Cell[0].soma``: their gids tell them apart.
    """

    points: np.ndarray
    diameters: np.ndarray
    offsets: np.ndarray
    gids: np.ndarray
    names: tuple[str, ...]

    def lines(self) -> list[np.ndarray]:
        """The points of each section.

        Returns
        -------
        list of ndarray
            (points of the section, 3) in um.
        """
        if not self.names:
            return []
        return np.split(self.points, self.offsets[1:-1])


def write_cells(file: h5py.File, cells: Cells, group: str = CELLS) -> None:
    """Write the group into an open file."""
    vtk = create_vtk_group(file, group, "PolyData")
    count = len(cells.points)
    vtk["NumberOfPoints"] = np.array([count], dtype=np.int64)
    points = vtk.create_dataset("Points", data=cells.points.astype(np.float32))
    points.attrs["units"] = "um"
    _write_lines(vtk, "Lines", cells.offsets, np.arange(count))
    for kind in OTHER_KINDS:
        _write_lines(vtk, kind, np.zeros(1), np.zeros(0))
    diameter = vtk.create_dataset("PointData/diameter", data=cells.diameters.astype(np.float32))
    diameter.attrs["units"] = "um"
    vtk["CellData/gid"] = cells.gids.astype(np.int64)
    vtk["CellData/section"] = np.arange(len(cells.names))
    vtk.create_dataset("names", data=list(cells.names), dtype=h5py.string_dtype())


def _write_lines(vtk, kind: str, offsets: np.ndarray, connectivity: np.ndarray) -> None:
    vtk[f"{kind}/NumberOfCells"] = np.array([len(offsets) - 1], dtype=np.int64)
    vtk[f"{kind}/NumberOfConnectivityIds"] = np.array([len(connectivity)], dtype=np.int64)
    vtk[f"{kind}/Offsets"] = offsets.astype(np.int64)
    vtk[f"{kind}/Connectivity"] = connectivity.astype(np.int64)


def read_cells(file: h5py.File) -> Cells | None:
    """Read the group of an open file; None where the file has none.

    Raises ValueError where the numbers of the group do not fit together.
    """
    if CELLS not in file:
        return None
    group = file[CELLS]
    cells = Cells(
        group["Points"][:].astype(float),
        group["PointData/diameter"][:].astype(float),
        group["Lines/Offsets"][:],
        group["CellData/gid"][:],
        tuple(group["names"].asstr()[:]),
    )
    _check(cells)
    return cells


def _check(cells: Cells) -> None:
    count = len(cells.points)
    sections = len(cells.names)
    fits = (
        cells.points.shape == (count, 3)
        and cells.diameters.shape == (count,)
        and cells.gids.shape == (sections,)
        and cells.offsets.shape == (sections + 1,)
    )
    if not fits or cells.offsets[0] != 0 or cells.offsets[-1] != count:
        raise ValueError(f"/{CELLS} is damaged: its points, lines and names do not fit together")
    if (np.diff(cells.offsets) < 1).any():
        raise ValueError(f"/{CELLS} is damaged: a section has no point")
    possible = np.isfinite(cells.diameters) & (cells.diameters >= 0)
    if not np.isfinite(cells.points).all() or not possible.all():
        raise ValueError(f"/{CELLS} is damaged: its points or diameters have impossible values")


def write_vtk(path: str | Path, cells: Cells) -> None:
    """Write cells to a file of their own, which ParaView and PyVista open.

    Raises OSError where the file cannot be written.
    """
    with explained_write_errors(path), open_hdf5(path, "w") as file:
        write_cells(file, cells, "VTKHDF")
