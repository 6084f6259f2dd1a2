"""SONATA spikes on their way into a file, which the first rank writes: they are few beside concentrations."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from ecsmpi.files.continued_file import ELSE, opened_to_go_on
from ecsmpi.files.disk import check_room, check_writable, telling
from ecsmpi.files.sonata import SPIKES, lay_out_spikes
from ecsmpi.ranks.meeting import everywhere


class SpikeFile:
    """Spikes of all ranks in the order of time.

    path: an older file there is replaced. population: its name in the file. attributes: provenance.
    kept: None for a new file, else spikes after which to go on with the one that is there.

    All methods are collective. OSError on every rank where the file cannot be written, ValueError where it is another's.
    """

    def __init__(self, path, population, comm, attributes, kept=None):
        self.path, self._comm, self._group = Path(path), comm, f"spikes/{population}"
        self.count, self._file = kept or 0, None
        everywhere(comm, self._open if comm.rank == 0 else _nothing, population, attributes, kept)

    def _open(self, population, attributes, kept):
        if kept is None:
            check_writable(self.path)
            with telling(self.path), h5py.File(self.path, "w", locking=False) as file:
                lay_out_spikes(file, population, attributes)
        else:
            with opened_to_go_on(self.path) as file:
                self._cut(file)
        with telling(self.path):
            self._file = h5py.File(self.path, "r+", locking=False)

    def _cut(self, file):
        group = file.get(self._group)
        if file.attrs.get("format") != SPIKES or group is None or len(group["timestamps"]) < self.count:
            raise ValueError(f"{self.path} does not hold the {self.count} spikes that the checkpoint goes on after: {ELSE}")
        for series in group.values():
            series.resize(self.count, axis=0)

    def append(self, times: np.ndarray, nodes: np.ndarray) -> None:
        """Add this rank's spikes, (spikes,) ms and numbers of cells, none of them before those of an earlier call."""
        gathered = self._comm.gather((times, nodes))
        if self._comm.rank == 0:
            times, nodes = (np.concatenate(part) for part in zip(*gathered))
        everywhere(self._comm, self._write if self._comm.rank == 0 else _nothing, times, nodes)
        self.count = self._comm.bcast(self.count)

    def _write(self, times, nodes):
        check_room(self.path, 16 * times.size)
        order = np.lexsort((nodes, times))
        with telling(self.path):
            for name, values in (("timestamps", times), ("node_ids", nodes)):
                series = self._file[self._group][name]
                series.resize(self.count + times.size, axis=0)
                series[self.count :] = values[order]
            self._file.flush()
        self.count += times.size

    def sync(self) -> int:
        """Wait until all of it is on the disk; returns the number of spikes."""
        if self._file is not None:
            with telling(self.path), open(self.path, "rb") as written:
                os.fsync(written.fileno())
        return self.count

    def close(self) -> None:
        """Close the file; again is harmless."""
        file, self._file = self._file, None
        if file is not None:
            with telling(self.path):
                file.close()


def _nothing(*_):
    """What the other ranks do."""
