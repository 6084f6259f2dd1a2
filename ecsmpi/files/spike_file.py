"""SONATA spikes on their way into a file, which the first rank writes: they are few beside
concentrations.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ecsmpi.files.disk_errors import check_place, check_room, explained_write_errors
from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.resumed_file import ELSE, opened_to_go_on
from ecsmpi.files.sonata import SPIKES, lay_out_spikes
from ecsmpi.files.written_file import WrittenFile
from ecsmpi.ranks.meeting import everywhere


class SpikeFile:
    """Spikes of all ranks in the order of time.

    path: an older file there is replaced. population: its name in the file. attributes: provenance.
    kept: None for a new file, else spikes after which to go on with the one that is there.

    All methods are collective. OSError on every rank where the file cannot be written, ValueError
    where it is another's.
    """

    def __init__(self, path, population, comm, attributes, kept=None):
        self.path, self._comm, self._group = Path(path), comm, f"spikes/{population}"
        self.count, self._file, self._closed = kept or 0, None, False
        self._written = WrittenFile(path)
        self._own = self._written.own
        try:
            everywhere(
                comm, self._open if comm.rank == 0 else _nothing, population, attributes, kept
            )
        except BaseException:
            self._give_up()
            raise

    def _open(self, population, attributes, kept):
        check_place(self.path)
        self._written.lock()
        if kept is None:
            self._own.begin()
            with explained_write_errors(self.path), open_hdf5(self._own.current_path, "w") as file:
                lay_out_spikes(file, population, attributes)
        else:
            with opened_to_go_on(self._own.path) as file:
                self._cut(file)
            self._own.resume()
        with explained_write_errors(self.path):
            self._file = self._written.keep(open_hdf5(self._own.current_path, "r+"))
        self._own.appear()

    def _give_up(self):
        if self._comm.rank == 0:
            self._own.discard()
        self._written.close()

    def _cut(self, file):
        group = file.get(self._group)
        if (
            file.attrs.get("format") != SPIKES
            or group is None
            or len(group["timestamps"]) < self.count
        ):
            raise ValueError(
                f"{self.path} does not hold the {self.count} spikes that the checkpoint goes on after: {ELSE}"
            )
        for series in group.values():
            series.resize(self.count, axis=0)

    def append(self, times: np.ndarray, nodes: np.ndarray) -> None:
        """Add this rank's spikes, (spikes,) ms and numbers of cells, none of them before those of
        an earlier call.
        """
        gathered = self._comm.gather((times, nodes))
        if self._comm.rank == 0:
            times, nodes = (np.concatenate(part) for part in zip(*gathered))
        everywhere(self._comm, self._write if self._comm.rank == 0 else _nothing, times, nodes)
        self.count = self._comm.bcast(self.count)

    def _write(self, times, nodes):
        self._own.check()
        check_room(self.path, 16 * times.size)
        order = np.lexsort((nodes, times))
        with explained_write_errors(self.path):
            for name, values in (("timestamps", times), ("node_ids", nodes)):
                series = self._file[self._group][name]
                series.resize(self.count + times.size, axis=0)
                series[self.count :] = values[order]
            self._file.flush()
        self.count += times.size

    def sync(self) -> int:
        """Wait until all of it is on the disk; returns the number of spikes. Collective."""
        everywhere(self._comm, self._own.sync if self._comm.rank == 0 else _nothing)
        return self.count

    def close(self) -> None:
        """Close the file; again is harmless. OSError, on every rank, where it was deleted or
        replaced by somebody. Collective.
        """
        if self._closed:
            return
        self._closed = True
        try:
            everywhere(self._comm, self._own.check if self._comm.rank == 0 else _nothing)
        finally:
            self._written.close()


def _nothing(*_):
    """What the other ranks do."""
