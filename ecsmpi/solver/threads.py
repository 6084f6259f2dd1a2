"""How many threads share a piece of work; compiled loops that threads share, and the same for one
thread.

No more threads than the work is worth: a slab of few voxels is done by one thread before a second
one has woken up. One thread takes loops that are compiled without threads, so that small boxes
never start any, and a process that was forked after threads had started (GNU OpenMP ends it where
it enters a parallel loop) can go on. Results have the same bits either way.

Where other programs want the cores, several threads can be slower than one: each meeting of theirs
waits for the one that has lost its core. `Team` tries, now and then, the other way, and keeps what
is faster.
"""

from __future__ import annotations

import os
import types
from contextlib import contextmanager

import numba
from numba import get_thread_id, njit

from ecsmpi.ranks import cores
from ecsmpi.solver.lean_numba import put_off_scipy
from ecsmpi.solver.row_kernels import compiled, inner
from ecsmpi.solver.timing import Phases

put_off_scipy()

VOXELS = 50_000  # that one thread takes in 0.2 ms: what is worth waking another one
SLOTS = 2**15  # of an exchange: less work than a voxel's step
PLACES = 10_000  # with reactions, of which a step takes some 20 ns and more

_chosen = cores.users_threads()  # by the user: for any work, None: as many as it is worth
_alone = True  # loops without threads from now on
_in_use = 0  # threads that numba has been told of
_forked = False


def most() -> int:
    """Threads that may come into use."""
    return numba.config.NUMBA_NUM_THREADS


def choose(count: int) -> None:
    """Use ``count`` threads from now on, whatever the work."""
    global _chosen
    _chosen = count


def chosen() -> int | None:
    """What `choose`, or the user's NUMBA_NUM_THREADS, has said."""
    return 1 if _forked else _chosen


def most_for_work() -> int:
    """Threads in use where a box has work for them."""
    return chosen() or most()


def for_work(size: int, each: int = VOXELS) -> int:
    """Threads for work of that size, of which ``each`` is worth a thread."""
    return chosen() or min(most(), max(1, size // each))


def use(count: int, now: int | None = None) -> None:
    """Let the loops that follow have ``count`` threads, or ``now`` of them."""
    global _alone, _in_use
    _alone = count == 1
    if not _alone and _in_use != (now or count):
        _in_use = now or count
        numba.set_num_threads(_in_use)


def shared_now() -> bool:
    """Whether threads share the loops that follow."""
    return not _alone


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
    """After a fork: the threads are the parent's, so one thread does all from now on."""
    global _forked, _alone
    _forked = _alone = True


os.register_at_fork(after_in_child=_begin_in_child)


class Shared:
    """A compiled loop that threads share, and its twin for one thread; each is compiled at its
    first call.

    Either calls, of other such loops, those for as many threads as it has.
    """

    def __init__(self, function, parallel: bool, **options):
        """parallel: whether there is a prange in it; else it only calls others that have one."""
        self.py_func, options = function, {**compiled, **options}
        self.many = njit(parallel=parallel, **options)(_with_threads(function))
        self.alone = njit(**options)(_without_threads(function))

    def __call__(self, *arguments):
        return (self.alone if _alone else self.many)(*arguments)

    @property
    def in_use(self):
        """numba's function that a call of now takes."""
        return self.alone if _alone else self.many


def shared(function) -> Shared:
    """A function whose prange threads share, compiled: as many threads as `use` has said last."""
    return Shared(function, parallel=True)


def calls_shared(function) -> Shared:
    """A function without prange that calls such loops."""
    return Shared(function, parallel=False)


@njit(**inner)
def _first_thread() -> int:
    return 0


@njit(**inner)
def at_a_time(count) -> int:
    """Pieces of ``count`` that a thread takes at a time where threads share them."""
    return 1


@njit(**inner)
def _all_at_a_time(count) -> int:
    return max(1, count)


ALONE = (
    (get_thread_id, _first_thread),
    (at_a_time, _all_at_a_time),
)  # what one thread calls instead


def _with_threads(function):
    """The function, or a copy that calls the loops for several threads."""
    loops = {
        name: value.many for name, value in _names(function).items() if isinstance(value, Shared)
    }
    return copy_with(function, loops, "") if loops else function


def _without_threads(function):
    """A copy under another name, since numba's cache goes by the name and not by whether there are
    threads.
    """
    loops = {
        name: value.alone for name, value in _names(function).items() if isinstance(value, Shared)
    }
    other = {
        name: instead
        for name, value in _names(function).items()
        for asked, instead in ALONE
        if value is asked
    }
    return copy_with(function, {**loops, **other}, "_alone")


def _names(function) -> dict:
    """The global names that a function uses."""
    return {
        name: function.__globals__[name]
        for name in function.__code__.co_names
        if name in function.__globals__
    }


def copy_with(function, instead: dict, ending: str):
    """A copy of a function that finds other values under some global names.

    instead: {name: value}. ending: added to the function's own name, since numba's cache goes by
    the name.
    """
    names = {**function.__globals__, **instead}
    twin = types.FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__qualname__ = f"{function.__qualname__}{ending}"
    twin.__module__ = function.__module__
    twin.__doc__ = function.__doc__
    return twin


class Team:
    """The threads that share the sweeps of a slab. Local: ranks may differ, for bits do not depend
    on it.
    """

    FIRST = 4  # steps before the first trial
    TRIAL = 2  # steps that one takes
    SHARE = 100  # times as long as it took passes before the next one
    PAUSE = 1.0, 30.0  # s of sweeps, at least and at most

    def __init__(self, voxels: int, phases: Phases):
        self._voxels, self._phases = voxels, phases
        self.wanted = for_work(voxels)
        self._now = self.wanted
        self._mean, self._steps, self._spent = 0.0, 0, 0.0
        self._next, self._trial = 0.0, None

    def begin(self) -> None:
        """Before the sweeps of a step."""
        self.wanted = for_work(self._voxels)
        use(self.wanted, min(self._now, self.wanted) if chosen() is None else self.wanted)
        self._began = self._seconds()

    def end(self) -> None:
        """After them."""
        if self.wanted > 1 and chosen() is None:
            self.took(self._seconds() - self._began)

    def _seconds(self) -> float:
        return self._phases["up"].seconds + self._phases["down"].seconds

    def took(self, seconds: float) -> None:
        """A step's sweeps took so long with the threads of now: think about how many the next one
        gets.
        """
        if self._trial is not None:
            self._trial.append(seconds)
            if len(self._trial) == self.TRIAL:
                self._decide()
            return
        self._steps += 1
        self._spent += seconds
        self._mean += (seconds - self._mean) / min(self._steps, 32)
        if self._steps >= self.FIRST and self._spent >= self._next:
            self._now, self._trial = self._other(), []

    def _other(self) -> int:
        return 1 if self._now > 1 else self.wanted

    def _decide(self) -> None:
        took, self._trial = sum(self._trial), None
        if took / self.TRIAL < self._mean:
            self._steps = self._mean = 0
        else:
            self._now = self._other()
        least, longest = self.PAUSE
        self._spent, self._next = 0.0, min(max(least, self.SHARE * took), longest)
