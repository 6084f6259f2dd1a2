"""NEURON's library: its C and C++ symbols, each by an entry of the table in `symbols`."""

from __future__ import annotations

import ctypes
import functools
import importlib
from collections.abc import Callable
from typing import Any

from ecsmpi.neuron_api import symbols


@functools.cache
def _library() -> Any:
    """NEURON's library, whose Python module must have been imported."""
    import neuron

    return neuron.nrn_dll()


def function(symbol: symbols.Symbol, result: Any, *arguments: Any) -> Callable[..., Any]:
    """A C or C++ function of NEURON's library.

    Parameters
    ----------
    symbol : entry of the table
    result, arguments : types of ctypes; None for no result

    Raises
    ------
    AttributeError where NEURON's library has no such symbol.
    """
    found = _library()[symbol.name]
    found.restype = result
    found.argtypes = arguments
    return found


def function_when_called(
    symbol: symbols.Symbol, result: Any, *arguments: Any
) -> Callable[..., Any]:
    """Like `function`, looked up at its first call: without the symbol all else still works."""
    find = functools.cache(lambda: function(symbol, result, *arguments))
    return lambda *values: find()(*values)


def address(symbol: symbols.Symbol) -> int | None:
    """Address of a function of NEURON's library. Raises AttributeError like `function`."""
    return ctypes.cast(_library()[symbol.name], ctypes.c_void_p).value


def variable(symbol: symbols.Symbol, kind: Any) -> Any:
    """A variable of NEURON's library, as an object of a ctypes type over its memory.

    Raises ValueError where NEURON's library has no such symbol.
    """
    return kind.in_dll(_library(), symbol.name)


def missing() -> list[symbols.Symbol]:
    """The entries of the table that the installed NEURON lacks. Local, after `launch.start`."""
    return [symbol for symbol in symbols.TABLE if not _is_present(symbol)]


def _is_present(symbol: symbols.Symbol) -> bool:
    if symbol.kind is not symbols.Kind.PYTHON:
        return hasattr(_library(), symbol.name)
    module_name, _, path = symbol.name.partition(":")
    try:
        owner: Any = importlib.import_module(module_name)
    except ImportError:
        return False
    *owners, attribute = path.split(".")
    for name in owners:
        owner = getattr(owner, name, None)
    return hasattr(owner, attribute) or _is_used_by_methods(owner, attribute)


def _is_used_by_methods(kind: Any, attribute: str) -> bool:
    """Whether a method of a class names an attribute, which only the class's objects have."""
    for base in getattr(kind, "__mro__", ()):
        for method in vars(base).values():
            code = getattr(method, "__code__", None)
            if code is not None and attribute in code.co_names:
                return True
    return False
