"""Checks and cuts a file of frames that a restart continues. `continuation` says how it continues.

One process cuts a file, without MPI: HDF5 lets each of several ranks blank what it has cut, some of
them too late.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from ecsmpi.files.cells_group import CELLS
from ecsmpi.files.disk_errors import explained_write_errors
from ecsmpi.files.file_layout import FORMAT, PartSources, Track, lay_out
from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.table import FOLDER, SLACK, copy_table

ELSE = "put that file back, or give another for the frames from here on"


@contextmanager
def opened_to_resume(path: str | Path) -> Iterator[h5py.File]:
    """Open a file that a restart continues; ValueError where it is missing or damaged."""
    if not Path(path).is_file():
        raise ValueError(f"there is no {path}, whose frames the checkpoint goes on with: {ELSE}")
    with explained_write_errors(path):
        try:
            file = open_hdf5(path, "r+")
        except OSError as error:
            raise ValueError(
                f"{path} is damaged, its writer was ended inside a write ({error}): keep it for "
                "what can be read of it, and give another file for the frames from here on"
            ) from error
        with file:
            yield file


def check_format(path: Path, file) -> None:
    """Raise ValueError unless an open file has frames."""
    if file.attrs.get("format") != FORMAT:
        raise ValueError(f"{path} is not a file of frames: {ELSE}")


def check_count(path: Path, found: int, frames: int) -> None:
    """Raise ValueError where fewer frames were found than the checkpoint counts on."""
    if found < frames:
        raise ValueError(
            f"{path} has {found} frames, the checkpoint goes on after {frames}: {ELSE}"
        )


def field_of(path: Path, file, track: Track, name: str):
    """Return the dataset of a species; ValueError where it has another shape."""
    nx, ny, nz = track.selection.grid.shape
    data = file.get(f"{track.data_group}/{name}")
    if data is None or data.shape[1:] != (nz, ny, nx):
        raise ValueError(f"{path} holds no frames of {nx} x {ny} x {nz} voxels of {name}: {ELSE}")
    return data


def lay_out_anew(
    path: Path,
    file: h5py.File,
    tracks: list[Track],
    owned: list[tuple[int, int]],
    sources: PartSources,
    kept: dict[str, int],
    t: float,
) -> None:
    """Lay out a new main file over parts of several generations.

    It has the times, the diagnostics and the cells of the file at ``path``.

    Parameters
    ----------
    path : Path
        The main file before.
    file : h5py.File
        The new main file, open and empty.
    tracks : list of Track
        What the file has.
    owned : list of (lo, hi)
        For each rank: the planes of the box that it has.
    sources : callable
        (track, species) -> the parts, older and new.
    kept : dict
        Group -> frames after which to continue.
    t : float
        Time after which to continue the diagnostics (ms).
    """
    with opened_to_resume(path) as old:
        lay_out(file, tracks, owned, dict(old.attrs), sources)
        for track in tracks:
            _copy_times(path, old, file, track, kept[track.group])
        for name, table in old.get(FOLDER, {}).items():
            copy_table(table, file, name, _rows_until(table, t))
        if CELLS in old:
            old.copy(CELLS, file)


def _copy_times(path: Path, old, new, track: Track, frames: int) -> None:
    counters, counter, series = _times(new, track)
    old_counters, _, old_series = _times(old, track)
    check_count(path, int(old_counters[counter]), frames)
    for before, dataset in zip(old_series, series):
        dataset.resize(frames, axis=0)
        dataset[:] = before[:frames]
    counters.modify(counter, np.int64(frames))


def _times(file, track: Track) -> tuple[Any, str, list]:
    """Return what counts a track's frames, and the datasets with a number for each frame.

    The first two values are the attributes that have the counter, and its name.
    """
    if track.group:
        return file[track.group].attrs, "frames", [file[track.group]["time"]]
    steps = file["VTKHDF/Steps"]
    offsets = [steps["CellDataOffsets"][species] for species in track.encodings]
    return steps.attrs, "NSteps", [file["time"], steps["Values"], *offsets]


def cut(path: Path, tracks: list[Track], in_parts: bool, kept: dict[str, int], t: float) -> None:
    """Leave the first frames of each track, and the diagnostics until t, in the main file.

    Parameters
    ----------
    path : Path
        The main file.
    tracks : list of Track
        What the file must have.
    in_parts : bool
        Whether the fields are in files of the ranks.
    kept : dict
        Group -> frames that stay.
    t : float
        Time until which diagnostics stay (ms).

    Raises
    ------
    ValueError
        Where it is not a file of these tracks with so many frames, or is damaged.
    OSError
        Where it cannot be written.
    """
    with opened_to_resume(path) as file:
        check_format(path, file)
        for track in tracks:
            fields = [field_of(path, file, track, name) for name in track.encodings]
            _cut_track(path, file, track, [] if in_parts else fields, kept[track.group])
        for table in file.get(FOLDER, {}).values():
            _cut_table(path, table, t)


def cut_part(
    path: Path, tracks: list[Track], planes: dict[str, tuple[int, int]], kept: dict[str, int]
) -> None:
    """Leave the first frames of each track in a rank's own file.

    Parameters
    ----------
    path : Path
        The rank's file.
    tracks : list of Track
        What the file must have.
    planes : dict
        Group -> planes (lo, hi) that the rank has.
    kept : dict
        Group -> frames of this file that stay.
    """
    with opened_to_resume(path) as part:
        for track in tracks:
            lo, hi = planes[track.group]
            for name in track.encodings if hi > lo else ():
                data = part.get(f"{track.group}/{name}")
                if data is None or data.shape[-1] != hi - lo:
                    raise ValueError(f"{path} does not hold the planes of this rank: {ELSE}")
                _resize(path, [data], kept[track.group])


def _cut_track(path: Path, file, track: Track, fields: list, frames: int) -> None:
    """Cut fields, times and the counter of frames."""
    counters, counter, series = _times(file, track)
    check_count(path, int(counters[counter]), frames)
    counters.modify(counter, np.int64(frames))
    _resize(path, fields + series, frames)


def _cut_table(path: Path, table, t: float) -> None:
    rows = _rows_until(table, t)
    table.attrs.modify("rows", np.int64(rows))
    _resize(path, [data for data in table.values() if data.maxshape[0] is None], rows)


def _rows_until(table, t: float) -> int:
    """Return how many rows of a table are not after t (ms)."""
    times = table["time"][: int(table.attrs["rows"])]
    return int(np.searchsorted(times, t + SLACK))


def _resize(path: Path, datasets: list, frames: int) -> None:
    for dataset in datasets:
        check_count(path, len(dataset), frames)
        dataset.resize(frames, axis=0)
