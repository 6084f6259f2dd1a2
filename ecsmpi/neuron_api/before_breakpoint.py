"""A function that NEURON calls before each evaluation of the currents, and Nernst's coefficient.

NEURON offers this to mechanisms alone, as a BEFORE BREAKPOINT block.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from ecsmpi.neuron_api import symbols
from ecsmpi.neuron_api.native_callbacks import MechanismBlock
from ecsmpi.neuron_api.structure import change_structure

CAPACITANCE = 3  # NEURON's number of the mechanism that every segment has
BEFORE_BREAKPOINT = 11  # kind of the block, as compiled mod files say it

_nernst_coefficient = symbols.function_when_called(
    symbols.NERNST_COEFFICIENT, ctypes.c_double, ctypes.c_int
)


def register(action: Callable[[], None], wanted: ctypes.c_int64) -> MechanismBlock | None:
    """Let NEURON call ``action()`` before it evaluates the currents, while ``wanted`` is not 0.

    NEURON's structure changes by it. Returns the block, which has to be kept alive, or None where
    this NEURON has no such registration; then nothing has changed.
    """
    arguments = ctypes.c_int, ctypes.c_void_p, ctypes.c_int
    try:
        register_block = symbols.function(symbols.REGISTER_BEFORE_BREAKPOINT, None, *arguments)
        symbols.function(symbols.NERNST_COEFFICIENT, ctypes.c_double, ctypes.c_int)
    except AttributeError:
        return None
    block = MechanismBlock(action, wanted)
    register_block(CAPACITANCE, block.address, BEFORE_BREAKPOINT)
    change_structure()
    return block


def nernst_coefficient(ion_type: int) -> float:
    """R T / (z F) in mV, at NEURON's present temperature, of an ion by NEURON's number of it."""
    return _nernst_coefficient(ion_type)
