"""Frames of some voxels through time, as a reader sees them: of the whole box, or of a selection."""

from __future__ import annotations

import math

import numpy as np

from ecsmpi.description.grid import AXES, Box

BLOCK_BYTES = 8 << 20  # of a frame, read at once


class Frames:
    """Frames of one or more species on a grid.

    path        the file
    time        (frames,) in ms
    x, y, z     centres of the voxels in um
    names       the species
    box         lo, hi, spacing (um) and shape of the grid
    voxels      what the voxels are, such as ``mean over z``
    """

    def __init__(self, source, box: Box, voxels: str, places: dict, time):
        """source: has ``shown``, ``opened()`` and ``values()``. places: species -> path of its
        dataset (time, z, y, x). time: (frames,) ms.
        """
        self._source, self.path, self.box, self.voxels, self._places = (
            source,
            source.shown,
            box,
            voxels,
            places,
        )
        self.time = np.zeros(0) if time is None else time
        self.names = list(places)
        self.x, self.y, self.z = (
            box.lo[a] + box.spacing[a] * (np.arange(box.shape[a]) + 0.5) for a in range(3)
        )

    def __len__(self):
        """Number of frames."""
        return len(self.time)

    def __contains__(self, name):
        return name in self.names

    def __getitem__(self, name) -> np.ndarray:
        """All frames of a species: (time, x, y, z) in mM."""
        return self._values(name, slice(len(self))).transpose(0, 3, 2, 1)

    def frame(self, name, index) -> np.ndarray:
        """One frame of a species: (x, y, z) in mM; a negative index counts from the last."""
        return self._values(name, self._frame_number(index)).transpose(2, 1, 0)

    def section(self, name, index, axis, at=None) -> np.ndarray:
        """One frame as an image: its mean over ``axis`` or, ``at`` a coordinate (um), the voxels
        there.

        2-D, in mM, the other two axes in the order x, y, z.
        """
        dimension = self._dimension(axis)
        if at is None:
            return self.frame(name, index).mean(axis=dimension)
        where = [slice(None)] * 3
        where[2 - dimension] = self.layer(axis, at)
        return self._values(name, (self._frame_number(index), *where)).T

    def series(self, name, point) -> np.ndarray:
        """Concentration through time (frames,) in mM in the voxel that holds ``point`` = (x, y, z)
        in um.
        """
        if len(point) != 3:
            raise ValueError(f"a point has three coordinates (um), got {point}")
        i, j, k = (self.layer(axis, coordinate) for axis, coordinate in zip(AXES, point))
        return self._values(name, (slice(len(self)), k, j, i))

    def layer(self, axis, coordinate) -> int:
        """Index along ``axis`` of the voxels that hold a coordinate (um)."""
        a = self._dimension(axis)
        lo, hi = self.box.lo[a], self.box.hi[a]
        if not lo <= coordinate <= hi:
            raise ValueError(
                f"{axis} = {coordinate:g} um is outside the box of {self.path}: "
                f"{axis} goes from {lo:g} to {hi:g} um"
            )
        return min(int((coordinate - lo) / self.box.spacing[a]), self.box.shape[a] - 1)

    def index_at(self, time) -> int:
        """Index of the frame nearest to ``time`` in ms."""
        self._frame_number(0)
        if not self.time[0] <= time <= self.time[-1]:
            raise ValueError(
                f"time {time:g} ms is outside {self.path}: "
                f"its frames are from {self.time[0]:g} to {self.time[-1]:g} ms"
            )
        return int(np.argmin(np.abs(self.time - time)))

    def place_of(self, name) -> str:
        """The path of a species' dataset in the file."""
        if name not in self._places:
            raise ValueError(
                f"{self.path} has no species {name!r}; it has {', '.join(self.names) or 'none in whole'}"
            )
        return self._places[name]

    def blocks(self, name, index):
        """One frame piece by piece: arrays of a few MB that together have each voxel once, in any
        order.
        """
        frame, place = self._frame_number(index), self.place_of(name)
        with self._source.opened() as file:
            nx, ny, nz = self.box.shape
            deep, high = _block(file[place], nz, ny, nx)
            for k in range(0, nz, deep):
                for j in range(0, ny, high):
                    yield self._source.values(
                        file, place, self._shape, (frame, slice(k, k + deep), slice(j, j + high))
                    )

    def check_axes(self) -> None:
        """Raise OSError where the file's own axes, by which other programs place the voxels, are
        not those of the grid.
        """
        if not self.names:
            return
        group = self.place_of(self.names[0]).rpartition("/")[0]
        with self._source.opened() as file:
            axes = file if group == "VTKHDF/CellData" else file[group]
            for axis, expected in zip(AXES, (self.x, self.y, self.z)):
                data = axes[axis]
                if data.shape != expected.shape or not np.allclose(
                    data[:], expected, rtol=1e-9, atol=1e-9
                ):
                    raise OSError(
                        f"{self.path} is damaged: its axis {axis} is not that of its voxels; run the simulation again"
                    )

    def extremes(self, name, index) -> tuple[float, float, float]:
        """Least, mean and greatest concentration of one frame (mM), read piece by piece."""
        least, total, most = np.inf, [], -np.inf
        for block in self.blocks(name, index):
            least, most = min(least, block.min()), max(most, block.max())
            total.append(block.sum(dtype=float))
        return float(least), math.fsum(total) / self.box.voxels, float(most)

    @property
    def _shape(self) -> tuple[int, int, int, int]:
        """Of a dataset."""
        return (len(self), *self.box.shape[::-1])

    def _values(self, name, where) -> np.ndarray:
        place = self.place_of(name)
        with self._source.opened() as file:
            return self._source.values(file, place, self._shape, where)

    def _frame_number(self, index):
        frames = len(self)
        if frames == 0:
            raise ValueError(
                f"{self.path} has no frames yet: its run ended, or is, before the first one"
            )
        if not -frames <= index < frames:
            raise ValueError(f"{self.path} has frames 0 to {frames - 1}, got frame {index}")
        return index % frames

    def _dimension(self, axis):
        if axis not in AXES:
            raise ValueError(f"axis must be x, y or z, got {axis!r}")
        return AXES.index(axis)


def _block(data, nz: int, ny: int, nx: int) -> tuple[int, int]:
    """(layers, rows) to read at once: whole chunks, of at most BLOCK_BYTES unless one row of chunks
    is more.
    """
    _, deep, high, _ = data.chunks or (1, 1, min(ny, 64), nx)
    row = nx * data.dtype.itemsize
    high = min(ny, high * max(1, BLOCK_BYTES // (row * deep * high)))
    deep = min(nz, deep * max(1, BLOCK_BYTES // (row * deep * high)))
    return deep, high
