"""Writes SONATA spikes from rank 0: they are few beside concentrations."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ecsmpi.files.disk_errors import check_place, check_room, explained_write_errors
from ecsmpi.files.first_rank import on_first_rank
from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.resumed_file import ELSE, opened_to_resume
from ecsmpi.files.sonata import SPIKES, lay_out_spikes
from ecsmpi.files.written_file import WrittenFile


class SpikeFile:
    """Spikes of all ranks in the order of time.

    All methods are collective.

    Parameters
    ----------
    path
        The file; an older file there is replaced.
    population : str
        Name of the population in the file.
    comm
        The ranks.
    attributes : dict
        Provenance, written to the root of the file.
    kept : int, optional
        Spikes after which to continue the file that is there; None for a new file.

    Attributes
    ----------
    count : int
        How many spikes the file has.

    Raises
    ------
    OSError
        On every rank, where the file cannot be written.
    ValueError
        On every rank, where the file to continue has not so many spikes.
    """

    def __init__(
        self,
        path: str | Path,
        population: str,
        comm,
        attributes: dict[str, Any],
        kept: int | None = None,
    ):
        self.path = Path(path)
        self._comm = comm
        self._group = f"spikes/{population}"
        self.count = kept or 0
        self._file: Any = None  # open on rank 0
        self._closed = False
        self._written = WrittenFile(path)
        self._own = self._written.own
        try:
            on_first_rank(self._comm, self._open, population, attributes, kept)
        except BaseException:
            if comm.rank == 0:
                self._own.discard()
            self._written.close()
            raise

    def _open(self, population: str, attributes: dict[str, Any], kept: int | None) -> None:
        check_place(self.path)
        self._written.lock()
        if kept is None:
            self._own.begin()
            with (
                explained_write_errors(self.path),
                open_hdf5(self._own.current_path, "w") as file,
            ):
                lay_out_spikes(file, population, attributes)
        else:
            with opened_to_resume(self._own.path) as file:
                self._cut(file)
            self._own.resume()
        with explained_write_errors(self.path):
            self._file = self._written.keep(open_hdf5(self._own.current_path, "r+"))
        self._own.appear()

    def _cut(self, file: h5py.File) -> None:
        """Drop the spikes after those that are kept."""
        group = file.get(self._group)
        if (
            file.attrs.get("format") != SPIKES
            or group is None
            or len(group["timestamps"]) < self.count
        ):
            raise ValueError(
                f"{self.path} does not hold the {self.count} spikes that the checkpoint goes on "
                f"after: {ELSE}"
            )
        for series in group.values():
            series.resize(self.count, axis=0)

    def append(self, times: np.ndarray, nodes: np.ndarray) -> None:
        """Add this rank's spikes, none of them before those of an earlier call. Collective.

        Parameters
        ----------
        times : ndarray
            (spikes,) in ms.
        nodes : ndarray
            (spikes,) numbers of the cells.
        """
        gathered = self._comm.gather((times, nodes))
        if self._comm.rank == 0:
            times = np.concatenate([rank_times for rank_times, _ in gathered])
            nodes = np.concatenate([rank_nodes for _, rank_nodes in gathered])
        on_first_rank(self._comm, self._write, times, nodes)
        self.count = self._comm.bcast(self.count)

    def _write(self, times: np.ndarray, nodes: np.ndarray) -> None:
        self._own.check()
        check_room(self.path, 16 * times.size)
        order = np.lexsort((nodes, times))
        end = self.count + times.size
        with explained_write_errors(self.path):
            for name, values in (("timestamps", times), ("node_ids", nodes)):
                series = self._file[self._group][name]
                series.resize(end, axis=0)
                series[self.count :] = values[order]
            self._file.flush()
        self.count = end

    def sync(self) -> int:
        """Wait until all of the file is on the disk; return the number of spikes. Collective."""
        on_first_rank(self._comm, self._own.sync)
        return self.count

    def close(self) -> None:
        """Close the file; a second call does nothing. Collective.

        Raises OSError, on every rank, where somebody has deleted or replaced the file.
        """
        if self._closed:
            return
        self._closed = True
        try:
            on_first_rank(self._comm, self._own.check)
        finally:
            self._written.close()
