"""Numbers through time in a file: a group /diagnostics/NAME with a time axis, and a dataset for
each column.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import h5py
import numpy as np

FOLDER = "diagnostics"
SLACK = 1e-9  # ms: a time reached by other steps is the same but for round-off


@dataclass(frozen=True)
class Column:
    """One number at each time or, ``along`` an axis of the table, several."""

    units: str
    long_name: str
    along: str | None = None


@dataclass(frozen=True)
class Table:
    """Columns by name, and the axes (um) of those that have several numbers at a time."""

    columns: dict[str, Column]
    axes: dict[str, np.ndarray] = field(default_factory=dict)


def lay_out_table(file, name: str, table: Table) -> None:
    """Everything of a table in an open file but its rows."""
    group = file.create_group(f"{FOLDER}/{name}")
    scales = {"time": _dataset(group, "time", (), "ms", "time")}
    for axis, values in table.axes.items():
        scales[axis] = group.create_dataset(axis, data=values)
        scales[axis].attrs.update({"units": "um", "long_name": axis})
    for axis, scale in scales.items():
        scale.make_scale(axis)
    for one, column in table.columns.items():
        along = [column.along] if column.along else []
        data = _dataset(
            group, one, [len(table.axes[axis]) for axis in along], column.units, column.long_name
        )
        for dimension, axis in zip(data.dims, ["time", *along]):
            dimension.attach_scale(scales[axis])
    group.attrs["rows"] = np.int64(0)


def _dataset(group, name, shape, units, long_name):
    """Storage is made as the axis grows: ranks that write together cannot make it on the way."""
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


def copy_table(old, file, name: str, rows: int) -> None:
    """The first rows of a table of another file, laid out anew in an open one."""
    columns, axes = {}, {}
    for one, data in old.items():
        if data.maxshape[0] is not None:
            axes[one] = data[:]
        elif one != "time":
            along = data.dims[1][0].name.rpartition("/")[2] if data.ndim > 1 else None
            columns[one] = Column(data.attrs["units"], data.attrs["long_name"], along)
    lay_out_table(file, name, Table(columns, axes))
    group = file[f"{FOLDER}/{name}"]
    for one in ("time", *columns):
        group[one].resize(rows, axis=0)
        group[one][:] = old[one][:rows]
    group.attrs.modify("rows", np.int64(rows))


class TableWriter:
    """Adds rows to a table of an open file, on all ranks that have it open."""

    def __init__(self, file, name: str, rank: int):
        if name not in file.get(FOLDER, ()):
            raise ValueError(
                f"{file.filename} has no diagnostics of {name} to go on with: give another file"
            )
        self._group, self._rank = file[f"{FOLDER}/{name}"], rank
        self._rows, self._waiting = None, []
        self._data = {one: data for one, data in self._group.items() if data.maxshape[0] is None}

    def append(self, row: dict) -> None:
        """Add a row, "time" (ms) and each column -> number or numbers, at the next `write`. Local."""
        self._waiting.append(row)

    def write(self) -> None:
        """Bring the rows that wait to the file; the first one replaces rows of an earlier run from
        its time on. Collective.
        """
        if not self._waiting:
            return
        if self._rows is None:
            before = self._data["time"][: int(self._group.attrs["rows"])]
            self._rows = int(np.searchsorted(before, self._waiting[0]["time"] - SLACK))
        upto = self._rows + len(self._waiting)
        for name, data in self._data.items():
            data.resize(upto, axis=0)
            if self._rank == 0:
                data[self._rows : upto] = [row[name] for row in self._waiting]
        self._rows, self._waiting = upto, []
        self._group.attrs.modify("rows", np.int64(upto))


def read_tables(file) -> dict[str, dict[str, np.ndarray]]:
    """{table: {column or axis: values}} of an open file."""
    tables = file[FOLDER].items() if FOLDER in file else ()
    return {
        name: {one: _rows(data, int(group.attrs["rows"])) for one, data in group.items()}
        for name, group in tables
    }


def _rows(data, count: int) -> np.ndarray:
    return data[:count] if data.maxshape[0] is None else data[:]
