"""Ctrl-C (SIGINT, a kernel's interrupt) while NEURON steps: the run stops when the step is
complete, with KeyboardInterrupt.

Python would raise KeyboardInterrupt in the middle of our step, or where NEURON or the collector
calls Python, which loses it. So Python's own handler gives way to this one for as long as the
script has no handler of its own.
"""

from __future__ import annotations

import _thread
import threading
from _signal import (
    SIGINT,
    default_int_handler,
    getsignal,
    signal,
)  # as `signal` has them, without its enumerations: in each step


class Interrupts:
    """``waits``: whether there was an interrupt that no KeyboardInterrupt has followed yet.

    Code of functions, by which the place of an interrupt is known: ``steps``, in which it waits,
    whatever they call; ``entries``, which NEURON calls, where it waits at their own lines;
    ``called_by_python``, in which it comes a moment later.
    """

    def __init__(self, waiting=lambda: None):
        """waiting(): called where an interrupt waits."""
        self.steps, self.entries, self.called_by_python = set(), set(), set()
        self.waits = False
        self._waiting = waiting

    def watch(self) -> None:
        """See to it that interrupts come here; in each step. Local."""
        if (
            getsignal(SIGINT) is default_int_handler
            and threading.current_thread() is threading.main_thread()
        ):
            signal(SIGINT, self._interrupted)

    def take(self) -> bool:
        """Whether an interrupt waits, which then does no more."""
        waits, self.waits = self.waits, False
        return waits

    def _interrupted(self, _signal, frame) -> None:
        code = set(_code_of_callers(frame))
        if code & self.called_by_python:
            _thread.interrupt_main()
        elif not self.waits and (frame.f_code in self.entries or code & self.steps):
            self.waits = True
            self._waiting()
        else:  # also a second one, while the first waits
            self.waits = False
            raise KeyboardInterrupt


def _code_of_callers(frame):
    while frame is not None:
        yield frame.f_code
        frame = frame.f_back
