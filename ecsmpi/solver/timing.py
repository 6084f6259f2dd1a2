"""How long each phase of a step takes, on each rank.

    with phases["up"]:
        ...

costs well under a microsecond. Phases do not overlap: what waits for another rank counts where it
waits.
"""

from __future__ import annotations

from time import perf_counter

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
    """Seconds spent in a phase so far; a context manager. ``began``: when the step entered it, None
    outside of it.
    """

    __slots__ = ("seconds", "began")

    def __init__(self):
        self.seconds, self.began = 0.0, None

    def __enter__(self):
        self.began = perf_counter()

    def __exit__(self, *_):
        self.seconds += perf_counter() - self.began
        self.began = None


class Phases:
    """The phases of the steps of one rank."""

    def __init__(self):
        self._phases = {name: Phase() for name in PHASES}
        self.steps = 0

    def __getitem__(self, name: str) -> Phase:
        return self._phases[name]

    def reset(self) -> None:
        """Begin anew."""
        self.steps = 0
        for phase in self._phases.values():
            phase.seconds = 0.0

    def seconds(self) -> dict[str, float]:
        """Seconds of each phase since the beginning, in the order of a step."""
        return {name: phase.seconds for name, phase in self._phases.items()}

    def over_ranks(self, comm) -> list[tuple[str, float, float]]:
        """(phase, mean, maximum) in seconds over all ranks, the same on each. Collective."""
        everywhere = comm.allgather(self.seconds())
        return [(name, _mean(of := [one[name] for one in everywhere]), max(of)) for name in PHASES]


def _mean(values) -> float:
    return sum(values) / len(values)
