"""A function that NEURON calls before each evaluation of the currents, and Nernst's coefficient.

NEURON offers this to mechanisms alone, as a BEFORE BREAKPOINT block.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

from ecsmpi.neuron_api import library, symbols
from ecsmpi.neuron_api.native_callbacks import MechanismBlock
from ecsmpi.neuron_api.structure import change_structure

CAPACITANCE = 3  # NEURON's number of the mechanism that every segment has
BEFORE_BREAKPOINT = 11  # kind of the block, as compiled mod files say it

_nernst_coefficient = library.function_when_called(
    symbols.NERNST_COEFFICIENT, ctypes.c_double, ctypes.c_int
)


class BeforeBreakpoint:
    """Has NEURON call ``action()`` before it evaluates the currents, while it is switched on."""

    def __init__(self, action: Callable[[], None]):
        self._action = action
        self._is_on = ctypes.c_int64(0)  # read by the machine code that NEURON calls
        self._block: MechanismBlock | None = None

    @property
    def is_registered(self) -> bool:
        """Whether NEURON calls it."""
        return self._block is not None

    def register(self) -> None:
        """Register it, switched off; NEURON's structure changes by it. Once is enough.

        Nothing changes where this NEURON has no such registration.
        """
        if self._block is not None:
            return
        arguments = ctypes.c_int, ctypes.c_void_p, ctypes.c_int
        try:
            register_block = library.function(symbols.REGISTER_BEFORE_BREAKPOINT, None, *arguments)
            library.function(symbols.NERNST_COEFFICIENT, ctypes.c_double, ctypes.c_int)
        except AttributeError:
            return
        self._block = MechanismBlock(self._action, self._is_on)
        register_block(CAPACITANCE, self._block.address, BEFORE_BREAKPOINT)
        change_structure()

    def switch(self, on: bool) -> None:
        """Let NEURON's calls reach the action, or return at once."""
        self._is_on.value = on


def nernst_coefficient(ion_type: int) -> float:
    """R T / (z F) in mV, at NEURON's present temperature, of an ion by NEURON's number of it."""
    return _nernst_coefficient(ion_type)
