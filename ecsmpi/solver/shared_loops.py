"""Compiled loops that threads share, each with a twin for one thread."""

from __future__ import annotations

import types
from collections.abc import Callable

from numba import get_thread_id, njit

from ecsmpi.kernels.sharing import threads_share
from ecsmpi.solver.lean_numba import put_off_scipy
from ecsmpi.solver.row_kernels import compiled, inner

put_off_scipy()


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
        return self.in_use(*arguments)

    @property
    def in_use(self):
        """numba's function that a call runs now."""
        return self.many if threads_share() else self.alone


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
