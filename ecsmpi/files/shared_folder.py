"""Checks that all ranks see one folder.

MPI-IO waits for ever where each host has a folder of its own under the same name.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from pathlib import Path

from ecsmpi.files.disk_errors import check_place, explained_write_errors
from ecsmpi.files.first_rank import on_first_rank

PATIENCE = 5.0  # s until a file that one host has made is seen on another


def check_folder_of(comm, path: Path) -> None:
    """Raise OSError on every rank unless all ranks see the folder of ``path``. Collective."""
    on_first_rank(comm, check_place, path)
    if comm.size == 1:
        return
    token = comm.bcast(uuid.uuid4().hex if comm.rank == 0 else None)
    folder = Path(os.path.realpath(path)).parent
    probe = folder / f".ecsmpi-{token}"
    on_first_rank(comm, _make, path, probe)
    try:
        views = comm.allgather((_is_seen(probe), socket.gethostname(), str(folder)))
    finally:
        if comm.rank == 0:
            probe.unlink(missing_ok=True)
    blind_ranks = [rank for rank, (seen, _, _) in enumerate(views) if not seen]
    if blind_ranks:
        blind = blind_ranks[0]
        _, first_host, first_folder = views[0]
        _, host, other_folder = views[blind]
        raise OSError(
            f"cannot write {path}: the ranks do not see one folder: it is {first_folder} on host "
            f"{first_host} for rank 0, and rank {blind} on host {host} does not find in "
            f"{other_folder} what rank 0 writes there; give a path in a folder that all hosts "
            "share, from the root (/...) on"
        )


def _make(path: Path, probe: Path) -> None:
    with explained_write_errors(path):
        probe.touch(exist_ok=False)


def _is_seen(probe: Path) -> bool:
    """Whether the file exists within some seconds: a network file system may take a moment."""
    end = time.monotonic() + PATIENCE
    while not probe.exists():
        if time.monotonic() > end or not probe.parent.is_dir():
            return False
        time.sleep(0.05)
    return True
