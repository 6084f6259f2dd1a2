"""One checkpoint: a folder with a manifest, and with a part for each rank that wrote it.

    DIR/000007-step-400/manifest.json    the `Manifest`, and each part's `PartRecord`
    DIR/000007-step-400/rank00000        the part that rank 0 wrote, see `checkpoint_part`

Nothing in a checkpoint is executed, and no path is taken from it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ecsmpi.files.checked import listed, read_json, record, shown
from ecsmpi.files.checkpoint_part import Damaged, PartRecord, digest_of
from ecsmpi.files.checkpoint_part_reader import PartReader, open_plain_file
from ecsmpi.files.disk_errors import explained_write_errors, sync
from ecsmpi.files.manifest import Manifest
from ecsmpi.ranks.meeting import everywhere

FORMAT = "ecsmpi checkpoint 1"
MANIFEST = "manifest.json"
MOST_MANIFEST = 1 << 30  # bytes
CHECKPOINT_NAME = re.compile(r"(\d{6,12})-step-\d+")
BOX = "box "  # begins the names of a region's arrays, see `RegionSolver.state`


def part_name(rank: int) -> str:
    """Return the name of the file that a rank writes."""
    return f"rank{rank:05d}"


class SavedCheckpoint:
    """A checkpoint on the disk, whose manifest has been read.

    Parameters
    ----------
    path
        The folder of the checkpoint.

    Attributes
    ----------
    path : Path
        The folder of the checkpoint.
    manifest : Manifest
        What the run was and where it stood.
    ranks : int
        How many ranks wrote the checkpoint.

    Raises
    ------
    Damaged
        Where the manifest is not as it was written.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        manifest_path = self.path / MANIFEST
        body = _read_manifest(manifest_path)
        try:
            self.manifest = Manifest.read(body["about"])
            self._parts = listed(body["parts"], "parts", PartRecord.read, self.manifest.ranks)
        except ValueError as error:
            raise Damaged(f"{manifest_path}: {error}") from error
        self.ranks = self.manifest.ranks

    def part(self, rank: int) -> PartReader:
        """Open the part that a rank wrote. Damaged where it is not whole."""
        return PartReader(self.path / part_name(rank), self._parts[rank])

    def verify(self, ranks: Iterable[int] | None = None) -> None:
        """Read the parts of some ranks, or of all. Damaged where a byte is not what was written."""
        for rank in range(self.ranks) if ranks is None else ranks:
            with self.part(rank) as part:
                part.verify()
                self._check_planes(rank, part)

    def _check_planes(self, rank: int, part: PartReader) -> None:
        """Raise Damaged unless a part has the planes that the manifest says of its rank.

        The parts together then have all planes of each box.
        """
        for name in part.names():
            number = name.removeprefix(BOX).split(" ")[0]
            if not name.startswith(BOX):
                continue
            if not number.isdecimal() or int(number) >= len(self.manifest.planes):
                raise Damaged(f"{part.path}: {shown(name)} is of no box that the manifest knows")
            lo, hi = part.planes(name)
            expected_lo, expected_hi = self.manifest.planes[int(number)][rank]
            if (lo, hi) != (expected_lo, expected_hi):
                raise Damaged(
                    f"{part.path}: {shown(name)} has planes {lo} to {hi}, "
                    f"the manifest says {expected_lo} to {expected_hi}"
                )

    def verify_numbers(self) -> None:
        """Raise Damaged where a box has NaN or infinite values: a run never saves such a state."""
        for rank in range(self.ranks):
            with self.part(rank) as part:
                for name in part.names():
                    if name.startswith(BOX) and not np.isfinite(part.read_numbers(name)).all():
                        raise Damaged(f"{part.path}: {name} holds values that are not finite")


def open_verified(comm, path: str | Path) -> SavedCheckpoint:
    """Open a checkpoint and verify all of its bytes, each part on one rank.

    Collective. Raises Damaged on every rank.
    """

    def read():
        found = SavedCheckpoint(path)
        found.verify(range(comm.rank, found.ranks, comm.size))
        return found

    return everywhere(comm, read)


def is_checkpoint(path: str | Path) -> bool:
    """Whether a path is a checkpoint rather than a folder of checkpoints."""
    return (Path(path) / MANIFEST).is_file()


def write_manifest(folder: Path, manifest: Manifest, parts: list[dict], shown_path: Path) -> None:
    """Write the manifest of a checkpoint and wait until it is on the disk.

    Parameters
    ----------
    folder : Path
        Where the checkpoint is now.
    manifest : Manifest
        What the run is and where it stands.
    parts : list of dict
        The `PartRecord` of each rank, by field.
    shown_path : Path
        Path for a warning that the file system cannot sync.
    """
    body = {"about": manifest.record(), "parts": parts}
    content = {"format": FORMAT, "digest": digest_of_body(body), "body": body}
    text = json.dumps(content, allow_nan=False)
    with explained_write_errors(folder), open(folder / MANIFEST, "x") as file:
        file.write(text)
        file.flush()
        sync(file.fileno(), shown_path)


def _read_manifest(path: Path) -> dict:
    """Return the checked body of a manifest."""
    with open_plain_file(path, MOST_MANIFEST) as file:
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
        if digest_of_body(manifest["body"]) != manifest["digest"]:
            raise Damaged(f"{path} is not what was written")
        return record(manifest["body"], "its body", ("about", "parts"))
    except Damaged:
        raise
    except (ValueError, RecursionError) as error:
        raise Damaged(f"{path} is not the manifest of a checkpoint: {error}") from error


def digest_of_body(body) -> str:
    """Return the digest of the body of a manifest, whatever the order of its keys."""
    return digest_of(json.dumps(body, sort_keys=True).encode())
