"""Opens files of frames for reading, and says what to do about a file that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from ecsmpi.files.opening import open_hdf5
from ecsmpi.files.part_reader import read_parts
from ecsmpi.files.parts import sources_of
from ecsmpi.files.strange_links import check_links

AGAIN = "run the simulation again"
BLOCK_BYTES = 8 << 20  # of a frame, read at once


class UnreadableFile(OSError):
    """A file that cannot be read; the message has the cure."""


def wants_memory(error: BaseException) -> bool:
    """Whether reading failed for want of memory, which says nothing about the file."""
    return isinstance(error, MemoryError) or bool(
        re.search("(?i)memory|unable to allocate|can't allocate", str(error))
    )


def too_little_memory(path: str | Path, error: BaseException) -> str:
    """Return the message for a file that could not be read for want of memory."""
    reason = " ".join(str(error).split())[:200]
    in_brackets = f" ({reason})" if reason else ""
    return (
        f"too little memory here to read {path}{in_brackets}: read it where there is more, or "
        "raise the limit (ulimit -v, --mem of a job); the file may well be whole"
    )


@contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """Open a file for reading.

    Raises OSError that says what to do, as HDF5's own messages do not.
    """
    path = Path(path)
    if not path.is_file():
        raise UnreadableFile(_is_no_file(path))
    try:
        file = open_hdf5(path, "r")
    except OSError as error:
        if "truncated" in str(error):
            raise UnreadableFile(
                f"{path} is truncated: its copy is incomplete, or its writer was ended inside a "
                f"write; copy it again or {AGAIN}"
            ) from error
        if "signature not found" in str(error):
            raise UnreadableFile(
                f"{path} is not an HDF5 file; give a file of frames written by ecsmpi"
            ) from error
        raise UnreadableFile(f"cannot read {path}: {error}") from error
    with file:
        check_links(path, file)
        yield file


def _is_no_file(path: Path) -> str:
    if path.is_dir():
        return f"{path} is a folder; give a file of frames (`ecsmpi verify` takes folders)"
    if path.exists():
        return f"{path} is a pipe or a device; give a file of frames"
    return f"there is no file {path}"


@contextmanager
def damage_explained(path: str | Path) -> Iterator[None]:
    """Turn what h5py raises, errors of any kind where bytes are damaged, into one that explains."""
    try:
        yield
    except (UnreadableFile, ValueError):
        raise
    except Exception as error:
        if wants_memory(error):
            raise MemoryError(too_little_memory(path, error)) from error
        raise UnreadableFile(
            f"{path} is damaged ({error}): its writer was ended inside a write; {AGAIN}"
        ) from error


class FrameSource:
    """A file of frames that is opened anew for each reading.

    Attributes
    ----------
    shown : Path
        The path as given, for messages.
    path : Path
        The absolute path: the script may go to another folder.
    run : str or None
        Which run wrote the file.
    closed : bool
        Whether the recording has been closed.
    """

    def __init__(self, path: str | Path):
        self.shown = Path(path)
        self.path = self.shown.absolute()
        self.run: str | None = None
        self.closed = False

    @contextmanager
    def opened(self) -> Iterator[h5py.File]:
        """Open the file.

        Raises ValueError once the recording is closed, and OSError where another run has replaced
        the file.
        """
        if self.closed:
            raise ValueError(f"{self.shown} is closed: load it again")
        with opened(self.path) as file:
            if file.attrs.get("run") != self.run:
                raise UnreadableFile(
                    f"{self.shown} has been replaced by that of another run since it was loaded: "
                    "ecsmpi.load it again"
                )
            yield file

    def values(self, file: h5py.File, place: str, shape: tuple, where) -> np.ndarray:
        """Return values of one dataset of the open file.

        Parameters
        ----------
        file : h5py.File
            The open file.
        place : str
            Path of the dataset.
        shape : tuple
            (frames, nz, ny, nx); HDF5, asked for it, would open parts and lock them.
        where
            Index of the dataset.
        """
        data = file[place]
        if not data.is_virtual:
            return data[where]
        return read_parts(self.path, sources_of(data), shape, data.dtype, where)


def block_of(data, nz: int, ny: int, nx: int) -> tuple[int, int]:
    """Return how many layers and rows to read at once.

    They are whole chunks, and BLOCK_BYTES at most unless one row of chunks is more.
    """
    _, layers, rows, _ = data.chunks or (1, 1, min(ny, 64), nx)
    row_bytes = nx * data.dtype.itemsize
    rows = min(ny, rows * max(1, BLOCK_BYTES // (row_bytes * layers * rows)))
    layers = min(nz, layers * max(1, BLOCK_BYTES // (row_bytes * layers * rows)))
    return layers, rows
