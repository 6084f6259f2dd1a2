"""How many of NEURON's steps make one step of the grid."""

from __future__ import annotations

from ecsmpi.description.grid import finite


class GridClock:
    """Counts NEURON's steps; every so many of them the grid takes one. Local, and the same on all
    ranks.
    """

    def __init__(self):
        self._wanted = 1
        self.restart()

    @property
    def steps(self) -> int:
        """NEURON's steps in each step of the grid that begins from now on."""
        return self._wanted

    @steps.setter
    def steps(self, count) -> None:
        """Raises ValueError where the count is not a whole number of at least 1."""
        number = finite("grid_steps", count)
        if number < 1 or number != int(number):
            raise ValueError(f"grid_steps must be a whole number of at least 1, got {count!r}")
        self._wanted = int(number)

    def restart(self) -> None:
        """Begin a step of the grid now."""
        self._taken = 0

    @property
    def between_steps(self) -> bool:
        """Whether the grid's next step has not begun."""
        return self._taken == 0

    @property
    def place(self) -> str:
        """How far the grid's step is, in words."""
        return f"{self._taken} of its {self._size} steps of NEURON's are done"

    @property
    def ends_next(self) -> bool:
        """Whether the next step of NEURON's completes one of the grid."""
        return self._taken + 1 == (self._size if self._taken else self._wanted)

    def tick(self) -> bool:
        """Count a step of NEURON's: is the grid's complete?"""
        if self._taken == 0:
            self._size = self._wanted
        self._taken = (self._taken + 1) % self._size
        return self._taken == 0
