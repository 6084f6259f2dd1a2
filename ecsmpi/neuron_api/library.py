"""NEURON's library: its C and C++ symbols, each by an entry of the table in `symbols`."""

from __future__ import annotations

import ctypes
import dis
import functools
import importlib
from collections.abc import Callable
from typing import Any

from ecsmpi.neuron_api import symbols


@functools.cache
def _library() -> Any:
    """NEURON's library. Imports neuron where nobody has: call it after `neuron_start.start`."""
    import neuron

    return neuron.nrn_dll()


def function(symbol: symbols.Entry, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A C or C++ function of NEURON's library.

    Parameters
    ----------
    symbol : entry of the table
    result, arguments : types of ctypes; None for no result

    Raises
    ------
    AttributeError where NEURON's library has no such symbol.
    """
    found = _function(symbol)
    found.restype = result
    found.argtypes = arguments
    return found


def function_when_called(symbol: symbols.Entry, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A function that looks its symbol up at its first call, which raises like `function`.

    Where NEURON lacks the symbol, the module that asks for it can still be imported.
    """
    find = functools.cache(lambda: function(symbol, result, *arguments))
    return lambda *values: find()(*values)


def address(symbol: symbols.Entry) -> int | None:
    """Address of a function of NEURON's library. Raises AttributeError like `function`."""
    return ctypes.cast(_function(symbol), ctypes.c_void_p).value


def _function(symbol: symbols.Entry) -> Any:
    try:
        return _library()[symbol.name]
    except AttributeError:
        raise AttributeError(_is_missing(symbol)) from None


def variable(symbol: symbols.Entry, kind: Any) -> Any:
    """A variable of NEURON's library, as an object of a ctypes type over its memory.

    Raises ValueError where NEURON's library has no such symbol.
    """
    try:
        return kind.in_dll(_library(), symbol.name)
    except ValueError:
        raise ValueError(_is_missing(symbol)) from None


def require_what_import_needs() -> None:
    """Raise ImportError where NEURON lacks a name without which ecsmpi.rxd cannot be imported.

    Local. The error names one of them, and what ecsmpi uses it for.
    """
    for entry in symbols.TABLE:
        if entry.without == symbols.NO_IMPORT and not _is_present(entry):
            raise ImportError(_is_missing(entry))


def _is_missing(entry: symbols.Entry) -> str:
    """The message for a name that NEURON lacks."""
    import neuron

    return (
        f"NEURON {neuron.__version__} lacks {entry.name} ({entry.purpose}); "
        f"{entry.without}. Run `ecsmpi doctor`, which lists all that this NEURON lacks"
    )


def missing() -> list[symbols.Entry]:
    """The entries of the table that this NEURON lacks. Local, after `neuron_start.start`."""
    return [entry for entry in symbols.TABLE if not _is_present(entry)]


def _is_present(entry: symbols.Entry) -> bool:
    if entry.kind is not symbols.Kind.PYTHON:
        return hasattr(_library(), entry.name)
    module_name, _, path = entry.name.partition(":")
    try:
        owner: Any = importlib.import_module(module_name)
    except ImportError:
        return False
    *owners, attribute = path.split(".")
    for name in owners:
        owner = getattr(owner, name, None)
    return hasattr(owner, attribute) or _is_set_by_methods(owner, attribute)


def _is_set_by_methods(kind: Any, attribute: str) -> bool:
    """Whether a method of a class sets an attribute, which only the class's objects have."""
    for base in getattr(kind, "__mro__", ()):
        for member in vars(base).values():
            method = member.fset if isinstance(member, property) else member
            code = getattr(method, "__code__", None)
            if code is not None and _sets(code, attribute):
                return True
    return False


def _sets(code: Any, attribute: str) -> bool:
    if attribute not in code.co_names:
        return False
    for instruction in dis.get_instructions(code):
        if instruction.opname == "STORE_ATTR" and instruction.argval == attribute:
            return True
    return False
