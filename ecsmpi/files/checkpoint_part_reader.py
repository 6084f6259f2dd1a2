"""Reads one file of a checkpoint, and checks each byte of it before anything uses it.

`checkpoint_part` has the layout of the file.
"""

from __future__ import annotations

import os
import stat
from io import FileIO
from pathlib import Path

import numpy as np

from ecsmpi.files.checked import read_json, shown, text
from ecsmpi.files.checkpoint_part import MAGIC, Damaged, PartRecord, Section, digest_of

MOST_INDEX = 1 << 30  # bytes


def open_plain_file(path, most: int) -> FileIO:
    """Open a file to read bytes; Damaged unless it is a plain file of at most ``most`` bytes.

    Does not wait for the writer of a pipe.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        file = FileIO(descriptor)
    except OSError as error:
        raise Damaged(f"{path}: {error.strerror}") from error
    about = os.fstat(descriptor)
    if stat.S_ISREG(about.st_mode) and about.st_size <= most:
        return file
    file.close()
    if not stat.S_ISREG(about.st_mode):
        raise Damaged(f"{path} is no plain file")
    raise Damaged(
        f"{path} has {about.st_size:,} bytes, which is more than any checkpoint writes there"
    )


class PartReader:
    """Reads what `PartWriter` wrote. Raises Damaged where it is not as it was written.

    Parameters
    ----------
    path
        The file.
    written : PartRecord
        What the writer's ``close`` returned.
    """

    def __init__(self, path: str | Path, written: PartRecord):
        self.path = Path(path)
        self._written = written
        self._file = open_plain_file(self.path, written.bytes)
        try:
            self._index = self._read_index()
        except BaseException:
            self.close()
            raise

    def _read_index(self) -> dict[str, Section]:
        written = self._written
        size = os.fstat(self._file.fileno()).st_size
        if size != written.bytes:
            raise Damaged(f"{self.path}: {size:,} bytes of {written.bytes:,}")
        length = written.bytes - written.index_at
        if length > MOST_INDEX or self._pread(len(MAGIC), 0) != MAGIC:
            raise Damaged(f"{self.path}: not a part of a checkpoint")
        data = self._pread(length, written.index_at)
        if digest_of(data) != written.digest:
            raise Damaged(f"{self.path}: its index is not what was written")
        sections = {}
        try:
            index = read_json(data, "its index")
            if type(index) is not dict:
                raise ValueError(f"its index must be a record, got {shown(index)}")
            for name, section in index.items():
                sections[text(name, "a name")] = Section.read(section, name)
        except ValueError as error:
            raise Damaged(f"{self.path}: {error}") from error
        self._check_cover(sections)
        return sections

    def _check_cover(self, sections: dict[str, Section]) -> None:
        """Raise Damaged unless the sections cover the file from its first byte to the index.

        Bytes in a gap would be without a digest.
        """
        at = len(MAGIC)
        for name, section in sections.items():
            if section.at != at:
                raise Damaged(f"{self.path}: section {shown(name)} is not where it should be")
            at += section.bytes
        index_at = self._written.index_at
        if at != index_at:
            raise Damaged(f"{self.path}: the sections end at {at}, the index begins at {index_at}")

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def names(self) -> list[str]:
        """Return the names of the sections."""
        return list(self._index)

    def section(self, name: str) -> Section:
        """Return what the index has of a section. Damaged where there is none of that name."""
        if name not in self._index:
            raise Damaged(
                f"{self.path} has no section {shown(name)}: it is damaged, or was written by a "
                "version of ecsmpi that did not keep it"
            )
        return self._index[name]

    def planes(self, name: str) -> tuple[int, int]:
        """Return the planes [lo, hi) of an array that this part has."""
        return self.section(name).planes

    def read_planes(self, name: str, out: np.ndarray, first: int) -> None:
        """Copy those planes that this part has into ``out``.

        Parameters
        ----------
        name : str
            Name of the section.
        out : ndarray
            (planes, ...) of doubles; planes that this part does not have stay as they are.
        first : int
            Number of the first plane of ``out`` in the whole array.
        """
        section = self.section(name)
        lo, hi = section.planes
        shape = out.shape[1:]
        row = int(np.prod(shape)) * out.itemsize
        if hi > lo and section.row != row:
            raise Damaged(f"{self.path}: planes of {name} have {section.row} bytes, expected {row}")
        for plane in range(max(lo, first), min(hi, first + len(out))):
            data = self._row(name, plane - lo)
            out[plane - first] = np.frombuffer(data, out.dtype).reshape(shape)

    def read_bytes(self, name: str) -> bytes:
        """Return plain bytes."""
        rows = len(self.section(name).digests)
        return b"".join(self._row(name, number) for number in range(rows))

    def read_numbers(self, name: str) -> np.ndarray:
        """Return plain bytes as doubles."""
        data = self.read_bytes(name)
        if len(data) % np.dtype(float).itemsize:
            raise Damaged(f"{self.path}: {shown(name)} has {len(data)} bytes, which are no doubles")
        return np.frombuffer(data)

    def verify(self) -> None:
        """Read all rows. Damaged where one is not as it was written."""
        for name, section in self._index.items():
            for number in range(len(section.digests)):
                self._row(name, number)

    def _row(self, name: str, number: int) -> bytes:
        section = self._index[name]
        begin = number * section.row
        data = self._pread(min(section.row, section.bytes - begin), section.at + begin)
        if digest_of(data) != section.digests[number]:
            raise Damaged(f"{self.path}: row {number} of {shown(name)} is not what was written")
        return data

    def _pread(self, size: int, at: int) -> bytes:
        """Read ``size`` bytes of the file, or fewer where it ends."""
        pieces = []
        try:
            while size > 0 and (data := os.pread(self._file.fileno(), size, at)):
                pieces.append(data)
                size -= len(data)
                at += len(data)
        except OSError as error:
            raise Damaged(f"{self.path}: {error.strerror}") from error
        return b"".join(pieces)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> PartReader:
        return self

    def __exit__(self, *_) -> None:
        self.close()
