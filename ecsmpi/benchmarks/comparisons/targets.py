"""Rows of a comparison with NEURON: measured values beside what is aimed at."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes
    ----------
    what
        What was measured.
    unit
        Unit of the values of NEURON and ecsmpi.
    neuron, ecsmpi
        The measured values; NEURON's is None where it has none.
    value
        The result that goal and aim are for, such as a ratio.
    goal
        The value that must be reached, or None.
    aim
        The value that is wished for, or None.
    at_least
        Whether a greater value is better.
    """

    what: str
    unit: str
    neuron: float | None
    ecsmpi: float
    value: float
    goal: float | None
    aim: float | None
    at_least: bool = True

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached; None where there is none."""
        if self.goal is None:
            return None
        if self.at_least:
            return self.value >= self.goal
        return self.value <= self.goal

    def entry(self) -> dict:
        """The row as an entry of a record."""
        return asdict(self) | {"met": self.met}


def ratio(
    what: str,
    unit: str,
    neuron: float,
    ecsmpi: float,
    goal: float | None = None,
    aim: float | None = None,
) -> Row:
    """A row whose result is how many times as fast, or as small, ecsmpi is as NEURON."""
    return Row(what, unit, neuron, ecsmpi, neuron / ecsmpi, goal, aim)


def at_most(
    what: str, unit: str, neuron: float | None, ecsmpi: float, goal: float, aim: float | None
) -> Row:
    """A row whose result is ecsmpi's own value, which shall be small."""
    return Row(what, unit, neuron, ecsmpi, ecsmpi, goal, aim, at_least=False)
