"""How many of NEURON's steps make one step of the grid."""

from __future__ import annotations

from ecsmpi.description.grid import finite


class GridClock:
    """Counts NEURON's steps; the grid steps once in so many. Local, the same on all ranks."""

    def __init__(self):
        self._wanted = 1  # for grid steps that begin from now on
        self._size = 1  # of the grid step that has begun
        self._done = 0  # of its steps

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
        """Begin a step of the grid with NEURON's next step."""
        self._done = 0

    @property
    def between_steps(self) -> bool:
        """Whether the grid's next step has not begun."""
        return self._done == 0

    @property
    def place(self) -> str:
        """Words for how far the grid's step is."""
        return f"{self._done} of its {self._size} steps of NEURON's are done"

    @property
    def ends_next(self) -> bool:
        """Whether NEURON's next step completes one of the grid."""
        size = self._size if self._done else self._wanted
        return self._done + 1 == size

    def tick(self) -> bool:
        """Count a step of NEURON; returns whether the grid's step is complete."""
        if self._done == 0:
            self._size = self._wanted
        self._done = (self._done + 1) % self._size
        return self._done == 0
