"""Files that may be damaged, read in a process of their own: HDF5's library can crash on them, or
never end.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

LEAST = 20  # seconds of computing that any file may take
PER_MEGABYTE = 1  # and for each megabyte more
LONGEST_SILENCE = 600  # seconds in which a file that is read neither computes nor reads anything


def apart(read, path: Path) -> str:
    """read(path), a text, from a process of its own.

    Raises ValueError with what it raised, MemoryError where it lacked memory, and OSError where it
    crashed or did not end.
    """
    sys.stdout.flush()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _answer(read, path, theirs)
    os.close(theirs)
    with open(ours) as pipe:
        answer = pipe.read()
    _, ended = os.waitpid(child, 0)
    if ended:
        raise _why(path, ended)
    kind, text = json.loads(answer)
    if kind == "memory":
        raise MemoryError(text)
    if kind == "wrong":
        raise ValueError(text)
    return text


def _why(path, ended):
    """The error for a process that ended without an answer."""
    from ecsmpi.files.frame_source import too_little_memory

    number = os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else None
    if number in (None, signal.SIGKILL):
        return MemoryError(
            too_little_memory(
                path, "the process that read it came to its end before it could answer"
            )
        )
    if number in (signal.SIGXCPU, signal.SIGALRM):
        return OSError(f"{path} is damaged: reading it does not end; run the simulation again")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        return MemoryError(
            too_little_memory(
                path,
                f"HDF5's library has crashed, where memory is limited to {limit / 1e6:,.0f} MB",
            )
        )
    return OSError(f"{path} is damaged: HDF5's library crashes on it; run the simulation again")


def _answer(read, path: Path, pipe: int) -> None:
    """What the child does, and ends."""
    status = 1
    try:
        size = sum(
            one.stat().st_size
            for one in ([path] if path.is_file() else path.rglob("*"))
            if one.is_file()
        )
        seconds = int(LEAST + PER_MEGABYTE * size / 1e6)
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        limited = most != resource.RLIM_INFINITY
        resource.setrlimit(resource.RLIMIT_CPU, (min(seconds, most) if limited else seconds, most))
        signal.alarm(LONGEST_SILENCE + seconds)
        answer = _read(read, path)
        with open(pipe, "w") as file:
            json.dump(answer, file)
        status = 0
    finally:
        os._exit(status)


def _read(read, path: Path) -> tuple[str, str]:
    """What came of it, "told", "wrong" or "memory", and a text."""
    from ecsmpi.files.frame_source import too_little_memory, wants_memory

    try:
        return "told", read(path)
    except MemoryError as error:
        told = str(error)
        return "memory", told if told.startswith("too little memory") else too_little_memory(
            path, error
        )
    except (ValueError, OSError) as error:
        if wants_memory(error) and not str(error).startswith("too little"):
            return "memory", too_little_memory(path, error)
        return "wrong", str(error)
    except Exception as error:  # of any kind, from h5py, where bytes are not what they were
        if wants_memory(error):
            return "memory", too_little_memory(path, error)
        return "wrong", f"{path} is damaged ({error}); run the simulation again"
