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
    "potentials": "reversal potentials, where NEURON would compute them",
    "carried": "currents that reactions at the segments carry",
    "currents": "segments' currents, read from NEURON",
    "cells": "reactions at the segments",
    "react": "reactions in each voxel",
    "deposit": "currents to the ranks that own their voxels",
    "ghosts": "ghost planes",
    "gate": "ranks that still read concentrations",
    "factors": "solver made anew where tissue has changed",
    "pass": "right-hand side and substitution, in one pass",
    "up": "right-hand side and elimination along x",
    "interfaces": "interfaces of the slabs",
    "down": "substitution along x, y and z",
    "collect": "concentrations back to the ranks of the segments",
    "segments": "outside concentrations, written to NEURON",
    "observers": "output, progress, watch and checkpoints",
}

SWEEPS = ("pass", "up", "down")  # phases in which a rank computes alone


REST = "neuron"
OF_REST = "the rest: NEURON's own step, the script between steps"


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
    whole : float
        Time of these steps, with what is between them (s).
    """

    def __init__(self) -> None:
        self._phases = {name: Phase() for name in PHASES}
        self._step_began = 0.0  # when the step before ended
        self.reset()

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
        self.whole = 0.0
        for phase in self._phases.values():
            phase.seconds = 0.0
        self.begin_run()

    def begin_run(self) -> None:
        """Let the next step begin now, as after an initialisation. Local."""
        self._step_began = perf_counter()

    def end_step(self) -> None:
        """Note that a step has ended, and the next one begins. Local."""
        now = perf_counter()
        self.whole += now - self._step_began
        self._step_began = now

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

        The last one, REST, is what no phase accounts for.

        Parameters
        ----------
        comm
            The ranks.

        Returns
        -------
        list of tuple
            (phase, mean, maximum) in s.
        """
        own = self.seconds()
        own[REST] = self.whole - sum(own.values())
        everywhere = comm.allgather(own)
        rows = []
        for name in own:
            seconds = [on_rank[name] for on_rank in everywhere]
            rows.append((name, sum(seconds) / len(seconds), max(seconds)))
        return rows
