"""Checks of a file of frames as it is loaded: all frames are there, and are frames.

In a virtual dataset HDF5 silently reads those of a missing part as NaN.
"""

from __future__ import annotations

from pathlib import Path

import h5py

from ecsmpi.files.file_layout import FORMAT
from ecsmpi.files.frame_source import AGAIN, FrameSource, UnreadableFile, opened
from ecsmpi.files.frames import Frames
from ecsmpi.files.parts import PartSource, sources_of
from ecsmpi.files.sonata import REPORT, SPIKES


def check_kind(path: str | Path, file: h5py.File) -> None:
    """Raise ValueError unless an open HDF5 file has frames; says what else it is."""
    kind = file.attrs.get("format")
    if isinstance(kind, str) and kind in (REPORT, SPIKES):
        what = "spikes" if kind == SPIKES else f"a report of {file.attrs.get('variable')!r}"
        how = "SpikeReader" if kind == SPIKES else "ElementReportReader"
        raise ValueError(
            f"{path} holds {what} of cells in SONATA's format, and no frames of a box: read it by "
            f"libsonata (libsonata.{how}({str(path)!r})), bmtk or h5py, or look at it by "
            "`ecsmpi info` and `ecsmpi plot`"
        )
    if not isinstance(kind, str) or kind != FORMAT:
        raise ValueError(
            f"{path} is not a file of frames written by ecsmpi: it lacks the attribute format = "
            f"{FORMAT!r}"
        )


def check_field(source: FrameSource, file: h5py.File, frames: Frames, name: str) -> None:
    """Raise OSError unless an open file has all frames of a species.

    Parameters
    ----------
    source : FrameSource
        The file.
    file : h5py.File
        The open file.
    frames : Frames
        What the file should have.
    name : str
        The species.
    """
    data = file[frames.place_of(name)]
    count = len(frames)
    if data.dtype.kind != "f" or data.dtype.itemsize not in (4, 8):
        raise UnreadableFile(
            f"{source.shown} is damaged: {name} has numbers of the type {data.dtype}, not of 4 or "
            f"8 bytes each; {AGAIN}"
        )
    nx, ny, nz = frames.box.shape
    if data.is_virtual:
        shape = next((one.vspace.shape for one in data.virtual_sources()), ())
        _check_parts(source, sources_of(data), frames, name)
    elif data.external:
        raise UnreadableFile(
            f"{source.shown}: {name} is in other files, {data.external[0][0]!r}, where no run "
            f"writes it: {AGAIN}"
        )
    else:
        shape = data.shape
        if len(shape) == 4 and len(data) < count:
            raise UnreadableFile(
                f"{source.shown} is damaged: it has {len(data)} of {count} frames of {name}; "
                f"{AGAIN}"
            )
    if shape[1:] != (nz, ny, nx):
        raise UnreadableFile(
            f"{source.shown} is damaged: {name} has the shape {shape}, expected (frames, {nz}, "
            f"{ny}, {nx}); {AGAIN}"
        )


def _check_parts(source: FrameSource, parts: list[PartSource], frames: Frames, name: str) -> None:
    """Raise OSError unless the parts together have each plane of each frame once."""
    planes = frames.box.shape[0]
    count = len(frames)
    for part in parts:
        if Path(part.file).name != part.file:
            raise UnreadableFile(
                f"{source.shown} points to {part.file!r}, which is not beside it: no run writes "
                f"that; {AGAIN}"
            )
        _check_part(source, part, frames)
    # The same parts have all frames from one of these to the next.
    edges = {0}
    for part in parts:
        edges |= {part.first, part.end or count}
    for frame in sorted(edges):
        if frame >= count:
            break
        spans = [(part.lo, part.hi) for part in parts if _has_frame(part, frame)]
        if not _are_each_once(spans, planes):
            raise UnreadableFile(
                f"{source.shown} is damaged: the parts of {name} do not have all of its {planes} "
                f"planes, each once, from frame {frame} on; {AGAIN}"
            )


def _has_frame(part: PartSource, frame: int) -> bool:
    return part.first <= frame and (part.frames is None or frame < part.end)


def _are_each_once(spans: list[tuple[int, int]], planes: int) -> bool:
    """Whether spans [lo, hi) are all of so many planes, each once."""
    end = 0
    for lo, hi in sorted(spans):
        if lo != end:
            return False
        end = hi
    return end == planes


def _check_part(source: FrameSource, part: PartSource, frames: Frames) -> None:
    """Raise OSError unless the file of a part is of this run and has its frames."""
    path = source.path.with_name(part.file)
    if not path.is_file():
        raise UnreadableFile(
            f"the part {path} is missing: put it beside the main file, which only points to it"
        )
    with opened(path) as file:
        if file.attrs.get("run") != source.run:
            raise UnreadableFile(
                f"the part {path} belongs to another run: put that of this run in its place"
            )
        data = file.get(part.dataset)
        _, ny, nz = frames.box.shape
        if data is not None and data.shape[1:] != (nz, ny, part.hi - part.lo):
            raise UnreadableFile(
                f"the part {path} is damaged: {part.dataset} has the shape {data.shape}; {AGAIN}"
            )
        in_file = 0 if data is None else len(data)
        expected = part.frames
        if expected is None:
            expected = max(0, len(frames) - part.first)
        if in_file < expected:
            raise UnreadableFile(
                f"the part {path} is short: {in_file} of {expected} frames of {part.dataset}; copy "
                f"it again or {AGAIN}"
            )
