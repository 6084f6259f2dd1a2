"""Files that may be damaged, read in a process of their own: HDF5's library can crash on them, or never end."""

import json
import os
import resource
import signal
import sys
from pathlib import Path

LEAST = 20  # seconds of computing that any file may take
PER_MEGABYTE = 1  # and for each megabyte more


def apart(read, path: Path) -> str:
    """read(path), a text, from a process of its own. Raises ValueError with what it raised, OSError where it crashed or did not end."""
    sys.stdout.flush()
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(read, path, theirs)
    os.close(theirs)
    with open(ours) as pipe:
        answer = pipe.read()
    _, ended = os.waitpid(child, 0)
    if ended:
        endless = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) in (signal.SIGXCPU, signal.SIGKILL)
        why = "reading it does not end" if endless else "HDF5's library crashes on it"
        raise OSError(f"{path} is damaged: {why}; run the simulation again")
    whole, text = json.loads(answer)
    if not whole:
        raise ValueError(text)
    return text


def _answer(read, path: Path, pipe: int) -> None:
    """What the child does, and ends."""
    status = 1
    try:
        size = sum(one.stat().st_size for one in ([path] if path.is_file() else path.rglob("*")))
        seconds = int(LEAST + PER_MEGABYTE * size / 1e6)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        try:
            answer = True, read(path)
        except (ValueError, OSError) as error:
            answer = False, str(error)
        except Exception as error:  # of any kind, from h5py, where bytes are not what they were
            answer = False, f"{path} is damaged ({error}); run the simulation again"
        with open(pipe, "w") as file:
            json.dump(answer, file)
        status = 0
    finally:
        os._exit(status)
