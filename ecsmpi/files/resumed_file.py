"""A file of frames that goes on after a restart: is it the one, is it whole, and where does it go
on?

One process cuts a file, without MPI: HDF5 lets each of several ranks blank what it has cut, some of
them too late.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ecsmpi.files.disk_errors import explained_write_errors
from ecsmpi.files.file_layout import FORMAT, Track, lay_out
from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.parts import Source, before_path, generation_of, part_path, sources_of
from ecsmpi.files.table import FOLDER, SLACK, copy_table

ELSE = "put that file back, or give another for the frames from here on"


@dataclass(frozen=True)
class Continuation:
    """How a file goes on.

    in_parts: the fields are in files beside it. anew: the main file is laid out anew, since other
    ranks have other planes, or since one file held the fields before. generation: of the parts that
    are written from now on. first: group -> the frame of the recording with which these begin.
    sources: (group, species) -> the parts before. before: "" or the name that the main file keeps
    as one of them.
    """

    in_parts: bool
    anew: bool = False
    generation: int = 0
    first: dict | None = None
    sources: dict | None = None
    before: str = ""


def look(
    path, tracks: list[Track], owned: list, wants_parts: bool, kept: dict[str, int]
) -> Continuation:
    """How the file at ``path`` can go on after so many frames of each group. owned: (lo, hi) of
    each rank.

    wants_parts: what these ranks would do with a file of one piece. Raises as `cut` does.
    """
    with opened_to_go_on(path) as file:
        _check_format(path, file)
        fields = {
            (track.group, name): _field(path, file, track, name)
            for track in tracks
            for name in track.encodings
        }
        for (group, name), data in fields.items():
            if not data.is_virtual:
                _check_count(path, len(data), kept[group])
        virtual = [data.is_virtual for data in fields.values()]
        if any(virtual) != all(virtual):
            raise ValueError(f"{path} has fields both in itself and in parts: {ELSE}")
        if not any(virtual):
            return (
                _from_one_file(path, tracks, kept)
                if wants_parts and fields
                else Continuation(in_parts=False)
            )
        sources = {key: sources_of(data) for key, data in fields.items()}
        _check_groups(path, file, tracks)
    return _from_parts(path, tracks, owned, sources, kept)


def _from_parts(path, tracks, owned, sources, kept) -> Continuation:
    latest = max(generation_of(one.file) for several in sources.values() for one in several)
    endless = {
        key: [one for one in several if one.frames is None] for key, several in sources.items()
    }
    first = {
        group: max(one.first for one in several) if several else 0
        for (group, _), several in endless.items()
    }
    same = all(
        first[track.group] <= kept[track.group]
        and endless[track.group, name]
        == [
            Source(
                part_path(path, rank, latest).name, track.in_part(name), lo, hi, first[track.group]
            )
            for rank, (lo, hi) in enumerate(track.selection.planes(*planes) for planes in owned)
            if hi > lo
        ]
        for track in tracks
        for name in track.encodings
    )
    if same:
        return Continuation(True, False, latest, first)
    cut_ones = {key: [one.cut(kept[key[0]]) for one in several] for key, several in sources.items()}
    left = {key: [one for one in several if one.frames] for key, several in cut_ones.items()}
    for name in {one.file for several in left.values() for one in several}:
        if not Path(path).with_name(name).is_file():
            raise ValueError(
                f"the part {name} of {path} is missing, whose frames the checkpoint goes on with: {ELSE}"
            )
    return Continuation(True, True, latest + 1, dict(kept), left)


def _from_one_file(path, tracks, kept) -> Continuation:
    generation = 1
    while before_path(path, generation).exists():
        generation += 1
    before = before_path(path, generation).name
    sources = {}
    for track in tracks:
        whole = Source(before, "", 0, track.selection.grid.shape[0], 0, kept[track.group])
        for name in track.encodings:
            one = Source(before, f"{track.data_group}/{name}", whole.lo, whole.hi, 0, whole.frames)
            sources[track.group, name] = [one] if one.frames else []
    return Continuation(True, True, generation, dict(kept), sources, before)


def _check_format(path, file) -> None:
    if file.attrs.get("format") != FORMAT:
        raise ValueError(f"{path} is not a file of frames: {ELSE}")


def _check_groups(path, file, tracks) -> None:
    """A file that is laid out anew must lose nothing."""
    wanted = {track.group for track in tracks}
    there = {name for name, group in file.items() if "frames" in group.attrs} | (
        {""} if "VTKHDF" in file else set()
    )
    if lost := there - wanted:
        raise ValueError(
            f"{path} has frames of {', '.join(sorted(lost)) or 'the whole box'}, which nobody writes on: {ELSE}"
        )


def lay_out_anew(path, file, tracks, owned, sources, kept: dict[str, int], t: float) -> None:
    """A new main file for parts of several generations, with the times and diagnostics of the one
    at ``path``.

    file: open and empty. sources: (track, species) -> the Sources, older and new.
    """
    with opened_to_go_on(path) as old:
        lay_out(file, tracks, owned, dict(old.attrs), sources)
        for track in tracks:
            _copy_times(path, old, file, track, kept[track.group])
        for name, table in old.get(FOLDER, {}).items():
            rows = int(np.searchsorted(table["time"][: int(table.attrs["rows"])], t + SLACK))
            copy_table(table, file, name, rows)


def _copy_times(path, old, new, track: Track, frames: int) -> None:
    counter, counted, series = _times(new, track)
    old_counter, _, old_series = _times(old, track)
    _check_count(path, int(old_counter[counted]), frames)
    for before, dataset in zip(old_series, series):
        dataset.resize(frames, axis=0)
        dataset[:] = before[:frames]
    counter.modify(counted, np.int64(frames))


def _times(file, track: Track) -> tuple:
    """The counter of a track's frames, its name, and the series that have a number for each frame."""
    if track.group:
        return file[track.group].attrs, "frames", [file[track.group]["time"]]
    steps = file["VTKHDF/Steps"]
    offsets = [steps["CellDataOffsets"][species] for species in track.encodings]
    return steps.attrs, "NSteps", [file["time"], steps["Values"], *offsets]


def cut(path, tracks: list[Track], in_parts: bool, kept: dict[str, int], t: float) -> None:
    """Leave the first so many frames of each track's group, and diagnostics up to t (ms). in_parts:
    the fields are in files beside it.

    Raises ValueError where it is not a file of these tracks with so many frames, OSError where it
    is damaged.
    """
    with opened_to_go_on(path) as file:
        _check_format(path, file)
        for track in tracks:
            fields = [_field(path, file, track, name) for name in track.encodings]
            _cut_track(path, file, track, [] if in_parts else fields, kept[track.group])
        for table in file.get(FOLDER, {}).values():
            _cut_table(path, table, t)


def cut_part(
    path, tracks: list[Track], planes: dict[str, tuple[int, int]], kept: dict[str, int]
) -> None:
    """The same of a rank's own file. planes: by group, those that the rank has."""
    with opened_to_go_on(path) as part:
        for track in tracks:
            lo, hi = planes[track.group]
            for name in track.encodings if hi > lo else ():
                data = part.get(f"{track.group}/{name}")
                if data is None or data.shape[-1] != hi - lo:
                    raise ValueError(f"{path} does not hold the planes of this rank: {ELSE}")
                _resize(path, [data], kept[track.group])


def _cut_track(path, file, track: Track, fields: list, frames: int) -> None:
    """Fields, times and the counter of frames."""
    counter, name, series = _times(file, track)
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
        raise ValueError(
            f"{path} has {there} frames, the checkpoint goes on after {frames}: {ELSE}"
        )


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
    with explained_write_errors(path):
        try:
            file = open_hdf5(path, "r+")
        except OSError as error:
            raise ValueError(
                f"{path} is damaged, its writer was ended inside a write ({error}): keep it for what can be read of it, "
                "and give another file for the frames from here on"
            ) from error
        with file:
            yield file
