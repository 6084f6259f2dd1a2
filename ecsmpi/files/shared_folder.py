"""Whether all ranks see one folder: MPI-IO waits for ever where each host has a folder of its own
under one name.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from pathlib import Path

from ecsmpi.files.disk_errors import check_place, telling
from ecsmpi.ranks.meeting import everywhere

PATIENCE = 5.0  # s until a file that one host has made is seen on another


def check_folder_of(comm, path: Path) -> None:
    """Raise OSError, on every rank, unless all ranks see the folder in which ``path`` is to be
    written. Collective.
    """
    everywhere(comm, check_place if comm.rank == 0 else _nothing, path)
    if comm.size == 1:
        return
    token = comm.bcast(uuid.uuid4().hex if comm.rank == 0 else None)
    folder = Path(os.path.realpath(path)).parent
    probe = folder / f".ecsmpi-{token}"
    everywhere(comm, _make if comm.rank == 0 else _nothing, path, probe)
    try:
        looks = comm.allgather((_is_seen(probe), socket.gethostname(), str(folder)))
    finally:
        if comm.rank == 0:
            probe.unlink(missing_ok=True)
    blind = [rank for rank, (seen, _, _) in enumerate(looks) if not seen]
    if blind:
        _, first_host, first = looks[0]
        _, host, other = looks[blind[0]]
        raise OSError(
            f"cannot write {path}: the ranks do not see one folder: it is {first} on host "
            f"{first_host} for rank 0, and rank "
            f"{blind[0]} on host {host} does not find in {other} what rank 0 writes there; give a "
            f"path in a folder that "
            "all hosts share, from the root (/...) on"
        )


def _make(path: Path, probe: Path) -> None:
    with telling(path):
        probe.touch(exist_ok=False)


def _nothing(*_) -> None:
    """The other ranks make no file."""


def _is_seen(probe: Path) -> bool:
    """Whether the file is there, by and by: a network file system may take a moment."""
    end = time.monotonic() + PATIENCE
    while not probe.exists():
        if time.monotonic() > end or not probe.parent.is_dir():
            return False
        time.sleep(0.05)
    return True
