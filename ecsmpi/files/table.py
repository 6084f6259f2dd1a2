"""Numbers through time in a file: a group /diagnostics/NAME with an axis of time and columns.

Each column is a dataset.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import h5py
import numpy as np

FOLDER = "diagnostics"
SLACK = 1e-9  # ms: a time reached by other steps is the same but for round-off


@dataclass(frozen=True)
class Column:
    """One number at each time or, ``along`` an axis of the table, several numbers."""

    units: str
    long_name: str
    along: str | None = None


@dataclass(frozen=True)
class Table:
    """Columns by name, and the axes (um) of those columns that have several numbers at a time."""

    columns: dict[str, Column]
    axes: dict[str, np.ndarray] = field(default_factory=dict)


def lay_out_table(file, name: str, table: Table) -> None:
    """Write everything of a table but its rows into an open file."""
    group = file.create_group(f"{FOLDER}/{name}")
    scales = {"time": _dataset(group, "time", (), "ms", "time")}
    for axis, values in table.axes.items():
        scales[axis] = group.create_dataset(axis, data=values)
        scales[axis].attrs.update({"units": "um", "long_name": axis})
    for axis, scale in scales.items():
        scale.make_scale(axis)
    for column_name, column in table.columns.items():
        axes = [column.along] if column.along else []
        shape = tuple(len(table.axes[axis]) for axis in axes)
        data = _dataset(group, column_name, shape, column.units, column.long_name)
        for dimension, axis in zip(data.dims, ["time", *axes]):
            dimension.attach_scale(scales[axis])
    group.attrs["rows"] = np.int64(0)


def _dataset(group, name: str, shape: tuple[int, ...], units: str, long_name: str):
    """Create a dataset that grows along time.

    HDF5 allocates its storage as the axis grows: ranks that write together cannot allocate it when
    they write.
    """
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    rows = 1024 // max(1, *shape) if shape else 1024
    data = group.create_dataset(
        name,
        (0, *shape),
        dtype=float,
        maxshape=(None, *shape),
        chunks=(max(1, rows), *shape),
        dcpl=early,
    )
    data.attrs.update({"units": units, "long_name": long_name})
    return data


def _grows(data) -> bool:
    """Whether a dataset of a table has a number for each row: an axis such as radius does not."""
    return data.maxshape[0] is None


def copy_table(old, file, name: str, rows: int) -> None:
    """Lay out the table of another file anew in an open file, with its first rows.

    Parameters
    ----------
    old : h5py.Group
        The table in the other file.
    file : h5py.File
        The open file.
    name : str
        Name of the table.
    rows : int
        How many rows to copy.
    """
    columns, axes = {}, {}
    for column_name, data in old.items():
        if not _grows(data):
            axes[column_name] = data[:]
        elif column_name != "time":
            along = data.dims[1][0].name.rpartition("/")[2] if data.ndim > 1 else None
            columns[column_name] = Column(data.attrs["units"], data.attrs["long_name"], along)
    lay_out_table(file, name, Table(columns, axes))
    group = file[f"{FOLDER}/{name}"]
    for column_name in ("time", *columns):
        group[column_name].resize(rows, axis=0)
        group[column_name][:] = old[column_name][:rows]
    group.attrs.modify("rows", np.int64(rows))


class TableWriter:
    """Adds rows to a table of an open file, on all ranks that have the file open.

    Parameters
    ----------
    file : h5py.File
        The file.
    name : str
        Name of the table.
    rank : int
        Number of this rank; rank 0 writes the numbers.

    Raises
    ------
    ValueError
        Where the file has no such table.
    """

    def __init__(self, file, name: str, rank: int):
        if name not in file.get(FOLDER, ()):
            raise ValueError(
                f"{file.filename} has no diagnostics of {name} to go on with: give another file"
            )
        self._group = file[f"{FOLDER}/{name}"]
        self._rank = rank
        self._written: int | None = None  # rows in the file; None before the first `write`
        self._waiting: list[dict[str, Any]] = []
        self._columns = {one: data for one, data in self._group.items() if _grows(data)}

    def append(self, row: dict[str, Any]) -> None:
        """Keep a row for the next `write`: "time" (ms) and each column -> its number or numbers."""
        self._waiting.append(row)

    def write(self) -> None:
        """Write the rows that wait. Collective.

        The first row replaces those of an earlier run from its time on.
        """
        if not self._waiting:
            return
        written = self._written
        if written is None:
            before = self._columns["time"][: int(self._group.attrs["rows"])]
            written = int(np.searchsorted(before, self._waiting[0]["time"] - SLACK))
        end = written + len(self._waiting)
        for name, data in self._columns.items():
            data.resize(end, axis=0)
            if self._rank == 0:
                data[written:end] = [row[name] for row in self._waiting]
        self._written = end
        self._waiting = []
        self._group.attrs.modify("rows", np.int64(end))


def read_tables(file) -> dict[str, dict[str, np.ndarray]]:
    """Return {table: {column or axis: values}} of an open file."""
    tables = {}
    for name, group in file[FOLDER].items() if FOLDER in file else ():
        rows = int(group.attrs["rows"])
        tables[name] = {
            one: data[:rows] if _grows(data) else data[:] for one, data in group.items()
        }
    return tables
