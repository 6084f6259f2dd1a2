"""One file of a checkpoint: rows of bytes by name, each under a digest, and an index of them at the
end.

    MAGIC  rows of section 1  rows of section 2  ...  index

A section is an array of planes, of which each is a row, or plain bytes in rows of 1 MiB. The index,
in JSON, says where each begins and has a digest of every row; `Written` has the digest of the
index. So no byte is without one.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ecsmpi.files.checked import digest, listed, read_json, record, shown, text, whole
from ecsmpi.files.disk_errors import sync, telling

MAGIC = b"ecsmpi checkpoint part 1\n"
ROW = 1 << 20  # bytes
MOST_INDEX = 1 << 30  # bytes


class Damaged(ValueError):
    """What was written is no longer there as it was."""


@dataclass(frozen=True)
class Written:
    """What identifies a part: its bytes, where its index begins, and the digest of that. ValueError
    where it is none.
    """

    bytes: int
    index_at: int
    digest: str

    def __post_init__(self):
        whole(self.bytes, "bytes")
        whole(self.index_at, "index_at", least=len(MAGIC), most=self.bytes)
        digest(self.digest, "digest")

    @classmethod
    def read(cls, part, name: str) -> Written:
        """From what JSON says."""
        return cls(**record(part, name, ("bytes", "index_at", "digest")))


@dataclass(frozen=True)
class Section:
    """Rows under one name: where the first begins, the bytes of all and of one, and the number of
    the first plane.

    ValueError where it is none.
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
        if len(self.digests) != self._rows():
            raise ValueError(
                f"{self.bytes} bytes in rows of {self.row} have {self._rows()} digests, got {len(self.digests)}"
            )

    def _rows(self) -> int:
        return -(-self.bytes // self.row) if self.row else 0

    @property
    def planes(self) -> tuple[int, int]:
        """The planes [lo, hi) that it holds."""
        return self.first, self.first + len(self.digests)

    @classmethod
    def read(cls, section, name: str) -> Section:
        """From what JSON says."""
        return cls(
            **record(section, f"section {shown(name)}", ("at", "bytes", "row", "first", "digests"))
        )


def opened_plain(path, most: int):
    """A file opened for bytes, without waiting for a pipe's writer; Damaged unless it is a plain
    file of at most so many bytes.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        file = os.fdopen(descriptor, "rb", buffering=0)
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
    """Hexadecimal digest of bytes."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


class PartWriter:
    """Writes a part that must not be there yet; ``close`` says what it is. OSError where the disk
    does not take it.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self._index, self._at = {}, 0
        with telling(self.path):
            self._file = open(self.path, "xb", buffering=0)
        self._write(MAGIC)

    def add_planes(self, name: str, array: np.ndarray, first: int) -> None:
        """Planes of an array, (planes, ...) of doubles, which are `first` and on of the whole."""
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
        """Plain bytes."""
        begin = self._at
        digests = [self._write(memoryview(data)[at : at + ROW]) for at in range(0, len(data), ROW)]
        self._index[name] = {
            "at": begin,
            "bytes": len(data),
            "row": ROW,
            "first": 0,
            "digests": digests,
        }

    def close(self) -> Written:
        """Write the index and wait until all of it is on the disk."""
        index_at, digest = self._at, self._write(json.dumps(self._index).encode())
        with telling(self.path):
            sync(self._file.fileno(), self.path)
            self._file.close()
        return Written(self._at, index_at, digest)

    def _write(self, data) -> str:
        left = memoryview(data)
        with telling(self.path):
            while left.nbytes:
                left = left[self._file.write(left) :]
        self._at += memoryview(data).nbytes
        return digest_of(data)


class PartReader:
    """Reads what `PartWriter` wrote; Damaged where it is not what it was. written: what the
    writer's ``close`` said.
    """

    def __init__(self, path: Path, written: Written):
        self.path, self._written = Path(path), written
        self._file = opened_plain(self.path, written.bytes)
        try:
            self._index = self._read_index()
        except BaseException:
            self.close()
            raise

    def _read_index(self) -> dict[str, Section]:
        size, written = os.fstat(self._file.fileno()).st_size, self._written
        if size != written.bytes:
            raise Damaged(f"{self.path}: {size:,} bytes of {written.bytes:,}")
        length = written.bytes - written.index_at
        if length > MOST_INDEX or self._pread(len(MAGIC), 0) != MAGIC:
            raise Damaged(f"{self.path}: not a part of a checkpoint")
        data = self._pread(length, written.index_at)
        if digest_of(data) != written.digest:
            raise Damaged(f"{self.path}: its index is not what was written")
        try:
            index = read_json(data, "its index")
            if type(index) is not dict:
                raise ValueError(f"its index must be a record, got {shown(index)}")
            sections = {
                text(name, "a name"): Section.read(section, name) for name, section in index.items()
            }
        except ValueError as error:
            raise Damaged(f"{self.path}: {error}") from error
        self._check_cover(sections)
        return sections

    def _check_cover(self, sections: dict[str, Section]) -> None:
        """Sections must follow each other from the first byte to the index, or a byte would be
        without a digest.
        """
        at = len(MAGIC)
        for name, section in sections.items():
            if section.at != at:
                raise Damaged(f"{self.path}: section {shown(name)} is not where it should be")
            at += section.bytes
        if at != self._written.index_at:
            raise Damaged(
                f"{self.path}: the sections end at {at}, the index begins at {self._written.index_at}"
            )

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def names(self) -> list[str]:
        """The sections."""
        return list(self._index)

    def section(self, name: str) -> Section:
        """Where a section is. Damaged where there is none of that name."""
        if name not in self._index:
            raise Damaged(f"{self.path} has no section {shown(name)}")
        return self._index[name]

    def planes(self, name: str) -> tuple[int, int]:
        """The planes [lo, hi) of an array that are here."""
        return self.section(name).planes

    def read_planes(self, name: str, out: np.ndarray, first: int) -> None:
        """Fill out, (planes, ...) of doubles of which the first is plane `first`, with those planes
        that are here.
        """
        section = self.section(name)
        lo, hi = section.planes
        row = int(np.prod(out.shape[1:])) * out.itemsize
        if hi > lo and section.row != row:
            raise Damaged(f"{self.path}: planes of {name} have {section.row} bytes, expected {row}")
        for plane in range(max(lo, first), min(hi, first + len(out))):
            out[plane - first] = np.frombuffer(self._row(name, plane - lo), out.dtype).reshape(
                out.shape[1:]
            )

    def read_bytes(self, name: str) -> bytes:
        """Plain bytes."""
        return b"".join(
            self._row(name, number) for number in range(len(self.section(name).digests))
        )

    def read_numbers(self, name: str) -> np.ndarray:
        """Plain bytes as doubles."""
        data = self.read_bytes(name)
        if len(data) % np.dtype(float).itemsize:
            raise Damaged(f"{self.path}: {shown(name)} has {len(data)} bytes, which are no doubles")
        return np.frombuffer(data)

    def verify(self) -> None:
        """Read all of it."""
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
        """So many bytes of the file, or fewer where it ends."""
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


def as_record(written: Written) -> dict:
    """For a manifest."""
    return asdict(written)
