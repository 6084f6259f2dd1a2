"""Frames of voxels through time, as a reader sees them: of the whole box, or of a selection."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ecsmpi.description.grid import AXES, Box
from ecsmpi.description.line import Line
from ecsmpi.files.cells_group import Cells, read_cells
from ecsmpi.files.frame_source import block_of, damage_explained
from ecsmpi.files.pictures import Pictures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ecsmpi.files.frame_source import FrameSource


class Frames(Pictures):
    """Frames of one or more species on a grid, as a file has them.

    ``frames["k"]`` are all frames of a species, ``len(frames)`` is their number, and
    ``"k" in frames`` tells whether there are any. Numbers are read when they are asked for.

    Attributes
    ----------
    path : Path
        The file.
    time : ndarray
        (frames,) in ms.
    x, y, z : ndarray
        (voxels along the axis,) centres of the voxels in um.
    names : list of str
        The species.
    box : Box
        ``lo``, ``hi``, ``spacing`` (um) and ``shape`` of the grid.
    voxels : str
        What the voxels are, such as ``mean over z``.
    charges : dict
        {species: charge in elementary charges}, of those of which the file says it.
    """

    def __init__(
        self,
        source: FrameSource,
        box: Box,
        voxels: str,
        places: dict[str, str],
        time: np.ndarray | None = None,
    ):
        """Describe the frames of a file.

        ``source`` opens the file and reads values. ``places`` is {species: path of its dataset
        (time, z, y, x)}. ``time`` is (frames,) in ms; None for no frames.
        """
        self._source = source
        self.path = source.shown
        self.box = box
        self.voxels = voxels
        self._places = places
        self.time = np.zeros(0) if time is None else time
        self.names = list(places)
        self.charges: dict[str, int] = {}
        self.x, self.y, self.z = (_centres(box, a) for a in range(3))

    @cached_property
    def cells(self) -> Cells | None:
        """The morphologies of the cells (um), read when first asked for; None without any.

        Reading them raises ValueError where they are damaged.
        """
        with self._source.opened() as file, damage_explained(self.path):
            return read_cells(file)

    def __len__(self) -> int:
        return len(self.time)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> np.ndarray:
        """All frames of a species.

        Parameters
        ----------
        name : str
            The species.

        Returns
        -------
        ndarray
            (time, x, y, z) in mM.

        Raises
        ------
        ValueError
            For a species that the file does not have.
        OSError
            If another run has replaced the file.
        """
        return self._values(name, slice(len(self))).transpose(0, 3, 2, 1)

    def frame(self, name: str, index: int) -> np.ndarray:
        """Return one frame of a species.

        Parameters
        ----------
        name : str
            The species.
        index : int
            Number of the frame, from 0; a negative one counts from the last.

        Returns
        -------
        ndarray
            (x, y, z) in mM.
        """
        return self._values(name, self.frame_number(index)).transpose(2, 1, 0)

    def section(self, name: str, index: int, axis: str, at: float | None = None) -> np.ndarray:
        """Return one frame as an image: a layer of voxels, or the mean over an axis.

        Parameters
        ----------
        name : str
            The species.
        index : int
            Number of the frame, from 0; a negative one counts from the last.
        axis : str
            "x", "y" or "z": the axis across the image.
        at : float, optional
            Coordinate along the axis (um) of the layer; None for the mean over the axis.

        Returns
        -------
        ndarray
            2-D, in mM, the other two axes in the order x, y, z.
        """
        dimension = self._dimension(axis)
        if at is None:
            return self.frame(name, index).mean(axis=dimension)
        where: list[Any] = [slice(None)] * 3
        where[2 - dimension] = self.layer(axis, at)
        return self._values(name, (self.frame_number(index), *where)).T

    def series(self, name: str, point: Sequence[float]) -> np.ndarray:
        """Return the concentration of a species in one voxel through time.

        Parameters
        ----------
        name : str
            The species.
        point : (3,) float
            x, y and z (um) of a point in the voxel.

        Returns
        -------
        ndarray
            (frames,) in mM.

        Raises
        ------
        ValueError
            If the point is outside the box.
        """
        if len(point) != 3:
            raise ValueError(f"a point has three coordinates (um), got {point}")
        i, j, k = (self.layer(axis, coordinate) for axis, coordinate in zip(AXES, point))
        return self._values(name, (slice(len(self)), k, j, i))

    def along(self, name: str, line: Line) -> np.ndarray:
        """Return the concentration of a species through time in the voxels that a line crosses.

        Parameters
        ----------
        name : str
            The species.
        line : Line
            A line through the box.

        Returns
        -------
        ndarray
            (frames, voxels) in mM.
        """
        pieces = []
        for first, last in line.runs():
            lower = np.minimum(first, last)
            upper = np.maximum(first, last) + 1
            i, j, k = (slice(int(lo), int(hi)) for lo, hi in zip(lower, upper))
            values = self._values(name, (slice(len(self)), k, j, i))
            values = values.reshape(len(self), -1)
            pieces.append(values if (last >= first).all() else values[:, ::-1])
        return np.concatenate(pieces, axis=1)

    def layer(self, axis: str, coordinate: float) -> int:
        """Return the index along an axis of the voxels that hold a coordinate.

        Parameters
        ----------
        axis : str
            "x", "y" or "z".
        coordinate : float
            Place along the axis (um).

        Returns
        -------
        int
            From 0.

        Raises
        ------
        ValueError
            If the place is outside the box.
        """
        a = self._dimension(axis)
        lo = self.box.lo[a]
        hi = self.box.hi[a]
        if not lo <= coordinate <= hi:
            raise ValueError(
                f"{axis} = {coordinate:g} um is outside the box of {self.path}: "
                f"{axis} goes from {lo:g} to {hi:g} um"
            )
        return min(int((coordinate - lo) / self.box.spacing[a]), self.box.shape[a] - 1)

    def index_at(self, time: float) -> int:
        """Return the index of the frame nearest to a time.

        Parameters
        ----------
        time : float
            The time (ms).

        Returns
        -------
        int
            From 0.

        Raises
        ------
        ValueError
            If the time is before the first or after the last frame.
        """
        self.frame_number(0)  # raises where there are no frames
        if not self.time[0] <= time <= self.time[-1]:
            raise ValueError(
                f"time {time:g} ms is outside {self.path}: "
                f"its frames are from {self.time[0]:g} to {self.time[-1]:g} ms"
            )
        return int(np.argmin(np.abs(self.time - time)))

    def place_of(self, name: str) -> str:
        """Return where the numbers of a species are in the file.

        Parameters
        ----------
        name : str
            The species.

        Returns
        -------
        str
            Path of its dataset (time, z, y, x).

        Raises
        ------
        ValueError
            For a species that the file does not have.
        """
        if name not in self._places:
            known = ", ".join(self.names) or "none in whole"
            raise ValueError(f"{self.path} has no species {name!r}; it has {known}")
        return self._places[name]

    def blocks(self, name: str, index: int) -> Iterator[np.ndarray]:
        """Yield one frame in arrays of a few MB, which together have each voxel once.

        Parameters
        ----------
        name : str
            The species.
        index : int
            Number of the frame, from 0; a negative one counts from the last.

        Yields
        ------
        ndarray
            Concentrations (mM) as the file has them, axes z, y, x.
        """
        frame = self.frame_number(index)
        place = self.place_of(name)
        with self._source.opened() as file:
            nx, ny, nz = self.box.shape
            layers, rows = block_of(file[place], nz, ny, nx)
            for k in range(0, nz, layers):
                for j in range(0, ny, rows):
                    where = frame, slice(k, k + layers), slice(j, j + rows)
                    yield self._source.values(file, place, self._shape, where)

    def check_axes(self) -> None:
        """Raise OSError where the axes in the file are not those of the grid.

        Other programs place the voxels by these axes.
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
                        f"{self.path} is damaged: its axis {axis} is not that of its voxels; "
                        "run the simulation again"
                    )

    def extremes(self, name: str, index: int) -> tuple[float, float, float]:
        """Return the least, mean and greatest concentration of one frame.

        Parameters
        ----------
        name : str
            The species.
        index : int
            Number of the frame, from 0; a negative one counts from the last.

        Returns
        -------
        tuple of float
            (least, mean, greatest) in mM.
        """
        least, most = np.inf, -np.inf
        sums = []
        for block in self.blocks(name, index):
            least = min(least, block.min())
            most = max(most, block.max())
            sums.append(block.sum(dtype=float))
        return float(least), math.fsum(sums) / self.box.voxels, float(most)

    @property
    def _shape(self) -> tuple[int, int, int, int]:
        """Shape of a dataset: (frames, nz, ny, nx)."""
        nx, ny, nz = self.box.shape
        return len(self), nz, ny, nx

    def _values(self, name: str, where) -> np.ndarray:
        place = self.place_of(name)
        with self._source.opened() as file:
            return self._source.values(file, place, self._shape, where)

    def frame_number(self, index: int) -> int:
        """Return the number of a frame, counted from the first.

        Parameters
        ----------
        index : int
            Number of the frame, from 0; a negative one counts from the last.

        Returns
        -------
        int
            From 0.

        Raises
        ------
        ValueError
            If there is no such frame.
        """
        frames = len(self)
        if frames == 0:
            raise ValueError(
                f"{self.path} has no frames yet: its run ended, or is, before the first one"
            )
        if not -frames <= index < frames:
            raise ValueError(f"{self.path} has frames 0 to {frames - 1}, got frame {index}")
        return index % frames

    def _dimension(self, axis: str) -> int:
        if axis not in AXES:
            raise ValueError(f"axis must be x, y or z, got {axis!r}")
        return AXES.index(axis)


def _centres(box: Box, a: int) -> np.ndarray:
    """Return the centres of the voxels along axis number a (um)."""
    return box.lo[a] + box.spacing[a] * (np.arange(box.shape[a]) + 0.5)
