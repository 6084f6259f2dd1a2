"""A function that NEURON calls before each evaluation of the currents, and Nernst's coefficient.

NEURON offers this to mechanisms alone, as a BEFORE BREAKPOINT block, which it calls for each
instance. So the function takes a place that NEURON leaves empty: the capacitance has no current.
NEURON calls the current function of a mechanism once for all segments, and the capacitance, which
every segment has, comes before the mechanisms with currents.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

from ecsmpi.neuron_api import library, symbols
from ecsmpi.neuron_api.mechanisms import distributed_types
from ecsmpi.neuron_api.native_callbacks import CurrentFunction

CAPACITANCE = "capacitance"
WORD = ctypes.sizeof(ctypes.c_int64)
CURRENT = 1  # word of a mechanism's record; those from 0 on are in the order of FUNCTIONS
# Mechanisms that NEURON always has, and which functions they have: (allocate, current, jacobian,
# state). The capacitance has no current but ours.
FUNCTIONS = {
    CAPACITANCE: (True, False, False, False),
    "na_ion": (True, True, False, False),
    "hh": (True, True, True, True),
}

_hoc_symbol = library.function(symbols.HOC_SYMBOL, ctypes.c_void_p, ctypes.c_char_p)
_nernst_coefficient = library.function_when_called(
    symbols.NERNST_COEFFICIENT, ctypes.c_double, ctypes.c_int
)


class BeforeCurrents:
    """Has NEURON call ``action()`` before it evaluates the currents, while it is switched on."""

    def __init__(self, action: Callable[[], None]):
        self._action = action
        self._function: CurrentFunction | None = None

    def is_possible(self) -> bool:
        """Whether this NEURON has a place for the function, which is as expected."""
        return self._capacitance() is not None

    def switch(self, on: bool) -> None:
        """Let NEURON call the action from now on, or not.

        NEURON may move its records where mechanisms are loaded, so they are found anew.
        """
        if self._function is None:
            if not on:
                return
            self._function = CurrentFunction(self._action)
        capacitance = self._capacitance()
        if capacitance is not None:
            capacitance[CURRENT] = self._function.address if on else 0

    def _capacitance(self) -> Any:
        """NEURON's record of the capacitance, whose current function is this one or none.

        None where records are not as expected.
        """
        records = _records()
        if records is None:
            return None
        own = self._function.address if self._function else 0
        capacitance = records[CAPACITANCE]
        return capacitance if capacitance[CURRENT] in (0, own) else None


def _records() -> dict[str, ctypes.Array] | None:
    """NEURON's records of some mechanisms, as words; None where they are not as expected.

    A record holds functions, and the hoc Symbol of the mechanism, by which it is recognised.
    """
    try:
        begin, end = library.variable(symbols.MECHANISM_RECORDS, ctypes.c_int64 * 2)
        count = library.variable(symbols.MECHANISM_COUNT, ctypes.c_int).value
        library.function(symbols.NERNST_COEFFICIENT, ctypes.c_double, ctypes.c_int)
    except (AttributeError, ValueError):
        return None
    size, rest = divmod((end - begin) // WORD, count)
    if rest or size <= len(FUNCTIONS[CAPACITANCE]):
        return None
    types = distributed_types()
    found = {}
    for name in FUNCTIONS:
        found[name] = (ctypes.c_int64 * size).from_address(begin + WORD * size * types[name])
    return found if _are_as_expected(found) else None


def _are_as_expected(records: dict[str, ctypes.Array]) -> bool:
    places_of_symbols = set()
    for name, functions in FUNCTIONS.items():
        words = list(records[name])
        symbol = _hoc_symbol(name.encode())
        if symbol not in words:
            return False
        places_of_symbols.add(words.index(symbol))
        has = [bool(word) for word in words[: len(functions)]]
        if name == CAPACITANCE:
            has[CURRENT] = False
        if tuple(has) != functions:
            return False
    return len(places_of_symbols) == 1


def nernst_coefficient(ion_type: int) -> float:
    """R T / (z F) in mV, at NEURON's present temperature, of an ion by NEURON's number of it."""
    return _nernst_coefficient(ion_type)
