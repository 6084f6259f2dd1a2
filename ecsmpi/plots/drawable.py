"""What can be drawn: frames of voxels, reports and spikes, as the files' readers have them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ecsmpi.description.grid import Box
from ecsmpi.description.line import Line


class Morphology(Protocol):
    """3-D points of sections: see `files.cells_group.Cells`."""

    @property
    def points(self) -> np.ndarray:
        """(n, 3) in um, one section after the other."""

    @property
    def diameters(self) -> np.ndarray:
        """(n,) in um."""

    @property
    def offsets(self) -> np.ndarray:
        """(m + 1,): section j has points[offsets[j]:offsets[j + 1]]."""


class Drawable(Protocol):
    """Frames of voxels through time: see `files.frames.Frames`."""

    path: Path
    box: Box
    voxels: str
    time: np.ndarray
    names: list[str]
    charges: dict[str, int]
    cells: Any

    def __len__(self) -> int:
        """Number of frames."""

    def section(self, name: str, index: int, axis: str, at: float | None = None) -> np.ndarray:
        """One frame as an image (across, up) in mM."""

    def series(self, name: str, point) -> np.ndarray:
        """(frames,) in mM, of the voxel that holds a point (um)."""

    def along(self, name: str, line: Line) -> np.ndarray:
        """(frames, voxels) in mM, of the voxels that a line crosses."""

    def layer(self, axis: str, coordinate: float) -> int:
        """Index along the axis of the voxels that hold a coordinate (um)."""

    def index_at(self, time: float) -> int:
        """Index of the frame nearest to a time (ms)."""

    def frame_number(self, index: int) -> int:
        """Index counted from the first frame; ValueError where there is no such frame."""


class SegmentValues(Protocol):
    """A report of segments: see `files.sonata.Report`."""

    variable: str
    units: str
    time: np.ndarray
    time_unit: str | None
    nodes: np.ndarray
    columns: int

    def segments_of(self, node: int) -> slice:
        """Columns of a cell."""

    def places(self, columns: slice) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the sections in their cell, and places along them, of columns."""

    def series(self, column: int) -> np.ndarray:
        """(frames,) of one segment."""


class SpikeTimes(Protocol):
    """Spikes: see `files.sonata.SpikeTrain`."""

    time_unit: str | None

    def __len__(self) -> int:
        """Number of spikes."""

    def spikes(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Times and cells of the spikes, some of them at a time."""
