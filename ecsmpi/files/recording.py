"""Reading back the frames that `output` wrote: plain arrays, without MPI and without NEURON.

    recording = load("k.h5")
    recording                          # what is in it
    recording.time, recording.x        # ms, um
    recording["k"]                     # (time, x, y, z) in mM
    recording.frame("k", -1)           # (x, y, z): reads this frame alone
    recording.selections["k_mean_z"]["k"]   # with time, x, y and z of its own

The file is open only while one of these reads it, so a run may write it anew, and other programs
may open it.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path

from ecsmpi.description.grid import Box
from ecsmpi.files.file_layout import FORMAT
from ecsmpi.files.frames import Frames
from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.part_reader import read_parts
from ecsmpi.files.parts import sources_of
from ecsmpi.files.sonata import REPORT, SPIKES
from ecsmpi.files.strange_links import check_links
from ecsmpi.files.table import read_tables

AGAIN = "run the simulation again"
AXES = ("time", "x", "y", "z")


class Unreadable(OSError):
    """A file that cannot be read, with the cure."""


def wants_memory(error: BaseException) -> bool:
    """Whether reading failed for want of memory, which says nothing of the file."""
    return isinstance(error, MemoryError) or bool(
        re.search("(?i)memory|unable to allocate|can't allocate", str(error))
    )


def too_little_memory(path, error) -> str:
    """What to say then."""
    reason = " ".join(str(error).split())[:200]
    return (
        f"too little memory here to read {path}{f' ({reason})' if reason else ''}: read it where "
        f"there is more, or raise the "
        "limit (ulimit -v, --mem of a job); the file may well be whole"
    )


def load(path) -> Recording:
    """Read what is in a file of frames; one that is still being written has the frames of this
    moment.

    Raises OSError where the file, or a part of it, is missing, truncated or not HDF5, and
    ValueError where it is HDF5 of something else.
    """
    return Recording(path)


class Recording(Frames):
    """The frames of one file: those of the whole box, of which there may be none, and of
    selections.

    selections  name -> Frames
    diagnostics name -> {column: (rows,) or (rows, shells)}
    attributes  the provenance, by name

    No file is held open. Where the file is replaced by that of another run, reading raises OSError;
    what was read stays.
    """

    def __init__(self, path):
        source = Source(path)
        with opened(source.path) as file:
            _check_kind(path, file)
            try:
                self._read(source, file)
            except (Unreadable, ValueError):
                raise
            except Exception as error:  # of any kind, from h5py, where bytes are not what they were
                if wants_memory(error):
                    raise MemoryError(too_little_memory(path, error)) from error
                raise Unreadable(
                    f"{path} is damaged ({error}): its writer was ended inside a write; {AGAIN}"
                ) from error

    def _read(self, source, file):
        self.attributes = plain(file.attrs)
        source.run = self.attributes["run"]
        places, frames = {}, 0
        if "VTKHDF" in file:
            places = {name: f"VTKHDF/CellData/{name}" for name in file["VTKHDF/CellData"]}
            frames = int(file["VTKHDF/Steps"].attrs["NSteps"])
        box = Box(*(tuple(self.attributes[name]) for name in ("box_lo_um", "voxel_um", "voxels")))
        time = file["time"][:frames] if places else None
        super().__init__(source, box, "all voxels", places, time)
        self.selections = {
            name: _selection(source, name, group) for name, group in _groups(file).items()
        }
        self.diagnostics = read_tables(file)
        for one in (self, *self.selections.values()):
            for name in one.names:
                _check_field(source, file, one, name)

    def of(self, selection: str | None) -> Frames:
        """The frames of a selection; None for those of the whole box or, where there are none, of
        the first selection.
        """
        if selection is None:
            return (
                self if self.names or not self.selections else next(iter(self.selections.values()))
            )
        if selection not in self.selections:
            raise ValueError(
                f"{self.path} has no selection {selection!r}; it has "
                f"{', '.join(self.selections) or 'none'}"
            )
        return self.selections[selection]

    def close(self):
        """Read no more; there is nothing open to be closed."""
        self._source.closed = True

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()

    def __repr__(self):
        from ecsmpi.files.summary import described

        return described(self)


class Source:
    """A file of frames that is opened anew for each reading. path: as given.

    run: which run's file it is.
    """

    def __init__(self, path):
        self.shown = Path(path)
        self.path = self.shown.absolute()  # the script may go to another folder
        self.run, self.closed = None, False

    @contextmanager
    def opened(self):
        """The open file.

        ValueError once the recording is closed, OSError where the file is of another run by now.
        """
        if self.closed:
            raise ValueError(f"{self.shown} is closed: load it again")
        with opened(self.path) as file:
            if file.attrs.get("run") != self.run:
                raise Unreadable(
                    f"{self.shown} has been replaced by that of another run since it was loaded: "
                    f"ecsmpi.load it again"
                )
            yield file

    def values(self, file, place: str, shape: tuple, where):
        """Values of one dataset of the open file. shape: (frames, nz, ny, nx); HDF5, asked for it,
        would open parts and lock them.
        """
        data = file[place]
        if not data.is_virtual:
            return data[where]
        return read_parts(self.path, sources_of(data), shape, data.dtype, where)


@contextmanager
def opened(path):
    """The open file; OSError says what is to be done, as HDF5's own messages do not."""
    path = Path(path)
    if not path.is_file():
        raise Unreadable(_is_no_file(path))
    try:
        file = open_hdf5(path, "r")
    except OSError as error:
        if "truncated" in str(error):
            raise Unreadable(
                f"{path} is truncated: its copy is incomplete, or its writer was ended inside a "
                f"write; copy it again or {AGAIN}"
            ) from error
        if "signature not found" in str(error):
            raise Unreadable(
                f"{path} is not an HDF5 file; give a file of frames written by ecsmpi"
            ) from error
        raise Unreadable(f"cannot read {path}: {error}") from error
    with file:
        check_links(path, file)
        yield file


def _is_no_file(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder; give a file of frames (`ecsmpi verify` takes folders)"
    if path.exists():
        return f"{path} is a pipe or a device; give a file of frames"
    return f"there is no file {path}"


def _check_kind(path, file) -> None:
    kind = file.attrs.get("format")
    if isinstance(kind, str) and kind in (REPORT, SPIKES):
        what = "spikes" if kind == SPIKES else f"a report of {file.attrs.get('variable')!r}"
        how = "SpikeReader" if kind == SPIKES else "ElementReportReader"
        raise ValueError(
            f"{path} holds {what} of cells in SONATA's format, and no frames of a box: read it by "
            f"libsonata "
            f"(libsonata.{how}({str(path)!r})), bmtk or h5py, or look at it by `ecsmpi info`"
        )
    if not isinstance(kind, str) or kind != FORMAT:
        raise ValueError(
            f"{path} is not a file of frames written by ecsmpi: it lacks the attribute format = "
            f"{FORMAT!r}"
        )


def _groups(file) -> dict:
    """The selections, by name."""
    return {name: group for name, group in file.items() if "frames" in group.attrs}


def _selection(source, name, group) -> Frames:
    about = group.attrs
    places = {species: f"{name}/{species}" for species in group if species not in AXES}
    grid = Box(
        *(tuple(about[one].tolist()) for one in ("grid_lo_um", "grid_voxel_um", "grid_voxels"))
    )
    return Frames(source, grid, about["voxels"], places, group["time"][: int(about["frames"])])


def plain(attributes) -> dict:
    """Numbers and lists rather than NumPy's, text rather than bytes."""
    decoded = {
        name: value.decode(errors="backslashreplace") if isinstance(value, bytes) else value
        for name, value in attributes.items()
    }
    return {
        name: value.tolist() if hasattr(value, "tolist") else value
        for name, value in decoded.items()
    }


def _check_field(source: Source, file, frames: Frames, name: str) -> None:
    """All frames must be there, and be frames.

    In a virtual dataset HDF5 reads those of a missing part as NaN, silently.
    """
    data, count = file[frames.place_of(name)], len(frames)
    if data.dtype.kind != "f" or data.dtype.itemsize not in (4, 8):
        raise Unreadable(
            f"{source.shown} is damaged: {name} has numbers of the type {data.dtype}, not of 4 or "
            f"8 bytes each; {AGAIN}"
        )
    nx, ny, nz = frames.box.shape
    if data.is_virtual:
        shape = next((one.vspace.shape for one in data.virtual_sources()), ())
        _check_parts(source, sources_of(data), frames, name)
    elif data.external:
        raise Unreadable(
            f"{source.shown}: {name} is in other files, {data.external[0][0]!r}, where no run "
            f"writes it: {AGAIN}"
        )
    else:
        shape = data.shape
        if len(shape) == 4 and len(data) < count:
            raise Unreadable(
                f"{source.shown} is damaged: it has {len(data)} of {count} frames of {name}; "
                f"{AGAIN}"
            )
    if shape[1:] != (nz, ny, nx):
        raise Unreadable(
            f"{source.shown} is damaged: {name} has the shape {shape}, expected (frames, {nz}, "
            f"{ny}, {nx}); {AGAIN}"
        )


def _check_parts(source: Source, parts: list, frames: Frames, name: str) -> None:
    planes, count = frames.box.shape[0], len(frames)
    for part in parts:
        if Path(part.file).name != part.file:
            raise Unreadable(
                f"{source.shown} points to {part.file!r}, which is not beside it: no run writes "
                f"that; {AGAIN}"
            )
        _check_part(source, part, frames, count)
    edges = sorted(
        {
            0,
            *(
                frame
                for part in parts
                for frame in (part.first, part.end or count)
                if frame < count
            ),
        }
    )
    for frame in edges if count else ():
        here = [
            part
            for part in parts
            if part.first <= frame and (part.frames is None or frame < part.end)
        ]
        if not _are_each_once([(part.lo, part.hi) for part in here], planes):
            raise Unreadable(
                f"{source.shown} is damaged: the parts of {name} do not have all of its {planes} "
                f"planes, each once, from frame {frame} on; {AGAIN}"
            )


def _are_each_once(spans: list[tuple[int, int]], planes: int) -> bool:
    """Whether spans [lo, hi) are all of so many planes, each once."""
    end = 0
    for lo, hi in sorted(spans):
        if lo != end:
            return False
        end = hi
    return end == planes


def _check_part(source: Source, part, frames: Frames, count: int) -> None:
    path = source.path.with_name(part.file)
    if not path.is_file():
        raise Unreadable(
            f"the part {path} is missing: put it beside the main file, which only points to it"
        )
    with opened(path) as file:
        if file.attrs.get("run") != source.run:
            raise Unreadable(
                f"the part {path} belongs to another run: put that of this run in its place"
            )
        data = file[part.dataset] if part.dataset in file else None
        _, ny, nz = frames.box.shape
        if data is not None and data.shape[1:] != (nz, ny, part.hi - part.lo):
            raise Unreadable(
                f"the part {path} is damaged: {part.dataset} has the shape {data.shape}; {AGAIN}"
            )
        there = 0 if data is None else len(data)
        wanted = max(0, count - part.first) if part.frames is None else part.frames
        if there < wanted:
            raise Unreadable(
                f"the part {path} is short: {there} of {wanted} frames of {part.dataset}; copy it "
                f"again or {AGAIN}"
            )
