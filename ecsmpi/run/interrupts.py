"""Ctrl-C (SIGINT, a kernel's interrupt) while NEURON steps: the run stops when the step is complete, with KeyboardInterrupt.

Python would raise KeyboardInterrupt in the middle of our step, or before its first line, where it is lost. So Python's own
handler gives way to this one for as long as the script has no handler of its own.
"""

from __future__ import annotations

import threading
from _signal import SIGINT, default_int_handler, getsignal, signal  # as `signal` has them, without its enumerations: in each step


class Interrupts:
    """``entries``: code of functions that NEURON calls; an interrupt at their first line has to wait, too."""

    def __init__(self, at_once=lambda: None):
        """at_once(): an interrupt waits."""
        self.entries = set()
        self.waits = False
        self._in_step, self._at_once = False, at_once

    def step_begins(self) -> None:
        """From now on interrupts wait. Local."""
        if getsignal(SIGINT) is default_int_handler and _is_main_thread():
            signal(SIGINT, self._interrupted)
        self._in_step = True

    def step_ends(self) -> None:
        """Interrupts wait no more; ``waits`` says whether there was one. Local."""
        self._in_step = False

    def take(self) -> bool:
        """Whether an interrupt waits, which then does no more."""
        waits, self.waits = self.waits, False
        return waits

    def _interrupted(self, _signal, frame) -> None:
        """A second one, while the first waits, raises at once."""
        if self.waits or not (self._in_step or frame.f_code in self.entries):
            self.waits = False
            raise KeyboardInterrupt
        self.waits = True
        self._at_once()


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
