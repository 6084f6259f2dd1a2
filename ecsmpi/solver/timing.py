"""How long each phase of a step takes, on each rank.

    with phases["up"]:
        ...

costs well under a microsecond. Phases do not overlap. Waiting for another rank counts in the phase
that waits.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

PHASES = {
    "currents": "segments' currents, read from NEURON",
    "cells": "reactions at the segments",
    "react": "reactions in each voxel",
    "deposit": "currents to the ranks that own their voxels",
    "ghosts": "ghost planes",
    "gate": "ranks that still read concentrations",
    "factors": "solver made anew where tissue has changed",
    "up": "right-hand side and elimination along x",
    "interfaces": "interfaces of the slabs",
    "down": "substitution along x, y and z",
    "collect": "concentrations back to the ranks of the segments",
    "segments": "outside concentrations, written to NEURON",
    "observers": "output, progress, watch and checkpoints",
}


class Phase:
    """A context manager that adds up the seconds spent in a phase.

    Attributes
    ----------
    seconds : float
        Time in the phase so far.
    began : float or None
        When the step entered the phase, by perf_counter; None outside of it.
    """

    __slots__ = ("seconds", "began")

    def __init__(self) -> None:
        self.seconds = 0.0
        self.began: float | None = None

    def __enter__(self) -> None:
        self.began = perf_counter()

    def __exit__(self, *_) -> None:
        if self.began is not None:
            self.seconds += perf_counter() - self.began
        self.began = None


class Phases:
    """The phases of the steps of one rank.

    Attributes
    ----------
    steps : int
        How many steps there have been.
    """

    def __init__(self) -> None:
        self._phases = {name: Phase() for name in PHASES}
        self.steps = 0

    def __getitem__(self, name: str) -> Phase:
        """One phase.

        Parameters
        ----------
        name
            The phase, such as "react": see `seconds` for all.

        Returns
        -------
        Phase
            Its ``seconds`` are the time in it so far (s).

        Raises
        ------
        KeyError
            If there is no such phase.
        """
        try:
            return self._phases[name]
        except KeyError:
            raise KeyError(f"no phase {name!r}: there are {', '.join(PHASES)}") from None

    def reset(self) -> None:
        """Set the steps and all times to 0. Local."""
        self.steps = 0
        for phase in self._phases.values():
            phase.seconds = 0.0

    def seconds(self) -> dict[str, float]:
        """Time in each phase since the last `reset`, in the order of a step. Local.

        Returns
        -------
        dict
            {phase: s}.
        """
        return {name: phase.seconds for name, phase in self._phases.items()}

    def over_ranks(self, comm: Any) -> list[tuple[str, float, float]]:
        """Time in each phase over all ranks, the same on each of them. Collective.

        Parameters
        ----------
        comm
            The ranks.

        Returns
        -------
        list of tuple
            (phase, mean, maximum) in s.
        """
        everywhere = comm.allgather(self.seconds())
        rows = []
        for name in PHASES:
            seconds = [on_rank[name] for on_rank in everywhere]
            rows.append((name, sum(seconds) / len(seconds), max(seconds)))
        return rows
