"""One file of a checkpoint: rows of bytes by name, each under a digest, and an index at the end.

    MAGIC  rows of section 1  rows of section 2  ...  index

A section is an array of planes, each of which is a row, or plain bytes in rows of 1 MiB. The index,
in JSON, says where each section begins and has a digest of every row. `PartRecord` has the digest
of the index. So every byte is under a digest.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from ecsmpi.files.checked import digest, listed, record, shown, whole
from ecsmpi.files.disk_errors import explained_write_errors, sync

MAGIC = b"ecsmpi checkpoint part 1\n"
ROW = 1 << 20  # bytes


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
