"""The layout of SONATA's reports and spikes, HDF5 files that libsonata, bmtk and others read.

    /                                  magic, version, format, variable, and where the file comes from
    /report/All/data   (times, segments)   float32, with units
    /report/All/mapping/node_ids       (cells,) ascending
    /report/All/mapping/index_pointers (cells + 1,) the columns of a cell: from its own to the next one's
    /report/All/mapping/element_ids    (segments,) number of the section in its cell
    /report/All/mapping/element_pos    (segments,) place along the section, 0 to 1
    /report/All/mapping/time           first, end and interval, ms: the end lies one interval after the last frame
    /spikes/All/timestamps, node_ids   (spikes,) ms, in ascending order

All is the population. One process lays a file out before any frame is written.
"""

from __future__ import annotations

from dataclasses import dataclass

import h5py
import numpy as np

from ecsmpi.files.file_layout import early, series

REPORT, SPIKES = "ecsmpi report 1", "ecsmpi spikes 1"
MAGIC, VERSION = np.uint32(0x0A7A), np.array([0, 1], np.uint32)
SORTING = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
CHUNK_BYTES = 1 << 20
MOST_SPIKES = 1 << 18  # read at once


@dataclass(frozen=True)
class Mapping:
    """What the columns of a report are; arrays as in the file."""

    node_ids: np.ndarray
    index_pointers: np.ndarray
    element_ids: np.ndarray
    element_pos: np.ndarray

    @staticmethod
    def of(node: np.ndarray, element: np.ndarray, position: np.ndarray) -> Mapping:
        """Of columns (segments,) whose nodes ascend."""
        ids, first = np.unique(node, return_index=True)
        return Mapping(ids, np.append(first, node.size).astype(np.uint64), element, position)

    def same(self, group) -> bool:
        """Whether it is the mapping in a file."""
        return all(
            name in group and np.array_equal(group[name][:], array)
            for name, array in vars(self).items()
        )


def lay_out_report(
    file, population: str, mapping: Mapping, units: str, rows: int, attributes: dict
) -> None:
    """A report without frames in an open, empty file. rows: frames that are written at once."""
    _begin(file, REPORT, attributes)
    group, columns = file.create_group(f"report/{population}"), mapping.element_ids.size
    width = max(1, min(columns, CHUNK_BYTES // (4 * rows)))
    data = group.create_dataset(
        "data",
        (0, columns),
        "f4",
        maxshape=(None, columns),
        chunks=(rows, width),
        fill_time="never",
        dcpl=early(),
    )
    data.attrs["units"] = units
    for name, array in vars(mapping).items():
        group.create_dataset(f"mapping/{name}", data=array)
    group["mapping/node_ids"].attrs["sorted"] = np.uint8(1)
    group.create_dataset("mapping/time", data=np.zeros(3)).attrs["units"] = "ms"


def lay_out_spikes(file, population: str, attributes: dict) -> None:
    """A file of spikes, of which there are none yet."""
    _begin(file, SPIKES, attributes)
    group = file.create_group(f"spikes/{population}")
    group.attrs.create("sorting", 2, dtype=SORTING)
    series(group, "timestamps", float).attrs["units"] = "ms"
    series(group, "node_ids", np.uint64)


def _begin(file, kind: str, attributes: dict) -> None:
    file.attrs.update({"magic": MAGIC, "version": VERSION, "format": kind, **attributes})


class Report:
    """A report in an open file. Raises OSError where its parts do not fit together."""

    def __init__(self, file):
        self.variable = file.attrs["variable"]
        self._group = next(iter(file["report"].values()))
        mapping = self._group["mapping"]
        self.nodes, self._pointers = mapping["node_ids"][:], mapping["index_pointers"][:]
        first, end, interval = mapping["time"][:]
        self.time = first + interval * np.arange(round((end - first) / interval) if interval else 0)
        self.units, self.columns = self._group["data"].attrs["units"], self._group["data"].shape[1]
        self._check(file.filename, mapping)

    def _check(self, path, mapping) -> None:
        if len(self._group["data"]) < len(self.time):
            raise OSError(
                f"{path} is damaged: it has {len(self._group['data'])} of {len(self.time)} frames"
            )
        whole = len(self._pointers) == len(self.nodes) + 1 and np.all(
            np.diff(self._pointers.astype(np.int64)) > 0
        )
        lengths = {len(mapping[name]) for name in ("element_ids", "element_pos")} | {
            int(self._pointers[-1]),
            self.columns,
        }
        if not whole or len(lengths) > 1 or np.any(np.diff(self.nodes.astype(np.int64)) <= 0):
            raise OSError(
                f"{path} is damaged: its mapping does not say which column is which segment's"
            )

    def frame(self, index: int) -> np.ndarray:
        """(segments,) of one time."""
        return self._group["data"][index]


class SpikeTrain:
    """Spikes in an open file, in pieces: ``spikes`` yields times (ms) and nodes of some of them at
    a time.
    """

    def __init__(self, file):
        group = next(iter(file["spikes"].values()))
        self._times, self._nodes = group["timestamps"], group["node_ids"]
        if len(self._times) != len(self._nodes):
            raise OSError(
                f"{file.filename} is damaged: {len(self._times)} times and {len(self._nodes)} cells"
            )

    def __len__(self):
        """How many there are."""
        return len(self._times)

    def spikes(self):
        """Pairs of arrays."""
        for at in range(0, len(self), MOST_SPIKES):
            yield self._times[at : at + MOST_SPIKES], self._nodes[at : at + MOST_SPIKES]


def of_cells(file) -> Report | SpikeTrain | None:
    """What an open file has of cells; None where it is no report and no spikes."""
    kind = file.attrs.get("format")
    if not isinstance(kind, str) or kind not in (REPORT, SPIKES):
        return None
    return Report(file) if kind == REPORT else SpikeTrain(file)
