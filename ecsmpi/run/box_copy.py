"""A whole box as one rank reads it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class BoxCopy:
    """A read-only copy of a box.

    is_shown: whether the script has the array, so that it must stay as it is.
    """

    __slots__ = ("array", "is_shown")

    def __init__(self, array: np.ndarray):
        array.flags.writeable = False
        self.array = array
        self.is_shown = False

    def changed_by(self, change: Callable[[np.ndarray], None]) -> BoxCopy:
        """The box after change(array)."""
        array = self.array.copy() if self.is_shown else self.array
        array.flags.writeable = True
        change(array)
        if self.is_shown:
            return BoxCopy(array)
        array.flags.writeable = False
        return self
