"""How many threads share a piece of work.

No more threads work than the work is worth: one thread has done a slab of few voxels before a
second one wakes up. So small boxes never start any. A process that was forked goes on with one
thread, since the others are its parent's. Results have the same bits either way.

Where other programs use the cores, several threads can be slower than one: when threads meet, all
wait for the one that has lost its core. `Team` tries the other way now and then, and keeps what is
faster.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager
from statistics import median

from ecsmpi.kernels import library, workers
from ecsmpi.ranks import code_folders, compiling, cores
from ecsmpi.solver.timing import SWEEPS, Phases

# work that is worth waking a thread for: voxels, slots of an exchange, places with reactions
VOXELS = 50_000  # about 0.2 ms
SLOTS = 2**15  # less work than a voxel's step
PLACES = 10_000  # some 20 ns and more for a step of each
LEAST = min(VOXELS, SLOTS, PLACES)

_chosen = cores.users_threads()  # by the user, for any work; None: as many as the work is worth
_asked_for = 1  # the most threads that loops have been given so far
_forked = False  # whether this process is a child


def most() -> int:
    """Threads that may come into use."""
    return cores.most_threads()


def choose(count: int) -> None:
    """Use ``count`` threads from now on, whatever the work."""
    global _chosen
    _chosen = count


def chosen() -> int | None:
    """Threads that `choose`, or the user's NUMBA_NUM_THREADS, asked for; None where neither did."""
    return 1 if _forked else _chosen


def most_for_work() -> int:
    """Threads of a box that is large enough for any number of them."""
    return chosen() or most()


def for_work(size: int, each: int = VOXELS) -> int:
    """Threads for work of some size, where so much (``each``) is worth waking a thread."""
    return chosen() or min(most(), max(1, size // each))


def use(count: int, now: int | None = None) -> None:
    """Let the loops that follow have ``count`` threads, or for now ``now`` of them."""
    global _asked_for
    if count > _asked_for and not _forked:
        _asked_for = count
        workers.start(count, *_code(), cores.looks_before_sleep())
    workers.use(1 if _forked else now or count)


def compile_ahead() -> None:
    """Compile what threads run, or load it, before the first loop that they share. Local."""
    _code()


def _code() -> tuple[int, int]:
    """Addresses of what threads run: of a library, or else of numba's functions. Local."""
    with compiling.while_planning():  # also where the script asks for threads in mid-run
        has_library = compiling.ahead("workers")
    if has_library:
        return library.functions["share"], library.functions["work"]
    from ecsmpi.solver import worker_loops

    with code_folders.keeping():
        return worker_loops.share.address, worker_loops.work.address


@contextmanager
def whatever_the_work(count: int):
    """Within it, any work has ``count`` threads."""
    global _chosen
    before, _chosen = _chosen, count
    try:
        yield
    finally:
        _chosen = before


def _begin_in_child() -> None:
    """Let one thread do everything in a child, since the other threads are the parent's."""
    global _forked
    _forked = True
    workers.use(1)


os.register_at_fork(after_in_child=_begin_in_child)


class Team:
    """How many threads share the sweeps of a slab: as many as it is worth, or one.

    Local: ranks may differ, since bits do not depend on the number.

    Parameters
    ----------
    voxels : int
        Of the slab.
    phases : Phases
        Which time the sweeps.

    Attributes
    ----------
    wanted : int
        Threads that the slab is worth.
    """

    FIRST = 4  # steps before the first trial
    TRIAL = 2  # steps of a trial
    KEPT = 32  # last steps whose median a trial is compared with: a few slow ones do not count
    SHARE = 100  # the next trial comes after so many times the seconds of the last one
    PAUSE = 1.0, 30.0  # s of sweeps between trials, at least and at most

    def __init__(self, voxels: int, phases: Phases):
        self._voxels = voxels
        self._phases = phases
        self.wanted = for_work(voxels)
        self._now = self.wanted
        # seconds of the last steps with the threads of now, since the last decision
        self._last: deque[float] = deque(maxlen=self.KEPT)
        self._spent = 0.0  # seconds since the last trial
        self._next = 0.0  # when they are so many, the next trial comes
        self._trial: list[float] | None = None  # seconds of the trial's steps so far
        self._is_warm = False  # the first step takes longer: memory is touched for the first time

    def begin(self) -> None:
        """Set the number of threads, before the sweeps of a step."""
        self.wanted = for_work(self._voxels)
        use(self.wanted, min(self._now, self.wanted) if chosen() is None else self.wanted)
        self._began = self._seconds()

    def end(self) -> None:
        """Take the time of the sweeps of a step, after them."""
        if self.wanted > 1 and chosen() is None:
            self.took(self._seconds() - self._began)

    def _seconds(self) -> float:
        return sum(self._phases[name].seconds for name in SWEEPS)

    def took(self, seconds: float) -> None:
        """Choose the threads of the next step, given what this one's sweeps took."""
        if not self._is_warm:
            self._is_warm = True
            return
        if self._trial is not None:
            self._trial.append(seconds)
            if len(self._trial) == self.TRIAL:
                self._decide(sum(self._trial))
            return
        self._last.append(seconds)
        self._spent += seconds
        if len(self._last) >= self.FIRST and self._spent >= self._next:
            self._now, self._trial = self._other(), []

    def _other(self) -> int:
        return 1 if self._now > 1 else self.wanted

    def _decide(self, seconds: float) -> None:
        """Keep the number of threads of a trial that took so long, or go back to the other one."""
        self._trial = None
        if seconds / self.TRIAL < median(self._last):
            self._last.clear()
        else:
            self._now = self._other()
        shortest, longest = self.PAUSE
        self._spent = 0.0
        self._next = min(max(shortest, self.SHARE * seconds), longest)
