"""The frames of one track on their way into a file: this rank's share, from the slab to HDF5."""

from __future__ import annotations

import h5py
import numpy as np

from ecsmpi.files.file_layout import Track, field


class TrackWriter:
    """Writes frames of a track, planned once.

    owned: (lo, hi) of each rank, the planes of the box that it has. shared: whether all ranks write
    the one file.
    """

    def __init__(self, track: Track, owned: list[tuple[int, int]], comm, shared: bool):
        self.track, self._comm, self._lo = track, comm, owned[comm.rank][0]
        self.frames, self.last_time = 0, -np.inf
        shares = [track.selection.planes(*planes) for planes in owned]
        self.planes = shares[comm.rank]
        self._root = next(
            rank for rank, (lo, hi) in enumerate(shares) if hi > lo
        )  # has the one plane of a mean over x
        _, ny, nz = track.selection.grid.shape
        self._sum = np.zeros((1, ny, nz))
        count = self.planes[1] - self.planes[0]
        self._frame = {
            name: np.empty((nz, ny, count), how.precision) for name, how in track.encodings.items()
        }
        self._transfer = h5py.h5p.create(h5py.h5p.DATASET_XFER)
        if shared and comm.size > 1:
            self._transfer.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)
        self._data, self._series, self._counter = {}, {}, None
        self._first_plane = self._first_frame = 0  # of the dataset that this rank writes

    @property
    def names(self) -> list[str]:
        """The species."""
        return list(self.track.encodings)

    @property
    def own_bytes(self) -> int:
        """What this rank's share of a frame takes."""
        return sum(frame.nbytes for frame in self._frame.values())

    @property
    def frame_bytes(self) -> int:
        """What a frame takes."""
        voxels = int(np.prod(self.track.selection.grid.shape))
        return sum(voxels * frame.itemsize for frame in self._frame.values())

    def create_part(self, part) -> None:
        """The datasets of this rank in an open file of its own."""
        lo, hi = self.planes
        group = part.require_group(self.track.group or "/")
        _, ny, nz = self.track.selection.grid.shape
        for name, encoding in self.track.encodings.items() if hi > lo else ():
            self._data[name] = field(group, name, (hi - lo, ny, nz), hi - lo, encoding)
        self._first_plane = 0

    def open_part(self, part) -> None:
        """Take the handles of the datasets that an earlier run made in this rank's own file."""
        lo, hi = self.planes
        self._first_plane = 0
        self._data = {name: part[self.track.group or "/"][name] for name in self.names if hi > lo}

    def go_on(self, frames: int, first: int = 0) -> None:
        """Go on after the first so many frames, the last of those that are there. Collective.

        first: the frame with which the file that this rank writes begins.
        """
        self._first_frame = first
        last = float(self._series["time"][frames - 1]) if self._series and frames else -np.inf
        self.frames, self.last_time = frames, self._comm.bcast(last)

    def open(self, file, has_data: bool) -> None:
        """Take the handles in the one file: those of the times, and those of the fields where they
        are in it.
        """
        self._first_plane = self.planes[0] if has_data else 0
        if has_data:
            self._data = {name: file[self.track.data_group][name] for name in self.names}
        if self.track.group:
            self._counter = file[self.track.group].attrs, "frames"
            self._series = {"time": file[self.track.group]["time"]}
        else:
            steps = file["VTKHDF/Steps"]
            self._counter = steps.attrs, "NSteps"
            self._series = {"time": file["time"], "Values": steps["Values"]}
            self._series |= {
                f"offset of {name}": steps["CellDataOffsets"][name] for name in self.names
            }

    def take(self, name: str, owned: np.ndarray) -> None:
        """Bring this rank's share of a species into the order of the file. Collective where the
        mean is over x.
        """
        selection = self.track.selection
        chosen = selection.take(owned, self._lo)
        if selection.mean == "x":
            self._comm.Reduce(np.ascontiguousarray(chosen), self._sum, root=self._root)
            chosen = self._sum[: self.planes[1]]
        np.copyto(self._frame[name], chosen.transpose(2, 1, 0), casting="same_kind")

    def write(self, name: str) -> None:
        """Write what was taken; by HDF5's own calls, for h5py skips a write of no elements, and the
        others would wait.
        """
        if name not in self._data:
            return
        dataset, frame = self._data[name], self._frame[name]
        place = self.frames - self._first_frame
        dataset.resize(place + 1, axis=0)
        space, memory = dataset.id.get_space(), h5py.h5s.create_simple(frame.shape)
        if frame.size:
            space.select_hyperslab((place, 0, 0, self._first_plane), (1, *frame.shape))
        else:
            space.select_none()
            memory.select_none()
        dataset.id.write(memory, space, frame, dxpl=self._transfer)

    def tell(self, t: float) -> None:
        """Tell of the frame only now that it is there: a reader counts by the counter."""
        for name, series in self._series.items():
            series.resize(self.frames + 1, axis=0)
            if self._comm.rank == 0:
                series[self.frames] = self.frames if name.startswith("offset") else t
        attributes, counter = self._counter
        attributes.modify(counter, np.int64(self.frames + 1))

    def done(self, t: float) -> None:
        """The frame of t (ms) is written."""
        self.frames, self.last_time = self.frames + 1, t
