"""One writer for each file: ``.NAME.lock`` beside it says who writes, and is locked meanwhile.

The kernel releases a lock when its owner dies, so a lock file that is not locked was left by a dead
run. On some network file systems locks do not reach other hosts, or there are none. There the
owner's entry in the lock file decides; where the owner ran on another host, the user must decide.
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

ATTEMPTS = 20  # to lock a file whose owner releases it at the same moment
LOCKED_BY_ANOTHER, LOCKED, NO_LOCKS = range(3)
OF_ONE_KERNEL = {"ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "tmpfs", "ramfs", "overlay"}
OF_ALL_HOSTS = {"nfs", "nfs4", "lustre", "gpfs", "ceph", "ocfs2", "gfs2"}
LOCKS_ARE_LOCAL = {"nolock", "local_lock=all", "local_lock=posix", "localflock"}  # mount options

# Files that this process writes: locks of the kernel do not exclude their own process.
_written_by_this_process: set[Path] = set()


class WriterLock:
    """A lock on a file to write, from construction to ``release``.

    Parameters
    ----------
    path : Path
        The file to write, without links.

    Raises
    ------
    OSError
        Where another process writes the file, or may do so; names the process and the cure.
    """

    def __init__(self, path: Path):
        self.path = Path(path)
        self.lock_path = self.path.with_name(f".{self.path.name}.lock")
        if self.path in _written_by_this_process:
            raise OSError(
                f"cannot write {self.path}: this script writes it already, by another Output, "
                "report or command; give this one another name, or close() the other"
            )
        self._descriptor: int | None = self._acquire()
        _written_by_this_process.add(self.path)

    def release(self) -> None:
        """Let others write the file; a second call does nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is None:
            return
        _written_by_this_process.discard(self.path)
        if _is_at(descriptor, self.lock_path):
            self.lock_path.unlink(missing_ok=True)
        os.close(descriptor)

    def _acquire(self) -> int:
        for _ in range(ATTEMPTS):
            is_new, descriptor = self._open()
            try:
                state = _lock(descriptor)
                if not _is_at(descriptor, self.lock_path):
                    continue  # its owner has released and deleted it since it was opened
                self._check_owner(is_new, descriptor, state)
                _write_owner(descriptor)
            except BaseException:
                os.close(descriptor)
                raise
            return descriptor
        raise OSError(
            f"cannot write {self.path}: {self.lock_path} comes and goes; delete it where no run "
            "writes the file"
        )

    def _open(self) -> tuple[bool, int]:
        """Return whether the lock file is new, and its descriptor."""
        flags = os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        try:
            try:
                return True, os.open(self.lock_path, flags | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                return False, os.open(self.lock_path, flags | os.O_CREAT, 0o666)
        except OSError as error:
            raise OSError(
                f"cannot write {self.path}: {self.lock_path}: {error.strerror}; see that the "
                "folder is writable and has space left, and delete that file where no run writes "
                "this one"
            ) from error

    def _check_owner(self, is_new: bool, descriptor: int, state: int) -> None:
        """Raise OSError where another process owns the lock file, or may still do so."""
        owner = _read_owner(descriptor)
        if state == LOCKED_BY_ANOTHER:
            raise OSError(
                f"cannot write {self.path}: {_in_words(owner)} writes it; give another name, or "
                "wait until that run has ended"
            )
        if is_new or owner == {} and state == LOCKED or self._is_gone(owner, state):
            return
        raise OSError(
            f"cannot write {self.path}: {_in_words(owner)} writes it, or did, and this file system "
            "does not tell whether that run still lives; if it has ended, delete "
            f"{self.lock_path}; otherwise give another name"
        )

    def _is_gone(self, owner: dict, state: int) -> bool:
        """Whether an owner that holds no lock is known to have died."""
        on_this_machine = owner.get("boot") == _boot()
        if state == LOCKED:
            return on_this_machine or locks_reach_all_hosts(self.path.parent)
        return on_this_machine and owner.get("began") != _began(owner.get("pid"))


def _lock(descriptor: int) -> int:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return LOCKED_BY_ANOTHER
    except PermissionError:  # EACCES means the same as EAGAIN here
        return LOCKED_BY_ANOTHER
    except OSError:
        return NO_LOCKS
    return LOCKED


def _is_at(descriptor: int, path: Path) -> bool:
    """Whether an open file is the one that has this name."""
    try:
        found = os.stat(path, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(descriptor))


def _write_owner(descriptor: int) -> None:
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


def _read_owner(descriptor: int) -> dict:
    """Return the owner's entry; empty where the owner has not written it yet, or it is damaged."""
    try:
        entry = json.loads(os.pread(descriptor, 1 << 16, 0))
    except (OSError, ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _in_words(owner: dict) -> str:
    if not owner:
        return "another process"
    job = f", job {owner['job']}" if owner.get("job") else ""
    who = f"process {owner.get('pid')} on host {owner.get('host')}{job}"
    words = f"{who} (since {owner.get('since')}: {owner.get('command')})"
    return words.encode("unicode_escape").decode()


def _boot() -> str:
    """Identify this run of this machine's kernel."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


def _began(pid) -> str | None:
    """Return when a process of this machine began, in ticks; None where there is no such process.

    A process number may be in use again by another process, which began at another time.
    """
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, ValueError, TypeError, IndexError):
        return None


def locks_reach_all_hosts(folder: Path) -> bool:
    """Whether a lock that any host holds on a file of this folder is seen from this host."""
    kind, options = mounted_at(folder)
    if kind in OF_ONE_KERNEL:
        return True
    return kind in OF_ALL_HOSTS and not options & LOCKS_ARE_LOCAL


def mounted_at(folder: Path) -> tuple[str, set[str]]:
    """Return the kind of file system of a folder, and its mount options; "" where it is unknown."""
    real = os.path.realpath(folder)
    deepest = ""  # mount point that holds the folder, of those looked at
    found: tuple[str, set[str]] = ("", set())
    try:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        before, _, after = line.partition(" - ")
        point = before.split()[4].encode().decode("unicode_escape")
        kind, _, options = after.split(" ", 2)
        is_inside = real == point or real.startswith(point.rstrip("/") + "/")
        if is_inside and len(point) >= len(deepest):
            deepest = point
            found = kind, set(options.split(",")) | set(before.split()[5].split(","))
    return found
