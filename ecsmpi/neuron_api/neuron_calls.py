"""Let exceptions of ecsmpi reach the script through NEURON: machine code replaces NEURON's call.

NEURON knows an error as a text: it prints hoc's trace and raises ``RuntimeError: hocobj_call error:
...`` in the script. So ecsmpi keeps the exception here and gives NEURON an error without words.
Then the script's call of NEURON, ``n.fadvance()`` or any other, raises the kept exception. That
call goes through the slot ``tp_call`` of NEURON's Python type, HocObject. `install` replaces the
function in that slot, and in the types made from HocObject, by machine code, which counts the calls
that are in progress, calls NEURON's own function, and looks at one number afterwards.

Where the slot is not found in one place (another layout of Python's types) nothing is installed,
and the script gets NEURON's error.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from typing import Any

from ecsmpi.neuron_api import library, native_callbacks, symbols
from ecsmpi.neuron_api.interpreter import hoc, n
from ecsmpi.neuron_api.native_slots import CALL_NEURON

CALL_SLOT = 50  # Py_tp_call of Python's stable interface
WORDS_SEARCHED = 60  # of a type's memory, for that slot

_prints_errors = library.variable(symbols.PRINTS_ERRORS, ctypes.c_int)
_find_hoc_symbol = library.function(symbols.HOC_SYMBOL, ctypes.c_void_p, ctypes.c_char_p)


class _State(ctypes.Structure):
    """Numbers that the machine code reads and writes.

    depth : calls of NEURON that are in progress, one in another
    kept : the exception to raise, or 0
    wanted : whether something is to be done after the outermost call
    called : address of the hoc Symbol of the function that the outermost call in progress has
        called, or 0
    """

    _fields_ = [
        ("depth", ctypes.c_int64),
        ("kept", ctypes.c_int64),
        ("wanted", ctypes.c_int64),
        ("called", ctypes.c_int64),
    ]


_state = _State()
_kept_alive: list = []  # functions that NEURON calls


class Stopped(RuntimeError):
    """Ends NEURON's own work; the script sees the exception that was kept."""


def inside() -> bool:
    """Whether the script has called NEURON and that call has not returned."""
    return _state.depth > 0


def knows_calls() -> bool:
    """Whether ecsmpi can tell which of NEURON's functions the script has called."""
    return bool(_kept_alive) and _word_of_hoc_symbol() is not None


def calls_that_advance(names: tuple[str, ...]) -> list[int]:
    """Addresses of the hoc Symbols of methods that advance time, and of functions of hoc. Local.

    Functions that this hoc does not have are left out.
    """
    functions = [n.ParallelContext().psolve, n.CVode().solve]
    functions += [getattr(n, name) for name in names if hasattr(n, name)]
    return [_hoc_symbol_of(one) for one in functions]


def place_of_called() -> int:
    """Address of the hoc Symbol of the function that the script has called, or of 0."""
    return _field("called")


def keep(error: BaseException) -> bool:
    """Let the script's call of NEURON raise the error, and NEURON print nothing of its own.

    An interrupt is raised at the script's call: where NEURON was tells a user nothing.

    Returns False where no such call is in progress.
    """
    if not inside():
        return False
    if isinstance(error, KeyboardInterrupt):
        error.__traceback__ = None
    _keep(error)
    _prints_errors.value = 0  # NEURON sets it again as it takes the error
    return True


def goes_on() -> None:
    """After `keep`, let NEURON go on without an error, and print errors of its own again."""
    _prints_errors.value = 1


def _keep(error: BaseException) -> None:
    if not _state.kept:  # else the earlier error counts
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(error))
        _state.kept = id(error)


def after_this_call() -> None:
    """Have the function given to `install` called when the outermost call of NEURON has ended."""
    _state.wanted = 1


def install(afterwards: Callable[[], None]) -> bool:
    """Replace tp_call of HocObject, for the whole process; return whether it could be done.

    afterwards(): called as `after_this_call` asks; the script's call raises its exception.
    """

    def finish() -> None:
        _state.wanted = 0
        try:
            afterwards()
        except BaseException as error:
            _keep(error)

    own = _call_slot(hoc.HocObject)
    places = [_place_of_slot(kind) for kind in _kinds(hoc.HocObject)]
    found = [place for place in places if place is not None]
    if len(found) < len(places):
        return False
    word = _word_of_hoc_symbol()
    fields = {name: _field(name) for name in ("depth", "kept", "wanted", "called")}
    address = native_callbacks.function(
        CALL_NEURON, own=own, finish=id(finish), word=-1 if word is None else word, **fields
    )
    for place in found:
        ctypes.c_uint64.from_address(place).value = address
    _kept_alive.append(finish)
    return True


def _kinds(kind: type) -> list[type]:
    """A type and all types made from it."""
    found: list[type] = [kind]
    subclasses: list[type] = type.__subclasses__(kind)
    for below in subclasses:
        found += _kinds(below)
    return found


def _call_slot(kind: type) -> int:
    slot = ctypes.pythonapi.PyType_GetSlot
    slot.restype = ctypes.c_void_p
    slot.argtypes = [ctypes.py_object, ctypes.c_int]
    return slot(kind, CALL_SLOT)


def _place_of_slot(kind: type) -> int | None:
    """Address of a type's slot, if it is NEURON's function and in one place only."""
    own = _call_slot(kind)
    if own != _call_slot(hoc.HocObject):
        return None
    words = (ctypes.c_uint64 * WORDS_SEARCHED).from_address(id(kind))
    found = [i for i, word in enumerate(words) if word == own]
    return id(kind) + 8 * found[0] if len(found) == 1 else None


@functools.cache
def _word_of_hoc_symbol() -> int | None:
    """Which word of NEURON's object of a function is its hoc Symbol; None where that is unclear."""
    words = _words_of(n.fadvance)
    hoc_symbol = _find_hoc_symbol(b"fadvance")
    return words.index(hoc_symbol) if words.count(hoc_symbol) == 1 else None


def _words_of(one: Any) -> list[int]:
    return list((ctypes.c_uint64 * (hoc.HocObject.__basicsize__ // 8)).from_address(id(one)))


def _hoc_symbol_of(function: Any) -> int:
    word = _word_of_hoc_symbol()
    if word is None:
        raise RuntimeError("ask knows_calls() first")
    return _words_of(function)[word]


def _field(name: str) -> int:
    """Address of a field of the state, for machine code."""
    return ctypes.addressof(_state) + getattr(_State, name).offset
