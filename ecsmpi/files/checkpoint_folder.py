"""Writes and finds checkpoints on the disk. A checkpoint is whole, or it counts as not there.

    DIR                          a folder of checkpoints, `CheckpointFolder`
    DIR/000007-step-400/         a checkpoint, `saved_checkpoint.SavedCheckpoint`
    DIR/000008-step-500.part/    a checkpoint that is being written, or that a killed run left

`run.checkpoint.schedule.CheckpointSchedule` says when one is due; scripts know it as
``rxd.Checkpoint``.

Ranks write a checkpoint under a temporary name: first all parts, then rank 0 the manifest, each of
them on the disk before the next. Then the checkpoint gets its name, whose number follows those of
the others in the folder. A restart finds the newest whole checkpoint by reading them, so nothing
can point to a wrong one. The checkpoint before it is kept.
"""

from __future__ import annotations

import platform
import shutil
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ecsmpi.files.checkpoint_part import Damaged, PartRecord, PartWriter
from ecsmpi.files.disk_errors import explained_write_errors, sync, sync_folder
from ecsmpi.files.first_rank import on_first_rank
from ecsmpi.files.manifest import Manifest
from ecsmpi.files.saved_checkpoint import (
    CHECKPOINT_NAME,
    MANIFEST,
    SavedCheckpoint,
    open_verified,
    part_name,
    write_manifest,
)
from ecsmpi.ranks.meeting import everywhere

PARTIAL = ".part"  # ends the name of a checkpoint that is being written
PROBE = ".ecsmpi-probe-"  # begins the names of files that only try the folder
PROBE_IS_OLD = 3600.0  # s after which a probe is one of a run that was killed
PATIENCE = 10.0  # s until what one rank writes to a shared folder is there for the others


class CheckpointFolder:
    """The checkpoints in one folder, written and found by all ranks of ``comm``.

    All methods are collective.

    Parameters
    ----------
    comm
        The ranks of the run.
    path
        The folder.
    keep : int
        How many whole checkpoints stay; older ones are deleted when a new one is there.

    Attributes
    ----------
    path : Path
        The folder.
    seconds : float
        Time that the last checkpoint took to write.
    """

    def __init__(self, comm, path: str | Path, keep: int = 2):
        if keep < 1:
            raise ValueError(f"keep must be at least 1 checkpoint, got {keep}")
        self._comm = comm
        self.path = Path(path)
        self._keep = keep
        self.seconds = 0.0

    def follow(self, comm) -> None:
        """Let the ranks of another communicator write and find the checkpoints from now on."""
        self._comm = comm

    def try_out(self) -> None:
        """Write a small file from each rank and remove it.

        A run finds out at its start whether checkpoints can be written. Raises OSError on every
        rank where a rank cannot write there, or sees another folder than rank 0.
        """
        name = self._comm.bcast(f"{PROBE}{uuid.uuid4().hex}")
        try:
            on_first_rank(self._comm, self._write_probe, name)
            everywhere(self._comm, self._find_probe, name)
            everywhere(self._comm, self._try_own, f"{name}-{self._comm.rank}")
        finally:
            if self._comm.rank == 0:
                _remove_probe(self.path / name)

    def _write_probe(self, name: str) -> None:
        with explained_write_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            (self.path / name).write_text(name)

    def _find_probe(self, name: str) -> None:
        """Wait for the file of rank 0."""
        end = time.monotonic() + PATIENCE
        while not (self.path / name).is_file():
            if time.monotonic() > end:
                raise OSError(
                    f"checkpoints go to {self.path.absolute()}, where rank {self._comm.rank} on "
                    f"{platform.node()} does not see what rank 0 writes: give a folder that all "
                    "nodes share, by the same path on each"
                )
            time.sleep(0.05)

    def _try_own(self, name: str) -> None:
        probe = self.path / name
        with explained_write_errors(self.path):
            try:
                with open(probe, "xb") as file:
                    file.write(bytes(1))
                    file.flush()
                    sync(file.fileno(), self.path)
            finally:
                _remove_probe(probe)

    def write(self, manifest: Manifest, fill: Callable[[PartWriter], None]) -> Path:
        """Write a checkpoint and return its folder.

        Parameters
        ----------
        manifest : Manifest
            What the run is and where it stands, the same on every rank.
        fill : callable
            ``fill(part)`` adds this rank's sections to a `PartWriter`.

        Raises
        ------
        OSError
            On every rank, where the disk does not take the checkpoint: older ones stay.
        """
        began = time.monotonic()
        number = everywhere(self._comm, self._of_first, _next_number, self.path)
        final = self.path / f"{number:06d}-step-{manifest.step}"
        partial = final.with_name(final.name + PARTIAL)
        on_first_rank(self._comm, self._begin, partial)
        part = everywhere(self._comm, self._write_part, partial, fill)
        parts = self._comm.gather(part.record())
        on_first_rank(self._comm, self._commit, partial, final, manifest, parts)
        self.seconds = time.monotonic() - began
        return final

    def _of_first(self, action, *arguments):
        """Return on every rank what an action returns on rank 0, or raise its failure."""
        return self._comm.bcast(on_first_rank(self._comm, action, *arguments))

    def _begin(self, partial: Path) -> None:
        """Make the folder of a new checkpoint, and delete what killed runs have left."""
        with explained_write_errors(partial):
            self.path.mkdir(parents=True, exist_ok=True)
            for left in self.path.iterdir():
                final_name = left.name.removesuffix(PARTIAL)
                if left.name.endswith(PARTIAL) and CHECKPOINT_NAME.fullmatch(final_name):
                    shutil.rmtree(left)
                if (
                    left.name.startswith(PROBE)
                    and time.time() - left.stat().st_mtime > PROBE_IS_OLD
                ):
                    _remove_probe(left)
            partial.mkdir()

    def _write_part(self, partial: Path, fill: Callable[[PartWriter], None]) -> PartRecord:
        part = PartWriter(partial / part_name(self._comm.rank))
        fill(part)
        return part.close()

    def _commit(self, partial: Path, final: Path, manifest: Manifest, parts: list[dict]) -> None:
        """Write the manifest, give the checkpoint its name, and delete those that are too old."""
        write_manifest(partial, manifest, parts, self.path)
        with explained_write_errors(final):
            sync_folder(partial)
            partial.rename(final)
            sync_folder(self.path)
            for old in _paths(self.path)[self._keep :]:
                _remove(old)

    def newest(self, say: Callable[[str], object] = print) -> SavedCheckpoint | None:
        """Return the newest whole checkpoint, or None where there is none at all.

        Passes over one that has another format, or bytes other than those written, and says so on
        rank 0. Raises Damaged where there are checkpoints and none of them is whole.
        """
        paths = self._of_first(_paths, self.path)
        for path in paths:
            try:
                return open_verified(self._comm, path)
            except Damaged as damage:
                if self._comm.rank == 0:
                    say(f"ecsmpi: passing over a checkpoint: {damage}")
        if paths:
            raise Damaged(
                f"none of the {len(paths)} checkpoints in {self.path} is whole: start the run anew"
            )
        return None


def _paths(path: Path) -> list[Path]:
    """Return the folders that are named as checkpoints, the newest first."""
    if not path.is_dir():
        return []
    found = [one for one in path.iterdir() if CHECKPOINT_NAME.fullmatch(one.name)]
    return sorted(found, key=_number, reverse=True)


def _number(path: Path) -> int:
    return int(path.name.split("-")[0])


def _next_number(path: Path) -> int:
    return 1 + max(map(_number, _paths(path)), default=0)


def _remove_probe(path: Path) -> None:
    """Remove a probe. Where that fails, writing it failed before, and that was reported."""
    with suppress(OSError):
        path.unlink()


def _remove(path: Path) -> None:
    """Remove a checkpoint, its manifest first: half of one then does not count as one."""
    (path / MANIFEST).unlink(missing_ok=True)
    shutil.rmtree(path)
