"""The layout of SONATA's reports and spikes: HDF5 files that libsonata, bmtk and others read.

    /                                  magic, version, format, variable, and provenance
    /report/All/data   (times, segments)   float32, with units
    /report/All/mapping/node_ids       (cells,) ascending
    /report/All/mapping/index_pointers (cells + 1,) first column of each cell, and number of columns
    /report/All/mapping/element_ids    (segments,) number of the section in its cell
    /report/All/mapping/element_pos    (segments,) place along the section, 0 to 1
    /report/All/mapping/time           first, end and interval, ms; the end lies one interval after
                                       the last frame
    /spikes/All/timestamps, node_ids   (spikes,) ms, in ascending order

All is the population. One process lays a file out before any frame is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np

from ecsmpi.files.file_layout import create_series, early_allocation

REPORT = "ecsmpi report 1"
SPIKES = "ecsmpi spikes 1"
MAGIC = np.uint32(0x0A7A)
VERSION = np.array([0, 1], np.uint32)
SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
CHUNK_BYTES = 1 << 20
MOST_SPIKES = 1 << 18  # read at once


@dataclass(frozen=True)
class Mapping:
    """Which segment each column of a report is; the arrays are those of the file."""

    node_ids: np.ndarray
    index_pointers: np.ndarray
    element_ids: np.ndarray
    element_pos: np.ndarray

    @staticmethod
    def of(node: np.ndarray, element: np.ndarray, position: np.ndarray) -> Mapping:
        """Return the mapping of columns (segments,) whose nodes ascend."""
        ids, first = np.unique(node, return_index=True)
        return Mapping(ids, np.append(first, node.size).astype(np.uint64), element, position)

    def same(self, group) -> bool:
        """Whether a file has the same mapping."""
        return all(
            name in group and np.array_equal(group[name][:], array)
            for name, array in vars(self).items()
        )


def lay_out_report(
    file, population: str, mapping: Mapping, units: str, rows: int, attributes: dict
) -> None:
    """Lay out a report without frames in an open, empty file.

    Parameters
    ----------
    file : h5py.File
        The file.
    population : str
        Name of the population.
    mapping : Mapping
        Which segment each column is.
    units : str
        Units of the values.
    rows : int
        Frames that are written at once.
    attributes : dict
        Provenance, for the root of the file.
    """
    _begin(file, REPORT, attributes)
    group = file.create_group(f"report/{population}")
    columns = mapping.element_ids.size
    width = max(1, min(columns, CHUNK_BYTES // (4 * rows)))
    data = group.create_dataset(
        "data",
        (0, columns),
        "f4",
        maxshape=(None, columns),
        chunks=(rows, width),
        fill_time="never",
        dcpl=early_allocation(),
    )
    data.attrs["units"] = units
    for name, array in vars(mapping).items():
        group.create_dataset(f"mapping/{name}", data=array)
    group["mapping/node_ids"].attrs["sorted"] = np.uint8(1)
    group.create_dataset("mapping/time", data=np.zeros(3)).attrs["units"] = "ms"


def lay_out_spikes(file, population: str, attributes: dict) -> None:
    """Lay out a file without spikes."""
    _begin(file, SPIKES, attributes)
    group = file.create_group(f"spikes/{population}")
    group.attrs.create("sorting", 2, dtype=SORTING)
    create_series(group, "timestamps", float).attrs["units"] = "ms"
    create_series(group, "node_ids", np.uint64)


def _begin(file, kind: str, attributes: dict) -> None:
    file.attrs.update({"magic": MAGIC, "version": VERSION, "format": kind, **attributes})


class Report:
    """A report in an open file. Raises OSError where its parts do not fit together.

    Attributes
    ----------
    variable, units : str
        Name and units of the values.
    time : ndarray
        (frames,) in ``time_unit``.
    time_unit : str or None
        Unit of times, as the file says; ms in files of ecsmpi.
    nodes : ndarray
        (cells,) numbers of the cells.
    columns : int
        Number of segments.
    """

    def __init__(self, file):
        self.variable = file.attrs["variable"]
        self._group = next(iter(file["report"].values()))
        self._data = self._group["data"]
        mapping = self._group["mapping"]
        self.nodes = mapping["node_ids"][:]
        self._pointers = mapping["index_pointers"][:].astype(np.int64)
        self._elements = mapping["element_ids"]
        self._positions = mapping["element_pos"]
        self.time_unit = _unit_of(mapping["time"])
        first, end, interval = mapping["time"][:]
        frames = round((end - first) / interval) if interval else 0
        self.time = first + interval * np.arange(frames)
        self.units = self._data.attrs["units"]
        self.columns = self._data.shape[1]
        self._path = file.filename
        self._check(self._path, mapping)

    def _check(self, path, mapping) -> None:
        frames = len(self._data)
        if frames < len(self.time):
            raise OSError(f"{path} is damaged: it has {frames} of {len(self.time)} frames")
        cells_have_columns = len(self._pointers) == len(self.nodes) + 1 and np.all(
            np.diff(self._pointers.astype(np.int64)) > 0
        )
        counts_of_columns = {
            len(mapping["element_ids"]),
            len(mapping["element_pos"]),
            int(self._pointers[-1]),
            self.columns,
        }
        nodes_ascend = np.all(np.diff(self.nodes.astype(np.int64)) > 0)
        if not cells_have_columns or len(counts_of_columns) > 1 or not nodes_ascend:
            raise OSError(
                f"{path} is damaged: its mapping does not say which column is which segment's"
            )

    def frame(self, index: int) -> np.ndarray:
        """Return the values of one time, (segments,)."""
        return self._data[index]

    def segments_of(self, node: int) -> slice:
        """Return the columns of a cell; raise ValueError where the report has no such cell."""
        found = np.searchsorted(self.nodes, node)
        if found == len(self.nodes) or self.nodes[found] != node:
            some = ", ".join(str(one) for one in self.nodes[:10])
            more = ", ..." if len(self.nodes) > 10 else ""
            raise ValueError(f"{self._path} has no cell {node}; it has {some}{more}")
        return slice(int(self._pointers[found]), int(self._pointers[found + 1]))

    def places(self, columns: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return the numbers of the sections in their cell, and places along them, of columns."""
        return self._elements[columns], self._positions[columns]

    def series(self, column: int) -> np.ndarray:
        """Return the values of one segment through time, (frames,); reads these alone."""
        return self._data[: len(self.time), column]


class SpikeTrain:
    """Spikes in an open file. Raises OSError where it has not as many times as cells.

    Attributes
    ----------
    time_unit : str or None
        Unit of times, as the file says; ms in files of ecsmpi.
    """

    def __init__(self, file):
        group = next(iter(file["spikes"].values()))
        self._times = group["timestamps"]
        self.time_unit = _unit_of(self._times)
        self._nodes = group["node_ids"]
        if len(self._times) != len(self._nodes):
            raise OSError(
                f"{file.filename} is damaged: {len(self._times)} times and {len(self._nodes)} cells"
            )

    def __len__(self):
        """Number of spikes."""
        return len(self._times)

    def spikes(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield times and cells of the spikes, some of them at a time."""
        for at in range(0, len(self), MOST_SPIKES):
            yield self._times[at : at + MOST_SPIKES], self._nodes[at : at + MOST_SPIKES]


def _unit_of(data) -> str | None:
    unit = data.attrs.get("units")
    return unit if isinstance(unit, str) else None


def of_cells(file) -> Report | SpikeTrain | None:
    """Return the report or the spikes of an open file; None where it has neither."""
    kind = file.attrs.get("format")
    if not isinstance(kind, str) or kind not in (REPORT, SPIKES):
        return None
    return Report(file) if kind == REPORT else SpikeTrain(file)
