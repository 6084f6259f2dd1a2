"""Checkpoints on the disk: sets of files with all that a run needs to go on, whole or not there.

    DIR/000007-step-400/manifest.json    what the run is and where it stands; each part's size and digest
    DIR/000007-step-400/rank00000        the part that a rank wrote, see `part`
    DIR/000008-step-500.part/            being written, or left behind by a run that was killed

A set is written under a temporary name: all parts, then the manifest, each of them on the disk before the next; then it
gets its name, numbered on from those that are there. The newest whole set is found by reading, so nothing can point to a
wrong one, and the set before it is kept. Nothing in a set is executed, and no path is taken from it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from pathlib import Path

import numpy as np

from ecsmpi.files.disk import telling
from ecsmpi.ranks.meeting import everywhere
from ecsmpi.files.part import Damaged, PartReader, PartWriter, Written, as_record, digest_of

FORMAT = "ecsmpi checkpoint 1"
MANIFEST = "manifest.json"
MOST_MANIFEST = 1 << 30  # bytes
SET_NAME = re.compile(r"(\d{6,12})-step-\d+")
PARTIAL = ".part"
BOX = "box "  # begins the names of a box's arrays, which are doubles


def part_name(rank: int) -> str:
    """The file of a rank."""
    return f"rank{rank:05d}"


class Checkpoints:
    """The sets in one folder, written and found by all ranks of ``comm``. Everything here is collective.

    keep: how many whole sets stay; older ones go when a new one is there.
    """

    def __init__(self, comm, path, keep: int = 2):
        if keep < 1:
            raise ValueError(f"keep must be at least 1 checkpoint, got {keep}")
        self._comm, self.path, self._keep = comm, Path(path), keep
        self.seconds = 0.0  # that the last one took

    def follow(self, comm) -> None:
        """All ranks of `comm` write and find them from now on."""
        self._comm = comm

    def write(self, step: int, about: dict, fill) -> Path:
        """Write a set; returns its folder.

        about: what the run is and where it stands, for JSON, the same on every rank. fill(part): adds this rank's
        sections to a PartWriter. Raises OSError on every rank where the disk does not take it: older sets stay.
        """
        began = time.monotonic()
        number = self._comm.bcast(_next_number(self.path) if self._comm.rank == 0 else None)
        final = self.path / f"{number:06d}-step-{step}"
        partial = final.with_name(final.name + PARTIAL)
        everywhere(self._comm, self._on_first, self._begin, partial)
        written = everywhere(self._comm, self._write_part, partial, fill)
        parts = self._comm.gather(as_record(written))
        everywhere(self._comm, self._on_first, self._commit, partial, final, {"about": about, "parts": parts})
        self.seconds = time.monotonic() - began
        return final

    def _on_first(self, action, *arguments):
        if self._comm.rank == 0:
            action(*arguments)

    def _begin(self, partial: Path) -> None:
        with telling(partial):
            self.path.mkdir(parents=True, exist_ok=True)
            for left in self.path.iterdir():
                if left.name.endswith(PARTIAL) and SET_NAME.fullmatch(left.name.removesuffix(PARTIAL)):
                    shutil.rmtree(left)
            partial.mkdir()

    def _write_part(self, partial: Path, fill) -> Written:
        part = PartWriter(partial / part_name(self._comm.rank))
        fill(part)
        return part.close()

    def _commit(self, partial: Path, final: Path, body: dict) -> None:
        text = json.dumps({"format": FORMAT, "digest": _digest(body), "body": body}, allow_nan=False)
        with telling(partial), open(partial / MANIFEST, "x") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with telling(final):
            _sync_folder(partial)
            partial.rename(final)
            _sync_folder(self.path)
            for old in _sets(self.path)[self._keep :]:
                _remove(old)

    def newest(self, say=print) -> CheckpointSet | None:
        """The newest whole set, or None where there is no set at all; Damaged where none of them is whole.

        A set of another format, or with bytes other than those written, is passed over, and said on rank 0.
        """
        names = self._comm.bcast(_sets(self.path) if self._comm.rank == 0 else None)
        for path in names:
            try:
                return opened(self._comm, path)
            except Damaged as damage:
                if self._comm.rank == 0:
                    say(f"ecsmpi: passing over a checkpoint: {damage}")
        if names:
            raise Damaged(f"none of the {len(names)} checkpoints in {self.path} is whole: start the run anew")
        return None


class CheckpointSet:
    """A set whose manifest has been read. about: what `Checkpoints.write` was given. ranks: how many wrote it."""

    def __init__(self, path):
        self.path = Path(path)
        body = _read_manifest(self.path / MANIFEST)
        self.about = body["about"]
        self._written = [Written(**part) for part in body["parts"]]
        self.ranks = len(self._written)

    def part(self, rank: int) -> PartReader:
        """The part that a rank wrote. Damaged where it is not whole."""
        return PartReader(self.path / part_name(rank), self._written[rank])

    def verify(self, ranks=None) -> None:
        """Read the parts of some ranks, or of all. Damaged where a byte is not what was written."""
        for rank in range(self.ranks) if ranks is None else ranks:
            part = self.part(rank)
            part.verify()
            part.close()


    def verify_numbers(self) -> None:
        """Damaged where a box has values that are no numbers: such a state is never written."""
        for rank in range(self.ranks):
            part = self.part(rank)
            for name in part.names():
                if name.startswith(BOX) and not np.isfinite(np.frombuffer(part.read_bytes(name))).all():
                    raise Damaged(f"{part.path}: {name} holds values that are no numbers")
            part.close()


def opened(comm, path) -> CheckpointSet:
    """A set, each of whose bytes was read by some rank. Collective; Damaged on every rank."""

    def read():
        found = CheckpointSet(path)
        found.verify(range(comm.rank, found.ranks, comm.size))
        return found

    return everywhere(comm, read)


def is_set(path) -> bool:
    """Whether a path is a set rather than a folder of sets."""
    return (Path(path) / MANIFEST).is_file()


def _sets(path: Path) -> list[Path]:
    """Folders named as sets, the newest first."""
    found = [one for one in path.iterdir() if SET_NAME.fullmatch(one.name)] if path.is_dir() else []
    return sorted(found, key=_number, reverse=True)


def _number(path: Path) -> int:
    return int(SET_NAME.match(path.name)[1])


def _next_number(path: Path) -> int:
    return 1 + max(map(_number, _sets(path)), default=0)


def _read_manifest(path: Path) -> dict:
    try:
        with open(path, "rb") as file:
            text = file.read(MOST_MANIFEST)
        manifest = json.loads(text)
        if manifest["format"] != FORMAT:
            raise Damaged(f"{path} has the format {manifest['format']!r}, this ecsmpi reads {FORMAT!r}")
        body = manifest["body"]
        if _digest(body) != manifest["digest"] or manifest.keys() != {"format", "digest", "body"}:
            raise Damaged(f"{path} is not what was written")
        return body
    except Damaged:
        raise
    except OSError as error:
        raise Damaged(f"{path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Damaged(f"{path} is not the manifest of a checkpoint ({type(error).__name__})") from error


def _digest(body) -> str:
    return digest_of(json.dumps(body, sort_keys=True).encode())


def _remove(path: Path) -> None:
    """The manifest goes first: half a set is then none."""
    (path / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(path)


def _sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
