"""Threads that share compiled loops: where they and their caller meet, and how they start.

    memory | line: THREADS SHARE ... | line of seat 0, two lines | seat 1 | ...

The thread that calls a loop has seat 0. Each other seat is a thread that waits for calls
(solver/worker_loops.py). They are threads of the machine, not of Python: they know no signals, run
compiled code alone, and end with the process. One process has one set of them, which all libraries
and numba's own code share.
"""

from __future__ import annotations

import ctypes
import os
import signal
import warnings

SEATS = 1024  # threads that may share a loop; memory of seats that nobody has taken costs nothing
LINE = 8  # words of a line of a cache
SEAT = 2 * LINE  # words of a seat; processors fetch lines in pairs

# words of the first lines
THREADS = 0  # how many share the loops that follow
SHARE = 1  # address of worker_loops.share
IS_TAKEN = 2  # whether a loop is being shared
LOOKS = 3  # times that a thread looks whether it is called before it sleeps
BODY, ARGUMENTS, SHARERS = 4, 5, 6  # of the loop that is being shared
DONE = LINE  # semaphore of a caller that waits for others

# words of a seat
STATE, WAKE = 0, 1  # WAKE: semaphore of a thread that sleeps
MEMORY, NUMBER = 5, 6  # address of the first line; number of the seat
NEXT, END = LINE, LINE + 1  # pieces of the loop that are left to it

# states of a seat
WAITS, CALLED, WORKS, IS_AWAITED, SLEEPS = range(5)

_FAULTS = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGABRT", "SIGSYS")


def _allocated() -> int:
    """The address of zeros for all seats, which stay: threads read them until the process ends."""
    words = SEAT * (SEATS + 1)
    room = (ctypes.c_int64 * (words + SEAT))()
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(room))
    address = ctypes.addressof(room)
    return address + -address % (8 * SEAT)


memory = _allocated()  # its address
_words = (ctypes.c_int64 * (SEAT * (SEATS + 1))).from_address(memory)
_words[THREADS] = 1
_started = 1  # seats that are taken


def started() -> int:
    """How many threads can share a loop now, with the one that calls it."""
    return _started


def use(count: int) -> None:
    """Let the loops that follow have ``count`` threads, as far as so many have started."""
    _words[THREADS] = min(count, _started)


def start(count: int, share: int, work: int, looks: int) -> None:
    """Start threads, so that ``count`` can share a loop.

    Where the machine refuses one, loops have those that there are.

    Parameters
    ----------
    count : int
        With the thread that calls.
    share, work : int
        Addresses of the functions of worker_loops.py.
    looks : int
        How often a thread looks whether it is called before it sleeps.
    """
    global _started
    library = ctypes.CDLL(None, use_errno=True)
    _words[LOOKS] = looks
    if _started == 1:
        library.sem_init(ctypes.c_void_p(memory + 8 * DONE), 0, 0)
    kept = signal.pthread_sigmask(signal.SIG_BLOCK, _not_for_threads())
    try:
        while _started < min(count, SEATS):
            error = _start_one(library, _started, work)
            if error:
                _tell(error, count)
                break
            _started += 1
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, kept)
    _words[SHARE] = share


def _not_for_threads() -> set[signal.Signals]:
    """Signals that the main thread takes; a fault ends the process from any thread."""
    return {each for each in signal.valid_signals() if _name(each) not in _FAULTS}


def _name(number: int) -> str:
    return number.name if isinstance(number, signal.Signals) else ""


def _start_one(library: ctypes.CDLL, number: int, work: int) -> int:
    """Start the thread of a seat; the error's number, or 0."""
    first = SEAT * (number + 1)
    seat = memory + 8 * first
    _words[first + MEMORY], _words[first + NUMBER] = memory, number
    if library.sem_init(ctypes.c_void_p(seat + 8 * WAKE), 0, 0) != 0:
        return ctypes.get_errno() or -1
    thread = ctypes.c_ulong()
    code, address = ctypes.c_void_p(work), ctypes.c_void_p(seat)
    error = library.pthread_create(ctypes.byref(thread), None, code, address)
    if not error:
        library.pthread_detach(thread)
    return int(error)


def _tell(error: int, count: int) -> None:
    warnings.warn(
        f"thread {_started + 1} of {count} could not start ({os.strerror(error)}): loops have "
        f"{_started}, to the same bits. Raise the limit of processes (ulimit -u, or the job's), "
        "or set NUMBA_NUM_THREADS to fewer",
        RuntimeWarning,
        stacklevel=4,
    )
