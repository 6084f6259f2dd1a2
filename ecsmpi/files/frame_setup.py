"""Begins a new file of frames, or continues one after a restart.

Rank 0 alone lays out the main file, so that the other ranks only ever open it.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

from ecsmpi.description.grid import Box
from ecsmpi.files.cells_group import Cells, write_cells
from ecsmpi.files.continuation import Continuation, find_continuation, sources_of_ranks
from ecsmpi.files.disk_errors import explained_write_errors
from ecsmpi.files.file_layout import FORMAT, PartSources, Track, lay_out, origin
from ecsmpi.files.first_rank import on_first_rank
from ecsmpi.files.frame_files import FrameFiles
from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.parts import PartSource, keep_under
from ecsmpi.files.resumed_file import cut, cut_part, lay_out_anew
from ecsmpi.files.table import Table, TableWriter, lay_out_table
from ecsmpi.files.track_writer import TrackWriter
from ecsmpi.ranks.meeting import everywhere

Writers = tuple[dict[str, TrackWriter], dict[str, TableWriter]]  # by group, by name


@dataclass(frozen=True)
class Contents:
    """What a file of frames will have.

    Parameters
    ----------
    box : Box
        The box.
    tracks : list of Track
        The whole box and the selections.
    tables : dict
        Name -> Table.
    owned : list of (lo, hi)
        For each rank: the planes of the box that it has.
    cells : Cells, optional
        On rank 0: the morphologies. None where the file has none.
    """

    box: Box
    tracks: list[Track]
    tables: dict[str, Table]
    owned: list[tuple[int, int]]
    cells: Cells | None = None


def begin(files: FrameFiles, contents: Contents, attributes: dict[str, Any]) -> Writers:
    """Begin a new file and return what writes its frames and its tables. Collective.

    attributes: provenance, beside that which every file has.
    """
    comm = files.comm
    tracks = _plan(files, contents, generation=0)
    run = comm.bcast(uuid.uuid4().hex if comm.rank == 0 else None)
    provenance = _provenance(comm, contents) | attributes | {"format": FORMAT, "run": run}
    on_first_rank(comm, _create_main, files, contents, provenance)
    tables = everywhere(comm, _open_main, files, tracks, contents.tables)
    everywhere(comm, _create_part, files, tracks, run)
    return tracks, tables


def resume(files: FrameFiles, contents: Contents, kept: dict[str, int], t: float) -> Writers:
    """Continue the file that is there and return what writes its frames and tables. Collective.

    Parameters
    ----------
    files : FrameFiles
        The files.
    contents : Contents
        What the file must have.
    kept : dict
        Group -> frames after which to continue.
    t : float
        Time after which to continue the tables (ms).
    """
    comm = files.comm
    find = partial(find_continuation, files.main.path, contents.tracks, contents.owned)
    how = comm.bcast(on_first_rank(comm, find, files.in_parts, kept))
    if how.in_parts:
        files.storage = "parts"
    tracks = _plan(files, contents, how.generation)
    if how.anew:
        run = comm.bcast(on_first_rank(comm, _create_main_anew, files, contents, kept, t, how))
    else:
        everywhere(comm, _cut, files, tracks, kept, t, how)
    tables = everywhere(comm, _open_main, files, tracks, contents.tables)
    if how.anew:
        everywhere(comm, _create_part, files, tracks, run)
    else:
        everywhere(comm, _open_part, files, tracks)
    for group, track in tracks.items():
        track.resume(kept[group], how.first.get(group, 0))
    if how.anew:
        on_first_rank(comm, _keep_before, files, how)
        files.appear()
    return tracks, tables


def _plan(files: FrameFiles, contents: Contents, generation: int) -> dict[str, TrackWriter]:
    shared = not files.in_parts
    tracks = {}
    for track in contents.tracks:
        tracks[track.group] = TrackWriter(track, contents.owned, files.comm, shared)
    if files.in_parts and any(track.own_bytes for track in tracks.values()):
        files.plan_part(generation)
    return tracks


def _provenance(comm, contents: Contents) -> dict[str, Any]:
    """Return the attributes that every file has."""
    box = contents.box
    species = dict.fromkeys(name for track in contents.tracks for name in track.encodings)
    return {
        "Conventions": "CF-1.10",
        "title": "extracellular concentrations",
        **origin(comm),
        "species": ", ".join(species),
        "box_lo_um": list(box.lo),
        "box_hi_um": list(box.hi),
        "voxel_um": list(box.spacing),
        "voxels": list(box.shape),
    }


# the main file


def _create_main(files: FrameFiles, contents: Contents, provenance: dict[str, Any]) -> None:
    """Lay out the whole main file, on rank 0."""

    def parts(track: Track, name: str) -> list[PartSource]:
        return sources_of_ranks(files.path, track, name, contents.owned)

    sources: PartSources | None = parts if files.in_parts else None
    files.main.begin()
    with explained_write_errors(files.path), open_hdf5(files.main.current_path, "w") as file:
        lay_out(file, contents.tracks, contents.owned, provenance, sources)
        for name, table in contents.tables.items():
            lay_out_table(file, name, table)
        if contents.cells is not None:
            write_cells(file, contents.cells)


def _create_main_anew(
    files: FrameFiles, contents: Contents, kept: dict[str, int], t: float, how: Continuation
) -> str:
    """Lay out a main file over old and new parts, on rank 0; return the name of its run."""

    def parts(track: Track, name: str) -> list[PartSource]:
        before = how.sources[track.group, name]
        first = how.first[track.group]
        new = sources_of_ranks(files.path, track, name, contents.owned, how.generation, first)
        return [*before, *new]

    files.main.begin()
    with explained_write_errors(files.path), open_hdf5(files.main.current_path, "w") as file:
        lay_out_anew(files.main.path, file, contents.tracks, contents.owned, parts, kept, t)
        return str(file.attrs["run"])


def _keep_before(files: FrameFiles, how: Continuation) -> None:
    """Keep the main file before as one of the parts, under another name."""
    if how.before:
        with explained_write_errors(files.path):
            keep_under(files.main.path, files.main.path.with_name(how.before))


def _cut(
    files: FrameFiles,
    tracks: dict[str, TrackWriter],
    kept: dict[str, int],
    t: float,
    how: Continuation,
) -> None:
    """Drop what comes after the kept frames: rank 0 in the main file, each rank in its own."""
    described = [track.track for track in tracks.values()]
    files.appeared = True
    if files.comm.rank == 0:
        cut(files.main.path, described, how.in_parts, kept, t)
        files.main.resume()
    if files.part is not None:
        planes = {group: track.planes for group, track in tracks.items()}
        kept_in_part = {group: frames - how.first[group] for group, frames in kept.items()}
        cut_part(files.part.path, described, planes, kept_in_part)
        files.part.resume()


def _open_main(
    files: FrameFiles, tracks: dict[str, TrackWriter], tables: dict[str, Table]
) -> dict[str, TableWriter]:
    """Open the main file, its tracks and its tables; return what writes the tables."""
    files.open_main()
    file = files.main_handle
    if file is None:
        return {}
    with explained_write_errors(files.path):
        for track in tracks.values():
            track.open_in_main(file, has_data=not files.in_parts)
        return {name: TableWriter(file, name, files.comm.rank) for name in tables}


# this rank's own file


def _create_part(files: FrameFiles, tracks: dict[str, TrackWriter], run: str) -> None:
    if files.part is None:
        return
    file = files.create_part(files.part, run)
    with explained_write_errors(files.part.shown):
        for track in tracks.values():
            track.create_in_part(file)
        file.flush()


def _open_part(files: FrameFiles, tracks: dict[str, TrackWriter]) -> None:
    if files.part is None:
        return
    file = files.open_part(files.part)
    for track in tracks.values():
        track.open_in_part(file)
