"""How far a movie is: one line that changes in place, in a terminal and in a notebook."""

from __future__ import annotations

import sys
import time

from ecsmpi import notebook

FIRST_AFTER = 1.0  # seconds: what is done sooner says nothing
EVERY = 0.3  # seconds between two changes of the line


class Progress:
    """Tells how many frames are done, where somebody looks. Use it in a ``with``."""

    def __init__(self) -> None:
        now = time.monotonic()
        self._next = now + FIRST_AFTER
        self._width = 0

    def tell(self, done: int, count: int, what: str) -> None:
        """Say that ``done`` of ``count`` frames are ``what``."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + EVERY
        text = f"{done:,} of {count:,} frames {what}"
        if notebook.shows_displays():
            notebook.line.say(text)
        elif sys.stderr.isatty():
            print(f"\r{text:<{self._width}}", end="", file=sys.stderr, flush=True)
            self._width = len(text)

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._width:
            print(f"\r{'':{self._width}}\r", end="", file=sys.stderr, flush=True)
