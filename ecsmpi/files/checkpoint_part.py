"""One file of a checkpoint: rows of bytes by name, each under a digest, and an index at the end.

    MAGIC  rows of section 1  rows of section 2  ...  index

A section is an array of planes, each of which is a row, or plain bytes in rows of 1 MiB. The index,
in JSON, says where each section begins and has a digest of every row. `PartRecord` has the digest
of the index. So every byte is under a digest.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from ecsmpi.files.checked import digest, listed, read_json, record, shown, text, whole
from ecsmpi.files.disk_errors import explained_write_errors, sync

MAGIC = b"ecsmpi checkpoint part 1\n"
ROW = 1 << 20  # bytes
MOST_INDEX = 1 << 30  # bytes


class Damaged(ValueError):
    """A checkpoint, or a part of it, is no longer as it was written."""


@dataclass(frozen=True)
class PartRecord:
    """What a manifest says of a part.

    Parameters
    ----------
    bytes : int
        Size of the file.
    index_at : int
        Where the index begins.
    digest : str
        Digest of the index.

    Raises
    ------
    ValueError
        Where a field has another form.
    """

    bytes: int
    index_at: int
    digest: str

    def __post_init__(self):
        whole(self.bytes, "bytes")
        whole(self.index_at, "index_at", least=len(MAGIC), most=self.bytes)
        digest(self.digest, "digest")

    @classmethod
    def read(cls, part, name: str) -> PartRecord:
        """Construct from a value of JSON."""
        return cls(**record(part, name, ("bytes", "index_at", "digest")))

    def record(self) -> dict:
        """Return the fields by name, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Section:
    """Rows under one name, as the index has them.

    Parameters
    ----------
    at : int
        Where the first row begins.
    bytes : int
        Size of all rows.
    row : int
        Size of one row; the last one may be shorter.
    first : int
        Number of the first plane.
    digests : tuple of str
        Digest of each row.

    Raises
    ------
    ValueError
        Where a field has another form.
    """

    at: int
    bytes: int
    row: int
    first: int
    digests: tuple[str, ...]

    def __post_init__(self):
        for name in ("at", "bytes", "row", "first"):
            whole(getattr(self, name), name)
        object.__setattr__(self, "digests", listed(self.digests, "digests", digest))
        rows = -(-self.bytes // self.row) if self.row else 0
        if len(self.digests) != rows:
            raise ValueError(
                f"{self.bytes} bytes in rows of {self.row} have {rows} digests, "
                f"got {len(self.digests)}"
            )

    @property
    def planes(self) -> tuple[int, int]:
        """The planes [lo, hi) that the section holds."""
        return self.first, self.first + len(self.digests)

    @classmethod
    def read(cls, section, name: str) -> Section:
        """Construct from a value of JSON."""
        keys = ("at", "bytes", "row", "first", "digests")
        return cls(**record(section, f"section {shown(name)}", keys))


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


def digest_of(data) -> str:
    """Return the hexadecimal digest of bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class PartWriter:
    """Writes a part to a new file. Raises OSError where the disk does not take it."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._index: dict[str, dict[str, Any]] = {}
        self._at = 0
        with explained_write_errors(self.path):
            self._file = FileIO(self.path, "x")
        self._write(MAGIC)

    def add_planes(self, name: str, array: np.ndarray, first: int) -> None:
        """Add planes of an array.

        Parameters
        ----------
        name : str
            Name of the section.
        array : ndarray
            (planes, ...) of doubles.
        first : int
            Number of the first plane in the whole array.
        """
        row = int(np.prod(array.shape[1:])) * array.itemsize
        begin = self._at
        digests = [self._write(np.ascontiguousarray(plane).data.cast("B")) for plane in array]
        self._index[name] = {
            "at": begin,
            "bytes": row * len(array),
            "row": row,
            "first": first,
            "digests": digests,
        }

    def add_bytes(self, name: str, data: bytes) -> None:
        """Add plain bytes."""
        begin = self._at
        digests = [self._write(memoryview(data)[at : at + ROW]) for at in range(0, len(data), ROW)]
        self._index[name] = {
            "at": begin,
            "bytes": len(data),
            "row": ROW,
            "first": 0,
            "digests": digests,
        }

    def close(self) -> PartRecord:
        """Write the index, wait until all of it is on the disk, and return what identifies it."""
        index_at = self._at
        index_digest = self._write(json.dumps(self._index).encode())
        with explained_write_errors(self.path):
            sync(self._file.fileno(), self.path)
            self._file.close()
        return PartRecord(self._at, index_at, index_digest)

    def _write(self, data) -> str:
        """Write bytes at the end of the file; return their digest."""
        left = memoryview(data)
        with explained_write_errors(self.path):
            while left.nbytes:
                left = left[self._file.write(left) :]
        self._at += memoryview(data).nbytes
        return digest_of(data)


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
            raise Damaged(f"{self.path} has no section {shown(name)}")
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
