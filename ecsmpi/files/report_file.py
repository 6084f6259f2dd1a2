"""A SONATA report on its way into a file, written by all ranks together, or by the first where HDF5
is not parallel.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from ecsmpi.files.columns import Columns, columns_of
from ecsmpi.files.disk_errors import check_room, explained_write_errors
from ecsmpi.files.opening import open_hdf5, open_together
from ecsmpi.files.resumed_file import ELSE, opened_to_go_on
from ecsmpi.files.shared_folder import check_folder_of
from ecsmpi.files.sonata import REPORT, Mapping, lay_out_report
from ecsmpi.files.written_file import WrittenFile
from ecsmpi.ranks.meeting import everywhere

BUFFER_BYTES = 16 << 20  # of each rank's frames that wait
MOST_ROWS = 1000


class ReportFile:
    """One variable of all ranks' segments through time.

    path: an older file there is replaced once this one has a frame, or by ``appear``. population:
    its name in the file. node, element, position: (segments,) of this rank,
    see `sonata`. interval: ms. shared: whether all ranks write the file, else the first does.
    attributes: provenance.
    kept: None for a new file, else frames after which to go on with the one that is there.

    All methods are collective. OSError on every rank where the file cannot be written, ValueError
    where it is of other segments.
    """

    def __init__(
        self,
        path,
        population,
        node,
        element,
        position,
        units,
        interval,
        comm,
        shared,
        attributes,
        kept=None,
    ):
        self.path, self._comm, self.interval = Path(path), comm, interval
        columns, total = columns_of(comm, node)
        self.rows = int(
            np.clip(BUFFER_BYTES // (4 * comm.allreduce(max(1, columns.size), max)), 1, MOST_ROWS)
        )
        writers = comm.size if shared else 1
        self._columns = Columns(comm, columns, total, writers, self.rows, np.float32)
        mapping = _mapping(comm, columns, node, element, position)
        self._group = f"report/{population}"
        self.frames = kept or 0
        self._file, self._written, self._closed = None, WrittenFile(path), False
        self._own = self._written.own
        check_folder_of(comm, self.path)
        everywhere(comm, lambda: comm.rank == 0 and self._written.lock())
        try:
            if kept is None:
                everywhere(comm, self._create, population, mapping, units, attributes)
            else:
                everywhere(comm, self._cut, mapping)
            everywhere(comm, self._open, shared)
        except BaseException:
            self.discard()
            raise

    def _create(self, population, mapping, units, attributes):
        if self._comm.rank == 0:
            self._own.begin()
            with explained_write_errors(self.path), open_hdf5(self._own.current_path, "w") as file:
                lay_out_report(file, population, mapping, units, self.rows, attributes)

    def _cut(self, mapping):
        """Drop the frames after those that are kept."""
        if self._comm.rank != 0:
            return
        with opened_to_go_on(self._own.path) as file:
            group = file.get(self._group)
            if (
                file.attrs.get("format") != REPORT
                or group is None
                or not mapping.same(group["mapping"])
            ):
                raise ValueError(f"{self.path} is not a report of these segments: {ELSE}")
            if len(group["data"]) < self.frames:
                raise ValueError(
                    f"{self.path} has {len(group['data'])} frames, the checkpoint goes on after {self.frames}: {ELSE}"
                )
            group["data"].resize(self.frames, axis=0)
            first = group["mapping/time"][0]
            group["mapping/time"][:] = first, first + self.frames * self.interval, self.interval
        self._own.resume()

    def _open(self, shared):
        self._transfer = h5py.h5p.create(h5py.h5p.DATASET_XFER)
        path = self._comm.bcast(self._own.current_path if self._comm.rank == 0 else None)
        with explained_write_errors(self.path):
            if shared and self._comm.size > 1:
                self._file = self._written.keep(open_together(path, self._comm))
                self._transfer.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)
            elif self._comm.rank == 0:
                self._file = self._written.keep(open_hdf5(path, "r+"))

    def appear(self) -> None:
        """Let a new file take its name; nothing where it has. Collective."""
        everywhere(self._comm, lambda: self._comm.rank == 0 and self._own.appear())

    def append(self, first: float, rows: np.ndarray) -> None:
        """Write frames: (n, segments) float32 of this rank, n > 0. first: ms, of the file's first
        frame.
        """
        share = self._columns.bring(rows)
        everywhere(self._comm, self._look_at_disk, rows.shape[0])
        if self._file is not None:
            with explained_write_errors(self.path):
                self._write(share)
                self._tell(first, self.frames + len(share))
        self.frames += len(rows)
        self.appear()

    def _look_at_disk(self, rows):
        """The file is the one that was begun, and there is room for the frames."""
        if self._comm.rank == 0:
            self._own.check()
            check_room(self.path, 4 * rows * self._file[self._group]["data"].shape[1])

    def _write(self, share):
        """By HDF5's own calls, for h5py skips a write of no elements, and the others would wait."""
        data = self._file[self._group]["data"]
        data.resize(self.frames + len(share), axis=0)
        space, memory = data.id.get_space(), h5py.h5s.create_simple(share.shape)
        if share.size:
            space.select_hyperslab((self.frames, self._columns.lo), share.shape)
        else:
            space.select_none()
            memory.select_none()
        data.id.write(memory, space, share, dxpl=self._transfer)

    def _tell(self, first, frames):
        """Say how many frames there are only now that they are there."""
        time = self._file[self._group]["mapping/time"]
        if self._comm.rank == 0:
            time[:] = first, first + frames * self.interval, self.interval
        self._file.flush()

    def sync(self) -> int:
        """Wait until all of it is on the disk; returns the number of frames. Collective."""
        self.appear()
        everywhere(self._comm, lambda: self._comm.rank == 0 and self._own.sync())
        return self.frames

    def close(self) -> None:
        """Close the file; again is harmless. OSError, on every rank, where it was deleted or
        replaced by somebody. Collective.
        """
        if self._closed:
            return
        self._closed = True
        try:
            self.appear()
            everywhere(self._comm, lambda: self._comm.rank == 0 and self._own.check())
        finally:
            self._written.close()

    def discard(self) -> None:
        """Give up: a file that has not appeared is deleted, so that an older one stays. Local."""
        if self._comm.rank == 0:
            self._own.discard()
        if self._comm.size == 1:
            self._written.close()
        self._written.unlock()


def _mapping(comm, columns, *arrays) -> Mapping | None:
    """On the first rank, what all columns are."""
    gathered = comm.gather((columns, *arrays))
    if gathered is None:
        return None
    columns, *arrays = (np.concatenate(part) for part in zip(*gathered))
    order = np.argsort(columns)
    return Mapping.of(*(array[order] for array in arrays))
