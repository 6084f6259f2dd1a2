"""Ctrl-C (SIGINT, a kernel's interrupt) while NEURON steps.

The run stops with KeyboardInterrupt when the step is complete. Python would raise KeyboardInterrupt
in the middle of a step, or where NEURON or the collector calls Python, which loses it. So Python's
own handler gives way to this one for as long as the script has no handler of its own.
"""

from __future__ import annotations

import _thread
import threading

# as `signal` has them, but without its enumerations, which take time in each step
from _signal import SIGINT, default_int_handler, getsignal, signal
from collections.abc import Callable, Iterator
from types import CodeType, FrameType


def _nothing() -> None:
    """Default of what is called where an interrupt waits."""


class Interrupts:
    """Holds an interrupt back until a step is complete.

    The code of the functions that run tells where an interrupt comes.

    Parameters
    ----------
    waiting : callable
        Called where an interrupt begins to wait.

    Attributes
    ----------
    waits : bool
        Whether there was an interrupt that no KeyboardInterrupt has followed yet.
    steps : set
        Code of functions in which an interrupt waits, whatever they call.
    entries : set
        Code of functions that NEURON calls; an interrupt waits at their own lines.
    called_by_python : set
        Code of functions in which an interrupt comes a moment later.
    """

    def __init__(self, waiting: Callable[[], object] = _nothing):
        self.steps: set[CodeType] = set()
        self.entries: set[CodeType] = set()
        self.called_by_python: set[CodeType] = set()
        self.waits = False
        self._waiting = waiting

    def watch(self) -> None:
        """Handle interrupts here unless the script does; called in each step. Local."""
        if (
            getsignal(SIGINT) is default_int_handler
            and threading.current_thread() is threading.main_thread()
        ):
            signal(SIGINT, self._interrupted)

    def take(self) -> bool:
        """Return whether an interrupt waits, and let it wait no more."""
        waits, self.waits = self.waits, False
        return waits

    def _interrupted(self, _signal: int, frame: FrameType | None) -> None:
        codes = set(_codes_of_callers(frame))
        is_in_entry = frame is not None and frame.f_code in self.entries
        if codes & self.called_by_python:
            _thread.interrupt_main()
        elif not self.waits and (is_in_entry or codes & self.steps):
            self.waits = True
            self._waiting()
        else:  # also the second interrupt, while the first one waits
            self.waits = False
            raise KeyboardInterrupt


def _codes_of_callers(frame: FrameType | None) -> Iterator[CodeType]:
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back
