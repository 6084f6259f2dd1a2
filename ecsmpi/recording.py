"""Reading back the frames that `output` wrote: plain arrays, without MPI and without NEURON.

    with load("k.h5") as recording:
        recording.time, recording.x        # ms, um
        recording["k"]                     # (time, x, y, z) in mM
        recording.frame("k", -1)           # (x, y, z): reads this frame alone
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from ecsmpi.file_layout import FORMAT
from ecsmpi.grid import AXES, Box


def load(path) -> Recording:
    """Open a file of frames; one that is still being written has the frames of this moment.

    Raises OSError where the file, or a part of it, is missing, truncated or not HDF5, and ValueError where it
    is HDF5 of something else.
    """
    return Recording(path)


class Recording:
    """The frames of one file.

    path        the file
    time        (frames,) in ms
    x, y, z     centres of the voxels in um
    names       the species
    box         lo, hi, spacing (um) and shape of the grid
    attributes  the provenance, by name
    """

    def __init__(self, path):
        self.path = Path(path)
        self._file = _opened(self.path)
        try:
            self._read()
        except BaseException:
            self.close()
            raise

    def _read(self):
        if self._file.attrs.get("format") != FORMAT:
            raise ValueError(f"{self.path} is not a file of frames written by ecsmpi: "
                             f"it lacks the attribute format = {FORMAT!r}")
        try:
            vtk = self._file["VTKHDF"]
            frames = int(vtk["Steps"].attrs["NSteps"])
            self.box = _box(vtk.attrs)
            self.time = self._file["time"][:frames]
            self.x, self.y, self.z = (self._file[axis][:] for axis in AXES)
            self.attributes = {name: _plain(value) for name, value in self._file.attrs.items()}
            self._data = {name: data for name, data in vtk["CellData"].items()}
        except (KeyError, OSError, RuntimeError) as error:
            raise OSError(f"{self.path} is damaged ({error}): its writer was ended inside a write; "
                          "run the simulation again") from error
        self.names = list(self._data)
        for name, data in self._data.items():
            _check_frames(self.path, name, data, frames, self.attributes["run"])

    def __len__(self):
        """Number of frames."""
        return len(self.time)

    def __contains__(self, name):
        return name in self._data

    def __getitem__(self, name) -> np.ndarray:
        """All frames of a species: (time, x, y, z) in mM."""
        return self._of(name)[:len(self)].transpose(0, 3, 2, 1)

    def frame(self, name, index) -> np.ndarray:
        """One frame of a species: (x, y, z) in mM; a negative index counts from the last."""
        return self._of(name)[self._frame_number(index)].transpose(2, 1, 0)

    def section(self, name, index, axis, at=None) -> np.ndarray:
        """One frame as an image: its mean over ``axis`` or, ``at`` a coordinate (um), the voxels there.

        2-D, in mM, the other two axes in the order x, y, z.
        """
        dimension = self._dimension(axis)
        if at is None:
            return self.frame(name, index).mean(axis=dimension)
        where = [slice(None)] * 3
        where[2 - dimension] = self.layer(axis, at)
        return self._of(name)[(self._frame_number(index), *where)].T

    def series(self, name, point) -> np.ndarray:
        """Concentration through time (frames,) in mM in the voxel that holds ``point`` = (x, y, z) in um."""
        if len(point) != 3:
            raise ValueError(f"a point has three coordinates (um), got {point}")
        i, j, k = (self.layer(axis, coordinate) for axis, coordinate in zip(AXES, point))
        return self._of(name)[:len(self), k, j, i]

    def layer(self, axis, coordinate) -> int:
        """Index along ``axis`` of the voxels that hold a coordinate (um)."""
        a = self._dimension(axis)
        lo, hi = self.box.lo[a], self.box.hi[a]
        if not lo <= coordinate <= hi:
            raise ValueError(f"{axis} = {coordinate:g} um is outside the box of {self.path}: "
                             f"{axis} goes from {lo:g} to {hi:g} um")
        return min(int((coordinate - lo) / self.box.spacing[a]), self.box.shape[a] - 1)

    def index_at(self, time) -> int:
        """Index of the frame nearest to ``time`` in ms."""
        self._frame_number(0)
        if not self.time[0] <= time <= self.time[-1]:
            raise ValueError(f"time {time:g} ms is outside {self.path}: "
                             f"its frames are from {self.time[0]:g} to {self.time[-1]:g} ms")
        return int(np.argmin(np.abs(self.time - time)))

    def close(self):
        """Close the file; again is harmless."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def _of(self, name):
        if name not in self._data:
            raise ValueError(f"{self.path} has no species {name!r}; it has {', '.join(self.names)}")
        if not self._file:
            raise ValueError(f"{self.path} is closed: load it again")
        return self._data[name]

    def _frame_number(self, index):
        frames = len(self)
        if frames == 0:
            raise ValueError(f"{self.path} has no frames yet: its run ended, or is, before the first one")
        if not -frames <= index < frames:
            raise ValueError(f"{self.path} has frames 0 to {frames - 1}, got frame {index}")
        return index % frames

    def _dimension(self, axis):
        if axis not in AXES:
            raise ValueError(f"axis must be x, y or z, got {axis!r}")
        return AXES.index(axis)


def _opened(path):
    """HDF5's own messages do not say what is to be done."""
    if not path.is_file():
        raise OSError(f"there is no file {path}")
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "truncated" in str(error):
            raise OSError(f"{path} is truncated: its copy is incomplete, or its writer was ended inside a "
                          "write; copy it again or run the simulation again") from error
        if "signature not found" in str(error):
            raise OSError(f"{path} is not an HDF5 file; give a file of frames written by ecsmpi") from error
        raise OSError(f"cannot read {path}: {error}") from error


def _box(attributes):
    extent = attributes["WholeExtent"]
    return Box(tuple(attributes["Origin"].tolist()), tuple(attributes["Spacing"].tolist()),
               tuple(int(n) for n in extent[1::2]))


def _plain(value):
    """Numbers and lists rather than NumPy's, text rather than bytes."""
    value = value.decode() if isinstance(value, bytes) else value
    return value.tolist() if hasattr(value, "tolist") else value


def _check_frames(path, name, data, frames, run):
    """All frames must be there. In a virtual dataset HDF5 reads those of a missing part as NaN, silently."""
    if data.is_virtual:
        for source in data.virtual_sources():
            _check_part(path.parent / source.file_name, source.dset_name, frames, run)
    elif len(data) < frames:
        raise OSError(f"{path} is damaged: it has {len(data)} of {frames} frames of {name}; "
                      "run the simulation again")


def _check_part(part, name, frames, run):
    if not part.is_file():
        raise OSError(f"the part {part} is missing: put it beside the main file, which only points to it")
    with _opened(part) as file:
        if file.attrs.get("run") != run:
            raise OSError(f"the part {part} belongs to another run: put that of this run in its place")
        count = len(file[name]) if name in file else 0
        if count < frames:
            raise OSError(f"the part {part} is short: {count} of {frames} frames of {name}; "
                          "copy it again or run the simulation again")
