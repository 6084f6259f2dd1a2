"""Checkpoints on the disk: sets of files with all that a run needs to go on, whole or not there.

    DIR/000007-step-400/manifest.json    what the run is and where it stands; each part's size and digest
    DIR/000007-step-400/rank00000        the part that a rank wrote, see `part`
    DIR/000008-step-500.part/            being written, or left behind by a run that was killed

A set is written under a temporary name: all parts, then the manifest, each of them on the disk
before the next; then it gets its name, numbered on from those that are there. The newest whole set
is found by reading, so nothing can point to a wrong one, and the set before it is kept. Nothing in
a set is executed, and no path is taken from it.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import time
import uuid
from contextlib import suppress
from pathlib import Path

import numpy as np

from ecsmpi.files.checked import listed, read_json, record, shown
from ecsmpi.files.checkpoint_part import (
    Damaged,
    PartReader,
    PartWriter,
    Written,
    as_record,
    digest_of,
    opened_plain,
)
from ecsmpi.files.disk_errors import sync, sync_folder, telling
from ecsmpi.files.facts import Facts
from ecsmpi.ranks.meeting import everywhere

FORMAT = "ecsmpi checkpoint 1"
MANIFEST = "manifest.json"
MOST_MANIFEST = 1 << 30  # bytes
SET_NAME = re.compile(r"(\d{6,12})-step-\d+")
PARTIAL = ".part"
BOX = "box "  # begins the names of a box's arrays, which are doubles
PROBE = ".ecsmpi-probe-"  # begins the names of files that only try the folder
PROBE_IS_OLD = 3600.0  # s after which a probe is one of a run that was killed
PATIENCE = 10.0  # s until what one rank writes to a shared folder is there for the others


def part_name(rank: int) -> str:
    """The file of a rank."""
    return f"rank{rank:05d}"


class Checkpoints:
    """The sets in one folder, written and found by all ranks of ``comm``. Everything here is
    collective.

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

    def try_out(self) -> None:
        """Write a small file from each rank and remove it: a run finds out at its start whether
        checkpoints can be written.

        Raises OSError on every rank where a rank cannot write there, or sees another folder than
        rank 0.
        """
        name = self._comm.bcast(f"{PROBE}{uuid.uuid4().hex}")
        try:
            everywhere(self._comm, self._on_first, self._write_probe, name)
            everywhere(self._comm, self._find_probe, name)
            everywhere(self._comm, self._try_own, f"{name}-{self._comm.rank}")
        finally:
            self._on_first(_remove_probe, self.path / name)

    def _write_probe(self, name: str) -> None:
        with telling(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(name)

    def _find_probe(self, name: str) -> None:
        end = time.monotonic() + PATIENCE
        while not (self.path / name).is_file():
            if time.monotonic() > end:
                raise OSError(
                    f"checkpoints go to {self.path.absolute()}, where rank {self._comm.rank} on {platform.node()} does not see "
                    "what rank 0 writes: give a folder that all nodes share, by the same path on each"
                )
            time.sleep(0.05)

    def _try_own(self, name: str) -> None:
        probe = self.path / name
        with telling(self.path):
            try:
                with open(probe, "xb") as file:
                    file.write(bytes(1))
                    file.flush()
                    sync(file.fileno(), self.path)
            finally:
                _remove_probe(probe)

    def write(self, facts: Facts, fill) -> Path:
        """Write a set; returns its folder.

        facts: what the run is and where it stands, the same on every rank. fill(part): adds this
        rank's sections to a PartWriter. Raises OSError on every rank where the disk does not take
        it: older sets stay.
        """
        began = time.monotonic()
        number = everywhere(self._comm, self._of_first, _next_number, self.path)
        final = self.path / f"{number:06d}-step-{facts.step}"
        partial = final.with_name(final.name + PARTIAL)
        everywhere(self._comm, self._on_first, self._begin, partial)
        written = everywhere(self._comm, self._write_part, partial, fill)
        parts = self._comm.gather(as_record(written))
        everywhere(
            self._comm,
            self._on_first,
            self._commit,
            partial,
            final,
            {"about": facts.record(), "parts": parts},
        )
        self.seconds = time.monotonic() - began
        return final

    def _of_first(self, action, *arguments):
        """What an action returns on rank 0, or its failure, on every rank."""
        return self._comm.bcast(everywhere(self._comm, self._on_first, action, *arguments))

    def _on_first(self, action, *arguments):
        return action(*arguments) if self._comm.rank == 0 else None

    def _begin(self, partial: Path) -> None:
        with telling(partial):
            self.path.mkdir(parents=True, exist_ok=True)
            for left in self.path.iterdir():
                if left.name.endswith(PARTIAL) and SET_NAME.fullmatch(
                    left.name.removesuffix(PARTIAL)
                ):
                    shutil.rmtree(left)
                if (
                    left.name.startswith(PROBE)
                    and time.time() - left.stat().st_mtime > PROBE_IS_OLD
                ):
                    _remove_probe(left)
            partial.mkdir()

    def _write_part(self, partial: Path, fill) -> Written:
        part = PartWriter(partial / part_name(self._comm.rank))
        fill(part)
        return part.close()

    def _commit(self, partial: Path, final: Path, body: dict) -> None:
        text = json.dumps(
            {"format": FORMAT, "digest": _digest(body), "body": body}, allow_nan=False
        )
        with telling(partial), open(partial / MANIFEST, "x") as file:
            file.write(text)
            file.flush()
            sync(file.fileno(), self.path)
        with telling(final):
            sync_folder(partial)
            partial.rename(final)
            sync_folder(self.path)
            for old in _sets(self.path)[self._keep :]:
                _remove(old)

    def newest(self, say=print) -> CheckpointSet | None:
        """The newest whole set, or None where there is no set at all; Damaged where none of them is
        whole.

        A set of another format, or with bytes other than those written, is passed over, and said on
        rank 0.
        """
        names = self._of_first(_sets, self.path)
        for path in names:
            try:
                return opened(self._comm, path)
            except Damaged as damage:
                if self._comm.rank == 0:
                    say(f"ecsmpi: passing over a checkpoint: {damage}")
        if names:
            raise Damaged(
                f"none of the {len(names)} checkpoints in {self.path} is whole: start the run anew"
            )
        return None


class CheckpointSet:
    """A set whose manifest has been read. facts: what `Checkpoints.write` was given. ranks: how
    many wrote it.
    """

    def __init__(self, path):
        self.path = Path(path)
        manifest = self.path / MANIFEST
        body = _read_manifest(manifest)
        try:
            self.facts = Facts.read(body["about"])
            self._written = listed(body["parts"], "parts", Written.read, self.facts.ranks)
        except ValueError as error:
            raise Damaged(f"{manifest}: {error}") from error
        self.ranks = self.facts.ranks

    def part(self, rank: int) -> PartReader:
        """The part that a rank wrote. Damaged where it is not whole."""
        return PartReader(self.path / part_name(rank), self._written[rank])

    def verify(self, ranks=None) -> None:
        """Read the parts of some ranks, or of all. Damaged where a byte is not what was written."""
        for rank in range(self.ranks) if ranks is None else ranks:
            with self.part(rank) as part:
                part.verify()
                self._check_planes(rank, part)

    def _check_planes(self, rank: int, part: PartReader) -> None:
        """The planes that a part has are those that the manifest says of its rank: a box is then
        whole.
        """
        for name in part.names():
            number = name.removeprefix(BOX).split(" ")[0]
            if not name.startswith(BOX):
                continue
            if not number.isdecimal() or int(number) >= len(self.facts.planes):
                raise Damaged(f"{part.path}: {shown(name)} is of no box that the manifest knows")
            expected = self.facts.planes[int(number)][rank]
            if part.planes(name) != expected:
                found = "planes {} to {}".format(*part.planes(name))
                raise Damaged(
                    f"{part.path}: {shown(name)} has {found}, the manifest says {expected[0]} to {expected[1]}"
                )

    def verify_numbers(self) -> None:
        """Damaged where a box has values that are no numbers: such a state is never written."""
        for rank in range(self.ranks):
            with self.part(rank) as part:
                for name in part.names():
                    if name.startswith(BOX) and not np.isfinite(part.read_numbers(name)).all():
                        raise Damaged(f"{part.path}: {name} holds values that are no numbers")


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
    with opened_plain(path, MOST_MANIFEST) as file:
        try:
            data = file.readall()
        except OSError as error:
            raise Damaged(f"{path}: {error.strerror}") from error
    try:
        manifest = read_json(data, "its text")
        if type(manifest) is dict and manifest.get("format", FORMAT) != FORMAT:
            raise Damaged(
                f"{path} has the format {shown(manifest['format'])}, this ecsmpi reads {FORMAT!r}"
            )
        record(manifest, "it", ("format", "digest", "body"))
        if _digest(manifest["body"]) != manifest["digest"]:
            raise Damaged(f"{path} is not what was written")
        return record(manifest["body"], "its body", ("about", "parts"))
    except Damaged:
        raise
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path} is not the manifest of a checkpoint: {error}") from error


def _digest(body) -> str:
    return digest_of(json.dumps(body, sort_keys=True).encode())


def _remove_probe(path: Path) -> None:
    """Where it cannot be removed, it could not be written, and that has been said."""
    with suppress(OSError):
        path.unlink()


def _remove(path: Path) -> None:
    """The manifest goes first: half a set is then none."""
    (path / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(path)
