"""A file of frames that goes on after a restart: is it the one, is it whole, and where does it go on?

One process cuts a file, without MPI: HDF5 lets each of several ranks blank what it has cut, some of them too late.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from ecsmpi.files.disk import telling
from ecsmpi.files.file_layout import FORMAT, Track
from ecsmpi.files.table import FOLDER, SLACK

ELSE = "put that file back, or give another for the frames from here on"
OTHER_RANKS = "is of other ranks than these: give another file for the frames from here on"


def cut(path, tracks: list[Track], in_parts: bool, kept: dict[str, int], t: float) -> None:
    """Leave the first so many frames of each track's group, and diagnostics up to t (ms). in_parts: the fields are in files beside it.

    Raises ValueError where it is not a file of these tracks with so many frames, OSError where it is damaged.
    """
    with opened_to_go_on(path) as file:
        if file.attrs.get("format") != FORMAT:
            raise ValueError(f"{path} is not a file of frames: {ELSE}")
        for track in tracks:
            fields = [_field(path, file, track, name) for name in track.encodings]
            if any(data.is_virtual != in_parts for data in fields):
                raise ValueError(f"{path} {OTHER_RANKS}")
            _cut_track(path, file, track, [] if in_parts else fields, kept[track.group])
        for table in file.get(FOLDER, {}).values():
            _cut_table(path, table, t)


def cut_part(path, tracks: list[Track], planes: dict[str, tuple[int, int]], kept: dict[str, int]) -> None:
    """The same of a rank's own file. planes: by group, those that the rank has."""
    with opened_to_go_on(path) as part:
        for track in tracks:
            lo, hi = planes[track.group]
            for name in track.encodings if hi > lo else ():
                data = part.get(f"{track.group}/{name}")
                if data is None or data.shape[-1] != hi - lo:
                    raise ValueError(f"{path} {OTHER_RANKS}")
                _resize(path, [data], kept[track.group])


def _cut_track(path, file, track: Track, fields: list, frames: int) -> None:
    """Fields, times and the counter of frames."""
    if track.group:
        counter, name, series = file[track.group].attrs, "frames", [file[track.group]["time"]]
    else:
        steps = file["VTKHDF/Steps"]
        offsets = [steps["CellDataOffsets"][species] for species in track.encodings]
        counter, name, series = steps.attrs, "NSteps", [file["time"], steps["Values"], *offsets]
    _check_count(path, int(counter[name]), frames)
    counter.modify(name, np.int64(frames))
    _resize(path, fields + series, frames)


def _cut_table(path, table, t: float) -> None:
    rows = int(np.searchsorted(table["time"][: int(table.attrs["rows"])], t + SLACK))
    table.attrs.modify("rows", np.int64(rows))
    _resize(path, [data for data in table.values() if data.maxshape[0] is None], rows)


def _resize(path, datasets: list, frames: int) -> None:
    for dataset in datasets:
        _check_count(path, len(dataset), frames)
        dataset.resize(frames, axis=0)


def _check_count(path, there: int, frames: int) -> None:
    if there < frames:
        raise ValueError(f"{path} has {there} frames, the checkpoint goes on after {frames}: {ELSE}")


def _field(path, file, track: Track, name: str):
    nx, ny, nz = track.selection.grid.shape
    data = file.get(f"{track.data_group}/{name}")
    if data is None or data.shape[1:] != (nz, ny, nx):
        raise ValueError(f"{path} holds no frames of {nx} x {ny} x {nz} voxels of {name}: {ELSE}")
    return data


@contextmanager
def opened_to_go_on(path):
    """The open file; ValueError where it is not there or damaged."""
    if not Path(path).is_file():
        raise ValueError(f"there is no {path}, whose frames the checkpoint goes on with: {ELSE}")
    with telling(path):
        try:
            file = h5py.File(path, "r+", locking=False)
        except OSError as error:
            raise ValueError(
                f"{path} is damaged, its writer was ended inside a write ({error}): keep it for what can be read of it, "
                "and give another file for the frames from here on"
            ) from error
        with file:
            yield file
