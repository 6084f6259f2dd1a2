"""Writes a SONATA report: all ranks together, or rank 0 where HDF5 is not parallel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ecsmpi.files.columns import ColumnExchange, columns_of
from ecsmpi.files.disk_errors import check_room, explained_write_errors
from ecsmpi.files.first_rank import on_first_rank
from ecsmpi.files.opening import open_hdf5, open_together
from ecsmpi.files.resumed_file import ELSE, opened_to_resume
from ecsmpi.files.shared_folder import check_folder_of
from ecsmpi.files.sonata import REPORT, Mapping, lay_out_report
from ecsmpi.files.written_file import WrittenFile
from ecsmpi.ranks.meeting import everywhere

BUFFER_BYTES = 16 << 20  # of each rank's frames that wait
MOST_ROWS = 1000


class ReportFile:
    """One variable of all ranks' segments through time.

    All methods are collective.

    Parameters
    ----------
    path
        The file; an older file there is replaced once this one has a frame, or by ``appear``.
    population : str
        Name of the population in the file.
    node, element, position : ndarray
        (segments,) of this rank: number of the cell, number of the section in its cell, and place
        along the section.
    units : str
        Units of the variable.
    interval : float
        ms between frames.
    comm
        The ranks.
    shared : bool
        Whether all ranks write the file; else rank 0 does.
    attributes : dict
        Provenance, written to the root of the file.
    kept : int, optional
        Frames after which to continue the file that is there; None for a new file.

    Attributes
    ----------
    rows : int
        Most frames that one call of ``append`` may bring.
    frames : int
        How many frames the file has.

    Raises
    ------
    OSError
        On every rank, where the file cannot be written.
    ValueError
        On every rank, where the file to continue has other segments.
    """

    def __init__(
        self,
        path: str | Path,
        population: str,
        node: np.ndarray,
        element: np.ndarray,
        position: np.ndarray,
        units: str,
        interval: float,
        comm,
        shared: bool,
        attributes: dict[str, Any],
        kept: int | None = None,
    ):
        self.path = Path(path)
        self._comm = comm
        self.interval = interval
        columns, total = columns_of(comm, node)
        most_columns = comm.allreduce(max(1, columns.size), max)
        self.rows = int(np.clip(BUFFER_BYTES // (4 * most_columns), 1, MOST_ROWS))
        writers = comm.size if shared else 1
        self._columns = ColumnExchange(comm, columns, total, writers, self.rows, np.float32)
        mapping = _mapping(comm, columns, node, element, position)
        self._group = f"report/{population}"
        self.frames = kept or 0
        self._file: h5py.File | None = None
        self._written = WrittenFile(path)
        self._closed = False
        self._own = self._written.own
        check_folder_of(comm, self.path)
        on_first_rank(self._comm, self._written.lock)
        try:
            if kept is None:
                on_first_rank(self._comm, self._create, population, mapping, units, attributes)
            else:
                on_first_rank(self._comm, self._cut, mapping)
            everywhere(comm, self._open, shared)
        except BaseException:
            self.discard()
            raise

    def _create(self, population: str, mapping: Mapping, units: str, attributes: dict) -> None:
        self._own.begin()
        with (
            explained_write_errors(self.path),
            open_hdf5(self._own.current_path, "w") as file,
        ):
            lay_out_report(file, population, mapping, units, self.rows, attributes)

    def _cut(self, mapping: Mapping) -> None:
        """Drop the frames after those that are kept."""
        with opened_to_resume(self._own.path) as file:
            group = file.get(self._group)
            if (
                file.attrs.get("format") != REPORT
                or group is None
                or not mapping.same(group["mapping"])
            ):
                raise ValueError(f"{self.path} is not a report of these segments: {ELSE}")
            in_file = len(group["data"])
            if in_file < self.frames:
                raise ValueError(
                    f"{self.path} has {in_file} frames, the checkpoint goes on after "
                    f"{self.frames}: {ELSE}"
                )
            group["data"].resize(self.frames, axis=0)
            first = group["mapping/time"][0]
            group["mapping/time"][:] = first, first + self.frames * self.interval, self.interval
        self._own.resume()

    def _open(self, shared: bool) -> None:
        self._transfer = h5py.h5p.create(h5py.h5p.DATASET_XFER)
        path = self._comm.bcast(self._own.current_path if self._comm.rank == 0 else None)
        with explained_write_errors(self.path):
            if shared and self._comm.size > 1:
                self._file = self._written.keep(open_together(path, self._comm))
                self._transfer.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)
            elif self._comm.rank == 0:
                self._file = self._written.keep(open_hdf5(path, "r+"))

    def appear(self) -> None:
        """Give a new file its name; a second call does nothing. Collective."""
        on_first_rank(self._comm, self._own.appear)

    def append(self, first: float, rows: np.ndarray) -> None:
        """Write frames. Collective.

        Parameters
        ----------
        first : float
            Time of the file's first frame (ms).
        rows : ndarray
            (n, segments) float32 of this rank, n > 0.
        """
        share = self._columns.bring(rows)
        everywhere(self._comm, self._check_disk, len(rows))
        if self._file is not None:
            with explained_write_errors(self.path):
                self._write(self._file, share)
                self._publish(self._file, first, self.frames + len(share))
        self.frames += len(rows)
        self.appear()

    def _check_disk(self, rows: int) -> None:
        """Raise OSError unless the file is still there and the disk has room for the frames."""
        if self._comm.rank == 0 and self._file is not None:
            self._own.check()
            columns = self._file[self._group]["data"].shape[1]
            check_room(self.path, 4 * rows * columns)

    def _write(self, file: h5py.File, share: np.ndarray) -> None:
        """Write this rank's columns.

        Calls HDF5 itself: h5py skips a write of no elements, and the other ranks would wait.
        """
        data = file[self._group]["data"]
        data.resize(self.frames + len(share), axis=0)
        space = data.id.get_space()
        memory = h5py.h5s.create_simple(share.shape)
        if share.size:
            space.select_hyperslab((self.frames, self._columns.lo), share.shape)
        else:
            space.select_none()
            memory.select_none()
        data.id.write(memory, space, share, dxpl=self._transfer)

    def _publish(self, file: h5py.File, first: float, frames: int) -> None:
        """Write the time of the last frame, after the frames themselves: readers trust it."""
        if self._comm.rank == 0:
            end = first + frames * self.interval
            file[self._group]["mapping/time"][:] = first, end, self.interval
        file.flush()

    def sync(self) -> int:
        """Wait until all of the file is on the disk; return the number of frames. Collective."""
        self.appear()
        on_first_rank(self._comm, self._own.sync)
        return self.frames

    def close(self) -> None:
        """Close the file; a second call does nothing. Collective.

        Raises OSError, on every rank, where somebody has deleted or replaced the file.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self.appear()
            on_first_rank(self._comm, self._own.check)
        finally:
            self._written.close()

    def discard(self) -> None:
        """Give up: delete a file that has not appeared, so that an older one stays. Local."""
        if self._comm.rank == 0:
            self._own.discard()
        if self._comm.size == 1:
            self._written.close()
        self._written.unlock()


def _mapping(
    comm, columns: np.ndarray, node: np.ndarray, element: np.ndarray, position: np.ndarray
) -> Mapping | None:
    """Return on rank 0 which segment each column is; None on the other ranks. Collective."""
    gathered = comm.gather((columns, node, element, position))
    if gathered is None:
        return None
    columns, node, element, position = (np.concatenate(arrays) for arrays in zip(*gathered))
    order = np.argsort(columns)
    return Mapping.of(node[order], element[order], position[order])
