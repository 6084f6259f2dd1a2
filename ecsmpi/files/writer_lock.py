"""One writer for one file: a small file beside it, ``.NAME.lock``, says who writes and is locked
for as long.

The kernel lets go of the lock where its owner dies, so a lock file that is not locked is left over
from a dead run. On some network file systems locks do not reach other hosts, or there are none:
there the owner's own words decide, and where they cannot (it ran on another host), the user does.
"""

from __future__ import annotations

import datetime
import fcntl
import json
import os
import shlex
import socket
import sys
from pathlib import Path

ATTEMPTS = 20  # of taking a lock whose owner goes at the same moment
HELD, TAKEN, UNSUPPORTED = range(3)
OF_ONE_KERNEL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "ramfs", "overlay"}
OF_ALL_HOSTS = {"nfs", "nfs4", "lustre", "gpfs", "ceph", "ocfs2", "gfs2"}
LOCKS_ARE_LOCAL = {"nolock", "local_lock=all", "local_lock=posix", "localflock"}  # mount options

_held_here: set[Path] = (
    set()
)  # by this process, in which locks of the kernel do not exclude each other


class WriterLock:
    """Held from construction to ``release``. path: the file to write, resolved.

    Raises OSError where another process writes the file, or may do so, naming it and the cure.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self.lock_path = self.path.with_name(f".{self.path.name}.lock")
        if self.path in _held_here:
            raise OSError(
                f"cannot write {self.path}: this script writes it already, by another Output, "
                f"report or command; "
                "give this one another name, or close() the other"
            )
        self._descriptor = self._acquire()
        _held_here.add(self.path)

    def release(self) -> None:
        """Let others write the file; again is harmless."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        _held_here.discard(self.path)
        if _is_at(descriptor, self.lock_path):
            self.lock_path.unlink(missing_ok=True)
        os.close(descriptor)

    def _acquire(self) -> int:
        for _ in range(ATTEMPTS):
            made, descriptor = self._open()
            try:
                state = _lock(descriptor)
                if not _is_at(descriptor, self.lock_path):
                    continue  # its owner has let go, and deleted it, since it was opened
                self._refuse_another(made, descriptor, state)
                _write(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor
        raise OSError(
            f"cannot write {self.path}: {self.lock_path} comes and goes; delete it where no run "
            f"writes the file"
        )

    def _open(self) -> tuple[bool, int]:
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            try:
                return True, os.open(self.lock_path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                return False, os.open(self.lock_path, flags | os.O_CREAT, 0o666)
        except OSError as error:
            raise OSError(
                f"cannot write {self.path}: {self.lock_path}: {error.strerror}; see that the "
                f"folder is writable and "
                "has space left, and delete that file where no run writes this one"
            ) from error

    def _refuse_another(self, made: bool, descriptor: int, state: int) -> None:
        owner = _read(descriptor)
        if state == HELD:
            raise OSError(
                f"cannot write {self.path}: {_in_words(owner)} writes it; give another name, or "
                f"wait until that run has ended"
            )
        if made or owner == {} and state == TAKEN or self._is_gone(owner, state):
            return
        raise OSError(
            f"cannot write {self.path}: {_in_words(owner)} writes it, or did, and this file system "
            f"does not tell whether "
            f"that run still lives; if it has ended, delete {self.lock_path}; otherwise give "
            f"another name"
        )

    def _is_gone(self, owner: dict, state: int) -> bool:
        """Whether an owner whose lock nobody holds has died."""
        here = owner.get("boot") == _boot()
        if state == TAKEN:
            return here or locks_reach_all_hosts(self.path.parent)
        return here and owner.get("began") != _began(owner.get("pid"))


def _lock(descriptor: int) -> int:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return HELD
    except PermissionError:  # EACCES is another word for EAGAIN here
        return HELD
    except OSError:
        return UNSUPPORTED
    return TAKEN


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that has this name."""
    try:
        there = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(descriptor))


def _write(descriptor: int) -> None:
    now = datetime.datetime.now().astimezone().isoformat(timespec="seconds")
    owner = {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "since": now,
        "job": os.environ.get("SLURM_JOB_ID"),
        "command": shlex.join(sys.orig_argv)[:500],
        "boot": _boot(),
        "began": _began(os.getpid()),
    }
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(owner).encode(), 0)


def _read(descriptor: int) -> dict:
    """What the owner says of itself; empty where it has not said anything yet, or nothing that can
    be read.
    """
    try:
        said = json.loads(os.pread(descriptor, 1 << 16, 0))
    except (OSError, ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _in_words(owner: dict) -> str:
    if not owner:
        return "another process"
    job = f", job {owner['job']}" if owner.get("job") else ""
    who = f"process {owner.get('pid')} on host {owner.get('host')}{job}"
    words = f"{who} (since {owner.get('since')}: {owner.get('command')})"
    return words.encode("unicode_escape").decode()


def _boot() -> str:
    """Identifies this run of this machine's kernel."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


def _began(pid) -> str | None:
    """When a process of this machine began, in ticks; None where there is none."""
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, ValueError, TypeError, IndexError):
        return None


def locks_reach_all_hosts(folder: Path) -> bool:
    """Whether whoever could lock a file in this folder would be noticed from here."""
    kind, options = mounted_at(folder)
    if kind in OF_ONE_KERNEL:
        return True
    return kind in OF_ALL_HOSTS and not options & LOCKS_ARE_LOCAL


def mounted_at(folder: Path) -> tuple[str, set[str]]:
    """The kind of file system of a folder, and the options with which it is mounted; "" where
    nobody says.
    """
    wanted = os.path.realpath(folder)
    best, found = "", ("", set())
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        kind, _, options = after.split(" ", 2)
        inside = wanted == point or wanted.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= len(best):
            best = point
            found = kind, set(options.split(",")) | set(before.split()[5].split(","))
    return found
