"""End a process with all that it has started, also what has left its session."""

import os
from pathlib import Path
import signal
import subprocess
import time


def end_session(process):
    """End what is left of the session: mpirun first, which ends its ranks, then every rank."""
    known = _below({process.pid})  # MPICH's ranks have a session each
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    deadline = time.monotonic() + 5
    while (left := members(process.pid) + _still_there(known)) and time.monotonic() < deadline:
        known |= _below(set(left))
        for pid in left:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.05)


def members(session):
    """Return the process ids of a session.

    Ranks have groups of their own: killing mpirun's group is not enough.
    """
    return [pid for pid, (_parent, owner, _began) in _processes().items() if owner == session]


def runs(pid):
    """Does the process run? One that has ended and that nobody has waited for does not."""
    return pid in _processes()


def _below(parents):
    """{process id: when it began} of the children of processes, of their children, and so on."""
    processes, found = _processes(), {}
    while parents:
        children = {
            pid: began for pid, (above, _, began) in processes.items() if above in parents
        }
        found |= children
        parents = set(children)
    return found


def _still_there(known):
    processes = _processes()
    return [
        pid for pid, began in known.items() if pid in processes and processes[pid][2] == began
    ]


def _processes():
    """{process id: (parent, session, when it began)} of all that run."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (OSError, ValueError):
            continue
        if fields[0] != "Z":
            found[int(stat.parent.name)] = int(fields[1]), int(fields[3]), int(fields[19])
    return found
