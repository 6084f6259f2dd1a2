"""Writes the frames of one track: this rank's share, from its slab to HDF5."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np

from ecsmpi.files.file_layout import Track, create_field


class TrackWriter:
    """Writes the frames of a track; planned once.

    For each frame: `fill_frame` and `write_frame` of each species, `publish_frame`, `count_frame`.

    Parameters
    ----------
    track : Track
        The voxels and the species.
    owned : list of (lo, hi)
        For each rank: the planes of the box that it has.
    comm
        The ranks.
    shared : bool
        Whether all ranks write the one file.

    Attributes
    ----------
    track : Track
        The voxels and the species.
    planes : tuple of int
        This rank's planes [lo, hi) of the track's grid.
    frames : int
        How many frames have been written.
    last_time : float
        Time of the last frame (ms); -inf without one.
    """

    def __init__(self, track: Track, owned: list[tuple[int, int]], comm, shared: bool):
        self.track = track
        self._comm = comm
        self._lo = owned[comm.rank][0]
        self.frames = 0
        self.last_time = -np.inf
        shares = [track.selection.planes(lo, hi) for lo, hi in owned]
        self.planes = shares[comm.rank]
        # The rank that has the one plane of a mean over x.
        self._root = next(rank for rank, (lo, hi) in enumerate(shares) if hi > lo)
        _, ny, nz = track.selection.grid.shape
        self._sum = np.zeros((1, ny, nz))
        count = self.planes[1] - self.planes[0]
        self._frame = {
            name: np.empty((nz, ny, count), encoding.precision)
            for name, encoding in track.encodings.items()
        }
        self._transfer = h5py.h5p.create(h5py.h5p.DATASET_XFER)
        if shared and comm.size > 1:
            self._transfer.set_dxpl_mpio(h5py.h5fd.MPIO_COLLECTIVE)
        self._data: dict[str, Any] = {}  # species -> the dataset that this rank writes
        self._first_plane = 0  # this rank's first plane in that dataset
        self._first_frame = 0  # of the recording, with which that dataset begins
        self._series: dict[str, Any] = {}  # datasets with a number for each frame
        self._counters: Any = None  # attributes of the file, one of which counts the frames
        self._counter = ""

    @property
    def names(self) -> list[str]:
        """The species."""
        return list(self.track.encodings)

    @property
    def own_bytes(self) -> int:
        """Size of this rank's share of a frame."""
        return sum(frame.nbytes for frame in self._frame.values())

    @property
    def frame_bytes(self) -> int:
        """Size of a frame."""
        voxels = int(np.prod(self.track.selection.grid.shape))
        return sum(voxels * frame.itemsize for frame in self._frame.values())

    def create_in_part(self, part: h5py.File) -> None:
        """Create the datasets of this rank in an open file of its own."""
        lo, hi = self.planes
        group = part.require_group(self.track.group or "/")
        _, ny, nz = self.track.selection.grid.shape
        self._first_plane = 0
        for name, encoding in self.track.encodings.items() if hi > lo else ():
            self._data[name] = create_field(group, name, (hi - lo, ny, nz), hi - lo, encoding)

    def open_in_part(self, part: h5py.File) -> None:
        """Open the datasets that an earlier run made in this rank's own file."""
        lo, hi = self.planes
        self._first_plane = 0
        self._data = {name: part[self.track.group or "/"][name] for name in self.names if hi > lo}

    def open_in_main(self, file: h5py.File, has_data: bool) -> None:
        """Open the datasets of times in the main file, and the fields where the file has them."""
        self._first_plane = self.planes[0] if has_data else 0
        if has_data:
            self._data = {name: file[self.track.data_group][name] for name in self.names}
        if self.track.group:
            group = file[self.track.group]
            self._counters = group.attrs
            self._counter = "frames"
            self._series = {"time": group["time"]}
        else:
            steps = file["VTKHDF/Steps"]
            self._counters = steps.attrs
            self._counter = "NSteps"
            self._series = {"time": file["time"], "Values": steps["Values"]}
            for name in self.names:
                self._series[f"offset of {name}"] = steps["CellDataOffsets"][name]

    def resume(self, frames: int, first: int = 0) -> None:
        """Continue after the file's first ``frames`` frames, which are all it has. Collective.

        first: number of the frame with which the dataset that this rank writes begins.
        """
        self._first_frame = first
        last = float(self._series["time"][frames - 1]) if self._series and frames else -np.inf
        self.frames = frames
        self.last_time = self._comm.bcast(last)

    def fill_frame(self, name: str, owned: np.ndarray) -> None:
        """Copy this rank's share of a species from its slab, in the order of the file.

        VTK needs x as the fastest axis, the slab has z. Collective where the mean is over x.
        """
        selection = self.track.selection
        chosen = selection.extract(owned, self._lo)
        if selection.mean == "x":
            self._comm.Reduce(np.ascontiguousarray(chosen), self._sum, root=self._root)
            chosen = self._sum[: self.planes[1]]
        np.copyto(self._frame[name], chosen.transpose(2, 1, 0), casting="same_kind")

    def write_frame(self, name: str) -> None:
        """Write this rank's share of a species to the file.

        Calls HDF5 itself: h5py skips a write of no elements, and the other ranks would wait.
        """
        if name not in self._data:
            return
        dataset = self._data[name]
        frame = self._frame[name]
        place = self.frames - self._first_frame
        dataset.resize(place + 1, axis=0)
        space = dataset.id.get_space()
        memory = h5py.h5s.create_simple(frame.shape)
        if frame.size:
            space.select_hyperslab((place, 0, 0, self._first_plane), (1, *frame.shape))
        else:
            space.select_none()
            memory.select_none()
        dataset.id.write(memory, space, frame, dxpl=self._transfer)

    def publish_frame(self, t: float) -> None:
        """Write the time of the frame, and count it in the file.

        This comes after the data, since readers trust the counter.
        """
        for name, series in self._series.items():
            series.resize(self.frames + 1, axis=0)
            if self._comm.rank == 0:
                series[self.frames] = self.frames if name.startswith("offset") else t
        self._counters.modify(self._counter, np.int64(self.frames + 1))

    def count_frame(self, t: float) -> None:
        """Note that the frame of t (ms) is in the file."""
        self.frames += 1
        self.last_time = t
