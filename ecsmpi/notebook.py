"""IPython, if the script runs in it: the number of the cell, and a line that changes in place.

IPython is used where it runs already, and is never imported otherwise. Everything here is local.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any, Protocol


class CellEnd(Protocol):
    """An object that is told when a cell has ended."""

    def cell_ended(self) -> None:
        """Take note that the cell has ended, also by an error or an interrupt."""


class Cells:
    """Counts the cells of an IPython session, and tells when one ends.

    Attributes
    ----------
    number : int
        Number of cells that have begun since the session is followed; 0 in a plain script.
    """

    def __init__(self) -> None:
        self.number = 0
        self._shell: Any = None
        self._waiting: weakref.WeakSet[Any] = weakref.WeakSet()

    def follow(self) -> None:
        """Begin to count, if the script runs in IPython; a second call does nothing."""
        shell = running_shell()
        if shell is None or shell is self._shell:
            return
        self._shell = shell
        shell.events.register("pre_execute", self._begins)
        shell.events.register("post_execute", self._ends)

    def tell(self, one: CellEnd) -> None:
        """Call ``one.cell_ended()`` after each cell, as long as somebody holds the object."""
        self._waiting.add(one)

    def _begins(self) -> None:
        self.number += 1

    def _ends(self) -> None:
        for one in list(self._waiting):
            one.cell_ended()


cells = Cells()


def running_shell() -> Any:
    """Return the IPython session that runs the script, or None."""
    get = getattr(sys.modules.get("IPython"), "get_ipython", None)
    return None if get is None else get()


def shows_displays() -> bool:
    """Whether cells have an output that can change in place, as in JupyterLab."""
    return hasattr(running_shell(), "kernel")


class DisplayLine:
    """A line of text in a cell's output, which whoever says something replaces.

    Each cell has a line of its own.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._cell = -1

    def say(self, text: str) -> None:
        """Replace what the line says."""
        from IPython.display import display

        content = {"text/plain": text}
        if self._handle is None or self._cell != cells.number:
            self._handle = display(content, raw=True, display_id=True)
            self._cell = cells.number
        else:
            self._handle.update(content, raw=True)


line = DisplayLine()
