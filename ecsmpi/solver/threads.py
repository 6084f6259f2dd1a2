"""How many threads share a piece of work, and compiled loops for several threads and for one.

No more threads work than the work is worth: one thread has done a slab of few voxels before a
second one wakes up. One thread takes loops that are compiled without threads. So small boxes never
start any, and a process that was forked after threads had started can go on, which GNU OpenMP would
end where it enters a parallel loop. Results have the same bits either way.

Where other programs use the cores, several threads can be slower than one: when threads meet, all
wait for the one that has lost its core. `Team` tries the other way now and then, and keeps what is
faster.
"""

from __future__ import annotations

import os
import types
from collections.abc import Callable
from contextlib import contextmanager

import numba
from numba import get_thread_id, njit

from ecsmpi.ranks import cores
from ecsmpi.solver.lean_numba import put_off_scipy
from ecsmpi.solver.row_kernels import compiled, inner
from ecsmpi.solver.timing import SWEEPS, Phases

put_off_scipy()

# work that is worth waking a thread for: voxels, slots of an exchange, places with reactions
VOXELS = 50_000  # about 0.2 ms
SLOTS = 2**15  # less work than a voxel's step
PLACES = 10_000  # some 20 ns and more for a step of each

_chosen = cores.users_threads()  # by the user, for any work; None: as many as the work is worth
_alone = True  # whether loops without threads run from now on
_in_use = 0  # how many threads numba was last set to
_forked = False  # whether this process is a child


def most() -> int:
    """Threads that may come into use."""
    return int(numba.config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]  # set at run time


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
    """Let one thread do everything in a child, since the other threads are the parent's."""
    global _forked, _alone
    _forked = _alone = True


os.register_at_fork(after_in_child=_begin_in_child)


class Shared:
    """A compiled loop that threads share, and its twin for one thread.

    Each is compiled at its first call. A loop that calls other `Shared` loops calls their twins for
    several threads, or for one, as it is itself.

    Parameters
    ----------
    function
        The Python function.
    parallel : bool
        Whether there is a prange in it; otherwise it only calls others that have one.
    options
        Further options of numba.
    """

    def __init__(self, function: Callable, parallel: bool, **options):
        self.py_func = function
        options = {**compiled, **options}
        self.many = njit(parallel=parallel, **options)(_with_threads(function))
        self.alone = njit(**options)(_without_threads(function))

    def __call__(self, *arguments):
        return (self.alone if _alone else self.many)(*arguments)

    @property
    def in_use(self):
        """numba's function that a call runs now."""
        return self.alone if _alone else self.many


def shared(function) -> Shared:
    """A compiled function whose prange is shared by as many threads as `use` said last."""
    return Shared(function, parallel=True)


def calls_shared(function) -> Shared:
    """A compiled function without prange that calls `Shared` loops."""
    return Shared(function, parallel=False)


@njit(**inner)
def _first_thread() -> int:
    return 0


@njit(**inner)
def at_a_time(count) -> int:
    """Of ``count`` pieces, how many a thread takes at a time where threads share them."""
    return 1


@njit(**inner)
def _all_at_a_time(count) -> int:
    return max(1, count)


ALONE = {get_thread_id: _first_thread, at_a_time: _all_at_a_time}  # what one thread calls instead


def _with_threads(function):
    """The function, or a copy of it that calls loops for several threads."""
    instead = {}
    for name, value in _globals_of(function).items():
        if isinstance(value, Shared):
            instead[name] = value.many
    return copy_with(function, instead, "") if instead else function


def _without_threads(function):
    """A copy of the function, under another name, that runs on one thread."""
    instead = {}
    for name, value in _globals_of(function).items():
        if isinstance(value, Shared):
            instead[name] = value.alone
        elif callable(value) and value in ALONE:
            instead[name] = ALONE[value]
    return copy_with(function, instead, "_alone")


def _globals_of(function) -> dict:
    """{name: value} of the globals that a function uses."""
    known = function.__globals__
    return {name: known[name] for name in function.__code__.co_names if name in known}


def copy_with(function, instead: dict, ending: str):
    """A copy of a function that finds other values under some global names.

    instead: {name: value}. ending: added to the function's own name, since numba's cache goes by
    the name.
    """
    twin = types.FunctionType(
        function.__code__,
        {**function.__globals__, **instead},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    twin.__qualname__ = f"{function.__qualname__}{ending}"
    twin.__module__ = function.__module__
    twin.__doc__ = function.__doc__
    return twin


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
    SHARE = 100  # the next trial comes after so many times the seconds of the last one
    PAUSE = 1.0, 30.0  # s of sweeps between trials, at least and at most

    def __init__(self, voxels: int, phases: Phases):
        self._voxels = voxels
        self._phases = phases
        self.wanted = for_work(voxels)
        self._now = self.wanted
        self._mean = 0.0  # seconds of a step with the threads of now, since the last decision
        self._steps = 0
        self._spent = 0.0  # seconds since the last trial
        self._next = 0.0  # when they are so many, the next trial comes
        self._trial: list[float] | None = None  # seconds of the trial's steps so far

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
        if self._trial is not None:
            self._trial.append(seconds)
            if len(self._trial) == self.TRIAL:
                self._decide(sum(self._trial))
            return
        self._steps += 1
        self._spent += seconds
        self._mean += (seconds - self._mean) / min(self._steps, 32)
        if self._steps >= self.FIRST and self._spent >= self._next:
            self._now, self._trial = self._other(), []

    def _other(self) -> int:
        return 1 if self._now > 1 else self.wanted

    def _decide(self, seconds: float) -> None:
        """Keep the number of threads of a trial that took so long, or go back to the other one."""
        self._trial = None
        if seconds / self.TRIAL < self._mean:
            self._steps = 0
            self._mean = 0.0
        else:
            self._now = self._other()
        shortest, longest = self.PAUSE
        self._spent = 0.0
        self._next = min(max(shortest, self.SHARE * seconds), longest)
