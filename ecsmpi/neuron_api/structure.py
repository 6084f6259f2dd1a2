"""NEURON's counts of changes of its structure, after which its variables may lie elsewhere."""

from __future__ import annotations

import ctypes

import ecsmpi.neuron_api.interpreter  # noqa: F401  starts MPI and NEURON, before `library` looks
from ecsmpi.neuron_api import library, symbols

_structure_changes = library.variable(symbols.STRUCTURE_CHANGES, ctypes.c_int)
_diameter_changes = library.variable(symbols.DIAMETER_CHANGES, ctypes.c_int)
_change_waits = library.variable(symbols.CHANGE_WAITS, ctypes.c_int)


def structure_counts() -> tuple[int, int, int]:
    """NEURON's counts of (structure, diameter) changes, and whether a change waits. Local.

    Cheap enough for every step. The counts move when NEURON takes a change in, at its next
    initialisation or step, not when the script makes it. Instances of mechanisms come, go and are
    put in another order only where one of the three moves.
    """
    return _structure_changes.value, _diameter_changes.value, _change_waits.value


def change_structure() -> None:
    """Let NEURON set itself up again at its next initialisation or step. Local."""
    _change_waits.value = 1
