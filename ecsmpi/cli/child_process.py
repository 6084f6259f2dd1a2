"""Read files that may be damaged in a child process.

HDF5's library can crash on such a file, or never end.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

LEAST_SECONDS = 20  # of computing that any file may take
SECONDS_PER_MEGABYTE = 1  # and for each megabyte more
LONGEST_SILENCE = 600  # seconds in which a reader neither computes nor reads anything


def read_in_child(read, path: Path) -> str:
    """Return read(path), a text, from a child process.

    Parameters
    ----------
    read
        Function of the path that returns a text.
    path
        The file or folder to read.

    Raises
    ------
    ValueError
        What read(path) raised.
    MemoryError
        The child had too little memory.
    OSError
        The child crashed or did not end.
    """
    sys.stdout.flush()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _run_child(read, path, theirs)
    os.close(theirs)
    with open(ours) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    if status:
        raise _error_of(path, status)
    kind, text = json.loads(answer)
    if kind == "memory":
        raise MemoryError(text)
    if kind == "wrong":
        raise ValueError(text)
    return text


def _error_of(path: Path, status: int) -> Exception:
    """The error for a child that ended without an answer."""
    from ecsmpi.files.frame_source import too_little_memory

    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else None
    if number in (None, signal.SIGKILL):
        why = "the process that read it came to its end before it could answer"
        return MemoryError(too_little_memory(path, MemoryError(why)))
    if number in (signal.SIGXCPU, signal.SIGALRM):
        return OSError(f"{path} is damaged: reading it does not end; run the simulation again")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        megabytes = f"{limit / 1e6:,.0f} MB"
        why = f"HDF5's library has crashed, where memory is limited to {megabytes}"
        return MemoryError(too_little_memory(path, MemoryError(why)))
    return OSError(f"{path} is damaged: HDF5's library crashes on it; run the simulation again")


def _run_child(read, path: Path, pipe: int) -> None:
    """Answer through the pipe and exit, in the child."""
    status = 1
    try:
        _limit_time(path)
        answer = _answer(read, path)
        with open(pipe, "w") as file:
            json.dump(answer, file)
        status = 0
    finally:
        os._exit(status)


def _limit_time(path: Path) -> None:
    files = [path] if path.is_file() else path.rglob("*")
    size = sum(file.stat().st_size for file in files if file.is_file())
    seconds = int(LEAST_SECONDS + SECONDS_PER_MEGABYTE * size / 1e6)
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    soft = seconds if most == resource.RLIM_INFINITY else min(seconds, most)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, most))
    signal.alarm(LONGEST_SILENCE + seconds)


def _answer(read, path: Path) -> tuple[str, str]:
    """A kind, "text", "wrong" or "memory", and the text of it."""
    from ecsmpi.files.frame_source import too_little_memory, wants_memory

    try:
        return "text", read(path)
    except MemoryError as error:
        message = str(error)
        if not message.startswith("too little memory"):
            message = too_little_memory(path, error)
        return "memory", message
    except (ValueError, OSError) as error:
        if wants_memory(error) and not str(error).startswith("too little"):
            return "memory", too_little_memory(path, error)
        return "wrong", str(error)
    except Exception as error:  # of any kind, from h5py, where bytes are not what they were
        if wants_memory(error):
            return "memory", too_little_memory(path, error)
        return "wrong", f"{path} is damaged ({error}); run the simulation again"
